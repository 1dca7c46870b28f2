import { keccak256 } from "@aios/core-keccak/keccak";
import { bigintToBytes, concat, fromHex } from "@aios/core-rlp/hex";
import { encodeRlp } from "@aios/core-rlp/rlp";
import type { Address } from "@aios/kernel/identifiers";
import { HALF_ORDER, SECP256K1_ORDER } from "./check-transaction.js";
import { addressOfPublicKey, compactSignature, type RecoverPublicKey } from "./sender.js";
import type { Authorization } from "./transaction.js";

const MAGIC = Uint8Array.of(0x05);

/**
 * Who signed an EIP-7702 tuple: the signer of keccak256(0x05 ‖ rlp([chain id, address, nonce])). `undefined` where the
 * signature is out of range, has a high s, or gives no key: such a tuple is skipped. Cost: that of `recover`.
 */
export function recoverAuthority(
  { chainId, address, nonce, yParity, r, s }: Authorization,
  recover: RecoverPublicKey,
): Address | undefined {
  if (yParity !== 0 && yParity !== 1) return undefined;
  if (r === 0n || r >= SECP256K1_ORDER || s === 0n || s > HALF_ORDER) return undefined;
  const message = encodeRlp([bigintToBytes(chainId), fromHex(address), bigintToBytes(nonce)]);
  const key = recover(keccak256(concat(MAGIC, message)), compactSignature({ r, s }), yParity);
  return key === undefined ? undefined : addressOfPublicKey(key);
}
