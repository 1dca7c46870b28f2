import { keccak256 } from "@aios/core-keccak/keccak";
import { bigintToBytes, bytes32Of, rangeToHex } from "@aios/core-rlp/hex";
import { encodeRlp, rlpHeaderLength, rlpLength, writeRlpListHeader } from "@aios/core-rlp/rlp";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { invalidSignature } from "./errors.js";
import type { Transaction } from "./transaction.js";

/**
 * Recovers a secp256k1 public key: `signature` is r and s, 32 bytes each, `recoveryId` the y parity. Returns the
 * key's 64 bytes (x and y), or nothing when there is none. Injected: the fastest way differs between platforms.
 */
export type RecoverPublicKey = (
  messageHash: Uint8Array,
  signature: Uint8Array,
  recoveryId: 0 | 1,
) => Uint8Array | undefined;

/** Hash that names a transaction: of its canonical encoding. */
export function transactionHash(transaction: Pick<Transaction, "raw">): Bytes32 {
  return bytes32Of(keccak256(transaction.raw));
}

/**
 * What the sender signed. The signed fields are a run of the canonical encoding's bytes, so nothing is encoded anew but
 * the list header, and EIP-155's chain id behind the fields of a protected legacy transaction.
 */
export function signingHash(transaction: Transaction): Uint8Array {
  return keccak256(signingPayload(transaction));
}

const ONE_BYTE_LIMIT = 0x80n;
/** Integers from here on fill all 32 bytes. */
const FULL_WORD = 2n ** 248n;
const FULL_WORD_ITEM = 33;

/** Bytes that an integer takes in a list. */
function integerLength(value: bigint): number {
  if (value < ONE_BYTE_LIMIT) return 1;
  return value >= FULL_WORD ? FULL_WORD_ITEM : rlpLength(bigintToBytes(value));
}

const NO_BYTES = new Uint8Array(0);

/** What EIP-155 appends: the items of a chain id and two zeros. */
function replayProtection({ type, chainId }: Transaction): Uint8Array {
  if (type !== 0 || chainId === undefined) return NO_BYTES;
  const list = encodeRlp([bigintToBytes(chainId), NO_BYTES, NO_BYTES]);
  return list.subarray(listHeaderLength(list[0] ?? 0));
}

/** Payloads that are not long are put together here: each is hashed before the next. */
const scratch = new Uint8Array(1_024);

/** Valid until the next call. */
function signingPayload(transaction: Transaction): Uint8Array {
  const { type, raw, signature } = transaction;
  const prefix = type === 0 ? 0 : 1;
  const { v, r, s } = signature;
  const signatureLength = integerLength(v) + integerLength(r) + integerLength(s);
  const start = prefix + listHeaderLength(raw[prefix] ?? 0);
  const end = raw.length - signatureLength;
  const tail = replayProtection(transaction);
  const payload = end - start + tail.length;
  const length = prefix + rlpHeaderLength(payload) + payload;
  const out = length <= scratch.length ? scratch.subarray(0, length) : new Uint8Array(length);
  if (prefix === 1) out[0] = type;
  const at = writeRlpListHeader(out, prefix, payload);
  out.set(raw.subarray(start, end), at);
  out.set(tail, length - tail.length);
  return out;
}

function listHeaderLength(first: number): number {
  return first <= 0xf7 ? 1 : first - 0xf7 + 1;
}

/** r and s, 32 bytes each. */
export function compactSignature({ r, s }: Pick<Transaction["signature"], "r" | "s">): Uint8Array {
  const out = new Uint8Array(64);
  const rBytes = bigintToBytes(r);
  const sBytes = bigintToBytes(s);
  out.set(rBytes, 32 - rBytes.length);
  out.set(sBytes, 64 - sBytes.length);
  return out;
}

/** The signature of a decoded transaction: as `compactSignature`, mostly by a copy. */
export function compactSignatureOf({ raw, signature }: Pick<Transaction, "raw" | "signature">): Uint8Array {
  if (signature.r < FULL_WORD || signature.s < FULL_WORD) return compactSignature(signature);
  // They are the end of the encoding, each behind a byte for its length.
  const out = new Uint8Array(64);
  const start = raw.length - 2 * FULL_WORD_ITEM + 1;
  for (let i = 0; i < 32; i++) {
    out[i] = raw[start + i] as number;
    out[32 + i] = raw[start + FULL_WORD_ITEM + i] as number;
  }
  return out;
}

/** The y parity that v stands for, once `checkSignatureValues` has accepted it. */
export function recoveryId({ type, signature }: Pick<Transaction, "type" | "signature">): 0 | 1 {
  const { v } = signature;
  if (type !== 0) return v === 1n ? 1 : 0;
  const parity = v >= 35n ? (v - 35n) % 2n : v - 27n;
  return parity === 1n ? 1 : 0;
}

/** The address of a public key's 64 bytes. */
export function addressOfPublicKey(publicKey: Uint8Array): Address {
  return rangeToHex(keccak256(publicKey), 12, 32) as Address;
}

/**
 * Who signed. The signature values are checked before (`checkTransaction`). Throws `invalid-signature` when no key gives
 * this signature. Cost: that of `recover`, and two hashes.
 */
export function recoverSender(transaction: Transaction, recover: RecoverPublicKey): Address {
  const publicKey = recover(
    signingHash(transaction),
    compactSignatureOf(transaction),
    recoveryId(transaction),
  );
  if (publicKey === undefined) throw invalidSignature();
  return addressOfPublicKey(publicKey);
}
