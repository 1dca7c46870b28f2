import { bytes32Of, fromHex } from "@aios/core-rlp/hex";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Bytes32 } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sign } from "../test/signing.js";
import { transactionFields } from "../test/transaction-arbitraries.js";
import {
  type BlobSidecar,
  CELLS_PER_BLOB,
  decodeBlobWrapper,
  encodeBlobWrapper,
  type KzgVerifier,
  verifySidecar,
  versionedHash,
} from "./blob-wrapper.js";
import { decodeTransaction } from "./decode-transaction.js";
import { transactionItems } from "./encode-transaction.js";
import { transactionHash } from "./sender.js";
import type { Transaction } from "./transaction.js";

const commitment = new Uint8Array(48).fill(0xc0);
const [sample] = fc.sample(transactionFields(3), { numRuns: 1, seed: 7 });

function wrapped(change: Partial<BlobSidecar> = {}): {
  readonly transaction: Transaction;
  readonly raw: Uint8Array;
} {
  if (sample === undefined) throw new Error("there is no sample");
  const transaction = sign({ ...sample, blobVersionedHashes: [versionedHash(commitment) as Bytes32] });
  const sidecar: BlobSidecar = {
    wrapperVersion: 0,
    blobs: [new Uint8Array(131_072)],
    commitments: [commitment],
    proofs: [new Uint8Array(48)],
    ...change,
  };
  return { transaction, raw: encodeBlobWrapper(transactionItems(transaction), sidecar) };
}

const cellProofs = Array.from({ length: CELLS_PER_BLOB }, () => new Uint8Array(48));

function codeOf(action: () => unknown): string {
  try {
    action();
    return "accepted";
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return error.code;
  }
}

describe("the network wrapper of a blob transaction", () => {
  it("hashes a commitment as EIP-4844's example of the point at infinity", () => {
    const infinity = new Uint8Array(48);
    infinity[0] = 0xc0;
    expect(versionedHash(infinity)).toBe(
      "0x010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014",
    );
  });

  it.each([
    ["EIP-4844", {}],
    ["EIP-7594", { wrapperVersion: 1, proofs: cellProofs }],
  ] as const)("of %s gives back the block's form of the transaction", (_name, change) => {
    const { transaction, raw } = wrapped(change);
    const decoded = decodeBlobWrapper(raw);
    expect(decoded.transaction).toEqual(transaction);
    expect(transactionHash(decoded.transaction)).toBe(transactionHash(transaction));
    expect(decoded.sidecar).toMatchObject(change);
    expect(codeOf(() => decodeTransaction(raw))).toBe("malformed-transaction");
  });

  it.each<[string, Partial<BlobSidecar>, string]>([
    ["a blob is missing", { blobs: [] }, "invalid-blobs"],
    ["a blob is short", { blobs: [new Uint8Array(131_071)] }, "wrong-field-length"],
    ["a commitment is another's", { commitments: [new Uint8Array(48)] }, "invalid-blobs"],
    ["a commitment is missing", { commitments: [] }, "invalid-blobs"],
    ["a proof is long", { proofs: [new Uint8Array(49)] }, "wrong-field-length"],
    ["blob proofs come as cell proofs", { wrapperVersion: 1 }, "invalid-blobs"],
    ["cell proofs come as blob proofs", { proofs: cellProofs }, "invalid-blobs"],
  ])("is refused when %s", (_why, change, code) => {
    expect(codeOf(() => decodeBlobWrapper(wrapped(change).raw))).toBe(code);
  });

  it("is refused with a coded error when cut anywhere or of another version", () => {
    const { raw } = wrapped({ wrapperVersion: 1, proofs: cellProofs });
    fc.assert(
      fc.property(fc.nat(raw.length - 1), (cut) => {
        expect(codeOf(() => decodeBlobWrapper(raw.subarray(0, cut)))).not.toBe("accepted");
      }),
      { numRuns: 100 },
    );
    expect(codeOf(() => decodeBlobWrapper(fromHex("0x03c5c002c0c0c0")))).toBe("invalid-blobs");
    expect(codeOf(() => decodeBlobWrapper(fromHex("0x03c4c0c0c0c0")))).toBe("malformed-transaction");
    expect(codeOf(() => decodeBlobWrapper(fromHex("0x02c4c0c0c0c0")))).toBe("transaction-type-not-supported");
  });

  it("asks the verifier that belongs to its version, and refuses a proof that does not hold", () => {
    const onlyCells: KzgVerifier = {
      verifyBlobProofs: () => false,
      verifyCellProofs: (blobs, commitments, proofs) =>
        blobs.length === 1 &&
        bytes32Of(commitments[0] ?? new Uint8Array()).length > 2 &&
        proofs.length === 128,
    };
    const cells = decodeBlobWrapper(wrapped({ wrapperVersion: 1, proofs: cellProofs }).raw).sidecar;
    expect(codeOf(() => verifySidecar(cells, onlyCells))).toBe("accepted");
    expect(codeOf(() => verifySidecar(decodeBlobWrapper(wrapped().raw).sidecar, onlyCells))).toBe(
      "invalid-blobs",
    );
  });
});
