// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SignedActions} from "./base/SignedActions.sol";

/// Roots of batches of signed receipts. Leaf = keccak256(keccak256(abi.encode(receipt's EIP-712 digest))), inner
/// node = keccak256 of its two children in ascending order: what OpenZeppelin's StandardMerkleTree (npm) builds
/// for the type ["bytes32"]. Leaves are hashed twice, so an inner node never passes for one.
contract ReceiptRegistry is SignedActions, AccessControl {
    struct Receipt {
        uint8 kind;
        bytes32 jobId;
        address provider;
        address counterparty;
        bytes32 modelCommitment;
        bytes32 inputCommitment;
        bytes32 outputHash;
        uint64 startedAtMs;
        uint64 finishedAtMs;
        uint64 promisedMs;
        uint64 workUnits;
        uint64 storedBytes;
        uint256 priceWei;
    }

    struct Batch {
        bytes32 root;
        uint32 receiptCount;
        uint64 anchoredAt;
    }

    bytes32 public constant ANCHOR_ROLE = keccak256("ANCHOR_ROLE");
    bytes32 public constant RECEIPT_TYPEHASH =
        keccak256(
            "Receipt(uint8 kind,bytes32 jobId,address provider,address counterparty,bytes32 modelCommitment,bytes32 inputCommitment,bytes32 outputHash,uint64 startedAtMs,uint64 finishedAtMs,uint64 promisedMs,uint64 workUnits,uint64 storedBytes,uint256 priceWei)"
        );

    /// Number of the last anchored batch; batches count from 1.
    uint64 public batchCount;
    mapping(uint64 batch => Batch) private _batches;

    event ReceiptsAnchored(uint64 indexed batch, bytes32 indexed root, uint32 receiptCount, address anchoredBy);

    error BatchOutOfOrder(uint64 given, uint64 expected);
    error BatchEmpty();
    error BatchUnknown(uint64 batch);

    constructor(address admin, address anchorAccount) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(ANCHOR_ROLE, anchorAccount);
    }

    /// Anchors batch number `batch`, which must be the next one: a repeated submission cannot anchor twice.
    function anchor(uint64 batch, bytes32 root, uint32 receiptCount) external onlyRole(ANCHOR_ROLE) {
        uint64 expected = batchCount + 1;
        if (batch != expected) revert BatchOutOfOrder(batch, expected);
        if (root == bytes32(0) || receiptCount == 0) revert BatchEmpty();
        batchCount = batch;
        _batches[batch] = Batch(root, receiptCount, uint64(block.timestamp));
        emit ReceiptsAnchored(batch, root, receiptCount, msg.sender);
    }

    /// Reverts with `BatchUnknown`.
    function batchOf(uint64 batch) public view returns (Batch memory) {
        if (batch == 0 || batch > batchCount) revert BatchUnknown(batch);
        return _batches[batch];
    }

    /// EIP-712 digest: what the provider signs and what identifies the receipt.
    function receiptDigest(Receipt calldata receipt) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(RECEIPT_TYPEHASH, receipt)));
    }

    function leafOf(bytes32 digest) public pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(digest))));
    }

    /// Whether the receipt with this digest is in the batch. Reverts with `BatchUnknown`.
    function isIncluded(uint64 batch, bytes32 digest, bytes32[] calldata siblings) public view returns (bool) {
        return MerkleProof.verifyCalldata(siblings, batchOf(batch).root, leafOf(digest));
    }

    /// Whether the receipt is in the batch and its provider signed it. Reverts with `BatchUnknown`.
    function isAnchoredReceipt(
        uint64 batch,
        Receipt calldata receipt,
        bytes calldata providerSignature,
        bytes32[] calldata siblings
    ) external view returns (bool) {
        bytes32 digest = receiptDigest(receipt);
        return
            isIncluded(batch, digest, siblings) &&
            SignatureChecker.isValidSignatureNowCalldata(receipt.provider, digest, providerSignature);
    }
}
