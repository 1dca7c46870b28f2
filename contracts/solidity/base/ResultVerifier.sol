// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IResultVerifier, Outcome, ResultClaim, Verdict} from "../interfaces/IResultVerifier.sol";

/// What all rungs of the ladder have in common: how they name themselves and how a verdict is written.
abstract contract ResultVerifier is IResultVerifier {
    function supportsInterface(bytes4 interfaceId) public pure virtual returns (bool) {
        return interfaceId == type(IResultVerifier).interfaceId || interfaceId == type(IERC165).interfaceId;
    }

    /// Final when `windowSeconds` have passed since the delivery.
    function _finalAfter(ResultClaim calldata claim, uint64 windowSeconds) internal view returns (Verdict memory) {
        uint64 pendingUntil = claim.deliveredAt + windowSeconds;
        if (block.timestamp >= pendingUntil) return _final();
        return Verdict(Outcome.PendingUntil, pendingUntil, bytes32(0));
    }

    function _final() internal pure returns (Verdict memory) {
        return Verdict(Outcome.Final, 0, bytes32(0));
    }

    function _invalid(bytes32 reason) internal pure returns (Verdict memory) {
        return Verdict(Outcome.Invalid, 0, reason);
    }
}
