import { concat, toHex } from "@aios/core-rlp/hex";
import { encodeRlp, type RlpItem } from "@aios/core-rlp/rlp";
import { sha256 } from "@noble/hashes/sha2.js";
import { readTransaction } from "./decode-transaction.js";
import { invalidBlobs, malformedTransaction, unknownTransactionType } from "./errors.js";
import { decodeList, fixedBytes, integerField, listField } from "./fields.js";
import type { Transaction } from "./transaction.js";

const BLOB_TYPE = 3;
const BLOB_BYTES = 131_072;
const COMMITMENT_BYTES = 48;
const PROOF_BYTES = 48;
const VERSIONED_HASH_VERSION = 1;
/** EIP-7594: proofs of one blob, one for each cell of its extension. */
export const CELLS_PER_BLOB = 128;

/** What travels with a blob transaction on the network and is not part of a block. */
export interface BlobSidecar {
  /** 0: one proof a blob (EIP-4844). 1: `CELLS_PER_BLOB` proofs a blob (EIP-7594). */
  readonly wrapperVersion: 0 | 1;
  readonly blobs: readonly Uint8Array[];
  readonly commitments: readonly Uint8Array[];
  readonly proofs: readonly Uint8Array[];
}

export interface WrappedBlobTransaction {
  readonly transaction: Transaction;
  readonly sidecar: BlobSidecar;
}

/** KZG verification over Ethereum's trusted setup. Injected: it is the work of a library, and heavy. */
export interface KzgVerifier {
  /** Whether each proof shows that its commitment is that of its blob (EIP-4844). */
  verifyBlobProofs(
    blobs: readonly Uint8Array[],
    commitments: readonly Uint8Array[],
    proofs: readonly Uint8Array[],
  ): boolean;
  /** Whether the proofs show every cell of every blob's extension (EIP-7594). */
  verifyCellProofs(
    blobs: readonly Uint8Array[],
    commitments: readonly Uint8Array[],
    cellProofs: readonly Uint8Array[],
  ): boolean;
}

/** 0x01 and the hash of the commitment but for its first byte (EIP-4844). */
export function versionedHash(commitment: Uint8Array): string {
  const hash = sha256(commitment);
  hash[0] = VERSIONED_HASH_VERSION;
  return toHex(hash);
}

function fixedItems(item: RlpItem | undefined, field: string, length: number): Uint8Array[] {
  return listField(item, field).map((entry) => fixedBytes(entry, field, length));
}

/**
 * Decodes the network form of a blob transaction: `0x03 || rlp([body, blobs, commitments, proofs])` of EIP-4844 or
 * `0x03 || rlp([body, 1, blobs, commitments, cell proofs])` of EIP-7594. Counts and versioned hashes are checked, the
 * proofs are not (`verifySidecar`). Throws the errors of `decodeTransaction`, and `invalid-blobs`.
 */
export function decodeBlobWrapper(raw: Uint8Array): WrappedBlobTransaction {
  if (raw[0] !== BLOB_TYPE) throw unknownTransactionType(raw[0] ?? 0);
  const fields = decodeList(raw.subarray(1));
  const withVersion = fields[1] instanceof Uint8Array;
  const expected = withVersion ? 5 : 4;
  if (fields.length !== expected) throw malformedTransaction(`a blob wrapper has ${expected} elements`);
  if (withVersion && integerField(fields[1], "wrapperVersion", 1) !== 1n)
    throw invalidBlobs("the wrapper's version is not 1", "wrapperVersion");
  const body = listField(fields[0], "transaction");
  const canonical = concat(Uint8Array.of(BLOB_TYPE), encodeRlp(body));
  const transaction = readTransaction(BLOB_TYPE, body, canonical);
  const [blobs, commitments, proofs] = fields.slice(withVersion ? 2 : 1);
  const sidecar: BlobSidecar = {
    wrapperVersion: withVersion ? 1 : 0,
    blobs: fixedItems(blobs, "blobs", BLOB_BYTES),
    commitments: fixedItems(commitments, "commitments", COMMITMENT_BYTES),
    proofs: fixedItems(proofs, "proofs", PROOF_BYTES),
  };
  checkSidecar(transaction, sidecar);
  return { transaction, sidecar };
}

/** Inverse of `decodeBlobWrapper`. */
export function encodeBlobWrapper(canonicalBody: readonly RlpItem[], sidecar: BlobSidecar): Uint8Array {
  const version = sidecar.wrapperVersion === 1 ? [Uint8Array.of(1)] : [];
  const { blobs, commitments, proofs } = sidecar;
  return concat(Uint8Array.of(BLOB_TYPE), encodeRlp([canonicalBody, ...version, blobs, commitments, proofs]));
}

function checkSidecar(transaction: Transaction, sidecar: BlobSidecar): void {
  const count = transaction.blobVersionedHashes.length;
  const proofs = sidecar.wrapperVersion === 1 ? count * CELLS_PER_BLOB : count;
  if (sidecar.blobs.length !== count) throw invalidBlobs(`${count} blobs are named and others come`, "blobs");
  if (sidecar.commitments.length !== count)
    throw invalidBlobs(`there are not ${count} commitments`, "commitments");
  if (sidecar.proofs.length !== proofs) throw invalidBlobs(`there are not ${proofs} proofs`, "proofs");
  sidecar.commitments.forEach((commitment, index) => {
    if (versionedHash(commitment) !== transaction.blobVersionedHashes[index])
      throw invalidBlobs(`commitment ${index} has another hash than the transaction names`, "commitments");
  });
}

/** Throws `invalid-blobs` unless the proofs show that the commitments are those of the blobs. */
export function verifySidecar(
  { wrapperVersion, blobs, commitments, proofs }: BlobSidecar,
  kzg: KzgVerifier,
): void {
  const holds =
    wrapperVersion === 1
      ? kzg.verifyCellProofs(blobs, commitments, proofs)
      : kzg.verifyBlobProofs(blobs, commitments, proofs);
  if (!holds) throw invalidBlobs("a proof does not hold", "proofs");
}
