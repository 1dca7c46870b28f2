import { recoverPublicKey } from "@aios/consensus/adapters/secp256k1/recover-public-key";
import { keccak256 } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import { decodeRlp, encodeRlp, rlpList } from "@aios/core-rlp/rlp";
import { checkSignatureValues } from "@aios/core-transactions/check-transaction";
import { decodeTransaction } from "@aios/core-transactions/decode-transaction";
import { addressOfPublicKey, recoverSender, signingHash } from "@aios/core-transactions/sender";
import { pointFromScalar } from "tiny-secp256k1";
import { hexBytes } from "../vectors.js";

/** A case of `txtest.json` (BasicTests): a key, the fields, and the encodings before and after signing. */
export interface SignedTransactionCase {
  readonly key: string;
  readonly nonce: number;
  readonly gasprice: number;
  readonly startgas: number;
  readonly to: string;
  readonly value: number;
  readonly data: string;
  readonly unsigned: string;
  readonly signed: string;
}

const SIGNED_FIELDS = 6;

function bytesOf(text: string): Uint8Array {
  const bytes = hexBytes(text);
  if (bytes === undefined) throw new Error(`'${text}' is not hex`);
  return bytes;
}

function addressOfKey(key: Uint8Array): string {
  const point = pointFromScalar(key, false);
  if (point === null) throw new Error("the key gives no point");
  return addressOfPublicKey(point.subarray(1));
}

/** What is different from the vector, if anything is. */
export function signedTransactionDifference(vector: SignedTransactionCase): string | undefined {
  const transaction = decodeTransaction(bytesOf(vector.signed));
  // Its gas limits are below what any transaction needs.
  checkSignatureValues(transaction, { fork: "frontier", chainId: 1n });
  const fields = rlpList(decodeRlp(transaction.raw)).slice(0, SIGNED_FIELDS);
  const empty = new Uint8Array(0);
  const pairs: readonly (readonly [string, string, string])[] = [
    ["nonce", String(transaction.nonce), String(vector.nonce)],
    ["gas price", String(transaction.maxFeePerGas), String(vector.gasprice)],
    ["gas limit", String(transaction.gasLimit), String(vector.startgas)],
    ["recipient", transaction.to ?? "0x", `0x${vector.to}`],
    ["value", String(transaction.value), String(BigInt(vector.value))],
    ["data", toHex(transaction.data), `0x${vector.data}`],
    ["unsigned encoding", toHex(encodeRlp([...fields, empty, empty, empty])), `0x${vector.unsigned}`],
    ["signed hash", toHex(signingHash(transaction)), toHex(keccak256(encodeRlp(fields)))],
    ["sender", recoverSender(transaction, recoverPublicKey), addressOfKey(bytesOf(vector.key))],
  ];
  for (const [name, found, expected] of pairs)
    if (found !== expected) return `${name} ${found}, expected ${expected}`;
  return undefined;
}

/**
 * A case of `keyaddrtest.json` (BasicTests): a key and its address. Its signature "of the empty string" is left out: the
 * format does not say what was hashed, and Keccak, SHA-256 and SHA3 of it recover other addresses.
 */
export interface KeyAddressCase {
  readonly key: string;
  readonly addr: string;
}

/** What is different from the vector, if anything is. */
export function keyAddressDifference(vector: KeyAddressCase): string | undefined {
  const address = addressOfKey(bytesOf(vector.key));
  return address === `0x${vector.addr}` ? undefined : `address ${address}, expected 0x${vector.addr}`;
}
