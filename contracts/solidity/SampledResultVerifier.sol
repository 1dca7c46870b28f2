// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RefutingVerifier} from "./base/RefutingVerifier.sol";
import {IRefutingVerifier, ResultClaim, Verdict} from "./interfaces/IResultVerifier.sol";

/// The ladder's second rung, "sample": most deliveries are final by acceptance or after the window, as on the first
/// rung; of those that are drawn after they were delivered, a proof decides. A proof is taken of any delivery, drawn or
/// not: of the delivered output it is final at once, of another one it refutes.
contract SampledResultVerifier is RefutingVerifier {
    uint64 public immutable challengeWindowSeconds;
    IRefutingVerifier public immutable proofs;

    constructor(uint64 challengeWindowSeconds_, IRefutingVerifier proofs_) {
        challengeWindowSeconds = challengeWindowSeconds_;
        proofs = proofs_;
    }

    function verify(ResultClaim calldata claim, bytes calldata evidence) external view returns (Verdict memory) {
        if (evidence.length != 0) return proofs.verify(claim, evidence);
        // Time speaks for what was delivered, never for another output.
        if (claim.outputHash != keccak256(abi.encode(claim.output))) return _invalid("evidence-missing");
        return _finalAfter(claim, challengeWindowSeconds);
    }

    function acceptanceSuffices() external pure returns (bool) {
        return true;
    }

    function refutedUnder(uint256 modelId) external view returns (bytes32, bytes32) {
        return proofs.refutedUnder(modelId);
    }
}
