import { keccak256 } from "@aios/core-keccak/keccak";

function rlpNonce(nonce: bigint): Uint8Array {
  if (nonce === 0n) return Uint8Array.of(0x80);
  const hex = nonce.toString(16);
  const digits = hex.length % 2 === 0 ? hex : `0${hex}`;
  const bytes = Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16),
  );
  return bytes.length === 1 && bytes[0] < 0x80 ? bytes : Uint8Array.of(0x80 + bytes.length, ...bytes);
}

/** Address of a contract by its creator (20 bytes) and the creator's nonce (Yellow Paper 7). 20 bytes. */
export function createAddress(creator: Uint8Array, nonce: bigint): Uint8Array {
  const encoded = rlpNonce(nonce);
  const list = Uint8Array.of(0xc0 + 21 + encoded.length, 0x94, ...creator, ...encoded);
  return keccak256(list).slice(12);
}

/** Address by creator, 32-byte salt and init code (EIP-1014). */
export function create2Address(creator: Uint8Array, salt: Uint8Array, initCode: Uint8Array): Uint8Array {
  const preimage = new Uint8Array(85);
  preimage[0] = 0xff;
  preimage.set(creator, 1);
  preimage.set(salt, 21);
  preimage.set(keccak256(initCode), 53);
  return keccak256(preimage).slice(12);
}
