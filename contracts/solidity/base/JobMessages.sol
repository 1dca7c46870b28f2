// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignedActions} from "./SignedActions.sol";

/// What the parties of a job sign. As in cores/settlement/src/typed-data.ts. All members are of fixed size, so that
/// the ABI encoding of a struct is its EIP-712 encoding.
abstract contract JobMessages is SignedActions {
    struct Order {
        address buyer;
        uint8 jobKind;
        uint256 modelId;
        uint256 licenceId;
        bytes32 requestHash;
        bytes32 inputCommitment;
        address verifier;
        address matcher;
        uint256 maxPriceWei;
        uint64 leaseBy;
        uint64 deliverWithinSeconds;
        uint64 settleWithinSeconds;
        uint256 nonce;
    }

    struct LeaseTerms {
        bytes32 jobId;
        address provider;
        address prover;
        uint64 fencingToken;
        uint256 providerPriceWei;
        uint256 proverFeeWei;
        uint64 acceptBy;
    }

    struct Delivery {
        bytes32 jobId;
        uint64 fencingToken;
        uint256 output;
        bytes32 outputHash;
        bytes32 receiptHash;
    }

    struct Acceptance {
        bytes32 jobId;
        uint64 fencingToken;
        bytes32 outputHash;
    }

    bytes32 public constant ORDER_TYPEHASH =
        keccak256(
            "Order(address buyer,uint8 jobKind,uint256 modelId,uint256 licenceId,bytes32 requestHash,bytes32 inputCommitment,address verifier,address matcher,uint256 maxPriceWei,uint64 leaseBy,uint64 deliverWithinSeconds,uint64 settleWithinSeconds,uint256 nonce)"
        );
    bytes32 public constant LEASE_TERMS_TYPEHASH =
        keccak256(
            "LeaseTerms(bytes32 jobId,address provider,address prover,uint64 fencingToken,uint256 providerPriceWei,uint256 proverFeeWei,uint64 acceptBy)"
        );
    bytes32 public constant DELIVERY_TYPEHASH =
        keccak256("Delivery(bytes32 jobId,uint64 fencingToken,uint256 output,bytes32 outputHash,bytes32 receiptHash)");
    bytes32 public constant ACCEPTANCE_TYPEHASH =
        keccak256("Acceptance(bytes32 jobId,uint64 fencingToken,bytes32 outputHash)");

    /// The order's EIP-712 digest: the job's id.
    function orderDigest(Order calldata order) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ORDER_TYPEHASH, order)));
    }

    function leaseTermsDigest(LeaseTerms calldata terms) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(LEASE_TERMS_TYPEHASH, terms)));
    }

    function deliveryDigest(Delivery calldata delivery) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(DELIVERY_TYPEHASH, delivery)));
    }

    function acceptanceDigest(Acceptance calldata acceptance) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ACCEPTANCE_TYPEHASH, acceptance)));
    }
}
