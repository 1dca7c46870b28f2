// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IRefutingVerifier} from "../interfaces/IResultVerifier.sol";
import {ResultVerifier} from "./ResultVerifier.sol";

/// A rung on which a proof of another output than the delivered one takes the job from its provider.
abstract contract RefutingVerifier is ResultVerifier, IRefutingVerifier {
    function supportsInterface(bytes4 interfaceId) public pure override(ResultVerifier, IERC165) returns (bool) {
        return interfaceId == type(IRefutingVerifier).interfaceId || super.supportsInterface(interfaceId);
    }
}
