/** EIP-7702: whether code is 0xef0100 and the address whose code runs instead. */
export function isDelegation(code: Uint8Array): boolean {
  return code.length === 23 && code[0] === 0xef && code[1] === 0x01 && code[2] === 0x00;
}
