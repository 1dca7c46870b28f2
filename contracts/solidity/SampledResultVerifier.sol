// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IResultVerifier, Outcome, ResultClaim, Verdict} from "./interfaces/IResultVerifier.sol";

/// The ladder's second rung, "sample": most deliveries are final by acceptance or after the window, as on the first
/// rung; of those that are drawn after they were delivered, a proof decides. A proof is taken of any delivery, drawn or
/// not: of the delivered output it is final at once, of another one it refutes.
contract SampledResultVerifier is IResultVerifier {
    uint64 public immutable challengeWindowSeconds;
    IResultVerifier public immutable proofs;

    constructor(uint64 challengeWindowSeconds_, IResultVerifier proofs_) {
        challengeWindowSeconds = challengeWindowSeconds_;
        proofs = proofs_;
    }

    function verify(ResultClaim calldata claim, bytes calldata evidence) external view returns (Verdict memory) {
        if (evidence.length != 0) return proofs.verify(claim, evidence);
        // Time speaks for what was delivered, never for another output.
        if (claim.outputHash != keccak256(abi.encode(claim.output))) {
            return Verdict(Outcome.Invalid, 0, "evidence-missing");
        }
        uint64 pendingUntil = claim.deliveredAt + challengeWindowSeconds;
        if (block.timestamp >= pendingUntil) return Verdict(Outcome.Final, 0, bytes32(0));
        return Verdict(Outcome.PendingUntil, pendingUntil, bytes32(0));
    }

    function acceptanceSuffices() external pure returns (bool) {
        return true;
    }

    function refutes() external pure returns (bool) {
        return true;
    }

    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IResultVerifier).interfaceId || interfaceId == type(IERC165).interfaceId;
    }
}
