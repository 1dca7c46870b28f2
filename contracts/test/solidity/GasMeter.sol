// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IResultVerifier, Outcome, ResultClaim, Verdict} from "../../solidity/interfaces/IResultVerifier.sol";

/// Gas of a verification as a calling contract pays it.
contract GasMeter {
    function measure(
        IResultVerifier verifier,
        ResultClaim calldata claim,
        bytes calldata evidence
    ) external view returns (uint256 gas, Outcome outcome) {
        uint256 before = gasleft();
        Verdict memory verdict = verifier.verify(claim, evidence);
        gas = before - gasleft();
        outcome = verdict.outcome;
    }
}
