/** Order of BN254's scalar field (EIP-196): circuits, public inputs and Poseidon compute modulo this prime. */
export const SCALAR_FIELD_ORDER =
  21888242871839275222246405745257275088548364400416034343698204186575808495617n;

/** The representative of `value` in [0, order). */
export function toScalar(value: bigint): bigint {
  const remainder = value % SCALAR_FIELD_ORDER;
  return remainder < 0n ? remainder + SCALAR_FIELD_ORDER : remainder;
}

/** Inverse modulo the order by the extended Euclidean algorithm; 0 for 0. */
export function invertScalar(value: bigint): bigint {
  let [a, b] = [toScalar(value), SCALAR_FIELD_ORDER];
  let [x, y] = [1n, 0n];
  while (a !== 0n) {
    const quotient = b / a;
    [b, a] = [a, b - quotient * a];
    [y, x] = [x, y - quotient * x];
  }
  return b === 1n ? toScalar(y) : 0n;
}

/** 32 bytes, big-endian. */
export function scalarToBytes(value: bigint): Uint8Array {
  const out = new Uint8Array(32);
  let rest = value;
  for (let i = 31; i >= 0; i--) {
    out[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return out;
}

/** Big-endian bytes to an integer, not reduced. */
export function bytesToInteger(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}
