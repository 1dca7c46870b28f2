const ERROR_SELECTOR = 0x08c379a0;
const PANIC_SELECTOR = 0x4e487b71;
const SELECTOR_BYTES = 4;
const WORD = 32;

/** What Solidity's panic codes mean, in Geth's words. */
const PANICS: Readonly<Record<string, string>> = {
  "0x0": "generic panic",
  "0x1": "assert(false)",
  "0x11": "arithmetic underflow or overflow",
  "0x12": "division or modulo by zero",
  "0x21": "enum overflow",
  "0x22": "invalid encoded storage byte array accessed",
  "0x31": "out-of-bounds array access; popping on an empty array",
  "0x32": "out-of-bounds access of an array or bytesN",
  "0x41": "out of memory",
  "0x51": "uninitialized function",
};

function wordAt(output: Uint8Array, offset: number): bigint | undefined {
  if (offset + WORD > output.length) return undefined;
  let value = 0n;
  for (const byte of output.subarray(offset, offset + WORD)) value = (value << 8n) | BigInt(byte);
  return value;
}

/** The text of `Error(string)` (ABI: offset, length, bytes). */
function errorText(output: Uint8Array): string | undefined {
  const end = BigInt(output.length);
  const offset = wordAt(output, SELECTOR_BYTES);
  if (offset === undefined || offset > end) return undefined;
  const lengthAt = SELECTOR_BYTES + Number(offset);
  const length = wordAt(output, lengthAt);
  const textAt = lengthAt + WORD;
  if (length === undefined || BigInt(textAt) + length > end) return undefined;
  return new TextDecoder().decode(output.subarray(textAt, textAt + Number(length)));
}

/** `Error(string)` and `Panic(uint256)` in words; `undefined` for any other revert data. */
export function revertReason(output: Uint8Array): string | undefined {
  if (output.length < SELECTOR_BYTES) return undefined;
  const selector = new DataView(output.buffer, output.byteOffset, output.byteLength).getUint32(0);
  if (selector === ERROR_SELECTOR) return errorText(output);
  if (selector !== PANIC_SELECTOR) return undefined;
  const code = wordAt(output, SELECTOR_BYTES);
  if (code === undefined) return undefined;
  const digits = `0x${code.toString(16)}`;
  return PANICS[digits] ?? `unknown panic code: ${digits}`;
}
