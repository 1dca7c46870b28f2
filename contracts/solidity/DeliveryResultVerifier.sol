// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ResultVerifier} from "./base/ResultVerifier.sol";
import {ResultClaim, Verdict} from "./interfaces/IResultVerifier.sol";

/// The ladder's first rung, "none": the provider's signed delivery is all there is. Final when the buyer accepts
/// it or when the window after delivery is over. Says nothing about whether the result is right.
contract DeliveryResultVerifier is ResultVerifier {
    uint64 public immutable challengeWindowSeconds;

    constructor(uint64 challengeWindowSeconds_) {
        challengeWindowSeconds = challengeWindowSeconds_;
    }

    /// Evidence is not looked at: the escrow has checked the delivery's signature.
    function verify(ResultClaim calldata claim, bytes calldata) external view returns (Verdict memory) {
        return _finalAfter(claim, challengeWindowSeconds);
    }

    function acceptanceSuffices() external pure returns (bool) {
        return true;
    }
}
