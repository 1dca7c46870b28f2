/** `Error(string)` and `Panic(uint256)` in words; `undefined` for any other revert data. */
export function revertReason(output: Uint8Array): string | undefined {
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  if (output.length >= 68 && view.getUint32(0) === 0x08c379a0) {
    const length = view.getUint32(64);
    if (68 + length > output.length) return undefined;
    return new TextDecoder().decode(output.subarray(68, 68 + length));
  }
  if (output.length === 36 && view.getUint32(0) === 0x4e487b71)
    return `Panic(0x${view.getUint32(32).toString(16)})`;
  return undefined;
}
