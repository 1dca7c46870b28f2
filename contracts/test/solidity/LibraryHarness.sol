// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bls12381} from "../../solidity/base/Bls12381.sol";
import {Cost, PaymentSplit, PriceTerms} from "../../solidity/base/PaymentSplit.sol";
import {JobAction, JobState, JobStates} from "../../solidity/JobStates.sol";

/// Makes internal libraries callable.
contract LibraryHarness {
    function cost(PriceTerms memory terms) external pure returns (Cost memory) {
        return PaymentSplit.cost(terms);
    }

    function costs(PriceTerms[] memory terms) external pure returns (Cost[] memory results) {
        results = new Cost[](terms.length);
        for (uint256 i = 0; i < terms.length; i++) results[i] = PaymentSplit.cost(terms[i]);
    }

    function halveFee(uint256 feeWei) external pure returns (uint256, uint256) {
        return PaymentSplit.halveFee(feeWei);
    }

    function next(JobState from, JobAction action) external pure returns (JobState) {
        return JobStates.next(bytes32(0), from, action);
    }

    function hashToG2(bytes memory message) external view returns (bytes memory) {
        return Bls12381.hashToG2(message, Bls12381.MESSAGE_DOMAIN);
    }

    function compressKey(bytes memory publicKey) external pure returns (bytes memory) {
        return Bls12381.compress(publicKey);
    }

    function verifySignature(
        bytes memory publicKey,
        bytes memory message,
        bytes memory signature
    ) external view returns (bool) {
        return Bls12381.verify(publicKey, message, Bls12381.MESSAGE_DOMAIN, signature);
    }
}
