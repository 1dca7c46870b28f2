// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {IRefutingVerifier} from "../interfaces/IResultVerifier.sol";

/// Asks any listed verifier what a refutation under it has to prove.
library Refutations {
    /// Zeroes where the verifier refutes nothing; that it speaks ERC-165, the registry asked when it listed it.
    function statementOf(address verifier, uint256 modelId)
        internal
        view
        returns (bytes32 modelCommitment, bytes32 verifyingKeyHash)
    {
        if (ERC165Checker.supportsERC165InterfaceUnchecked(verifier, type(IRefutingVerifier).interfaceId)) {
            (modelCommitment, verifyingKeyHash) = IRefutingVerifier(verifier).refutedUnder(modelId);
        }
    }
}
