import { keccak256 } from "@aios/core-keccak/keccak";
import { addressOf, bigintToBytes, bytes32Of } from "@aios/core-rlp/hex";
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

function signingPayload({ type, raw, chainId, signature }: Transaction): Uint8Array {
  const prefix = type === 0 ? 0 : 1;
  const { v, r, s } = signature;
  const signatureLength = [v, r, s].reduce((sum, value) => sum + rlpLength(bigintToBytes(value)), 0);
  const start = prefix + listHeaderLength(raw[prefix] ?? 0);
  const fields = raw.subarray(start, raw.length - signatureLength);
  // An encoded list of the chain id and two zeros: its payload is what EIP-155 appends.
  const tail =
    type === 0 && chainId !== undefined
      ? [bigintToBytes(chainId), new Uint8Array(0), new Uint8Array(0)].map((item) => encodeRlp(item))
      : [];
  const payload = fields.length + tail.reduce((sum, item) => sum + item.length, 0);
  const out = new Uint8Array(prefix + rlpHeaderLength(payload) + payload);
  if (prefix === 1) out[0] = type;
  let at = writeRlpListHeader(out, prefix, payload);
  for (const part of [fields, ...tail]) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function listHeaderLength(first: number): number {
  return first <= 0xf7 ? 1 : first - 0xf7 + 1;
}

/** r and s, 32 bytes each. */
export function compactSignature(signature: Pick<Transaction["signature"], "r" | "s">): Uint8Array {
  const out = new Uint8Array(64);
  const r = bigintToBytes(signature.r);
  const s = bigintToBytes(signature.s);
  out.set(r, 32 - r.length);
  out.set(s, 64 - s.length);
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
  return addressOf(keccak256(publicKey).subarray(12));
}

/**
 * Who signed. The signature values are checked before (`checkTransaction`). Throws `invalid-signature` when no key gives
 * this signature. Cost: that of `recover`, and two hashes.
 */
export function recoverSender(transaction: Transaction, recover: RecoverPublicKey): Address {
  const publicKey = recover(
    signingHash(transaction),
    compactSignature(transaction.signature),
    recoveryId(transaction),
  );
  if (publicKey === undefined) throw invalidSignature();
  return addressOfPublicKey(publicKey);
}
