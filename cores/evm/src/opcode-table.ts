import { FORK, type Hardfork } from "./hardfork.js";

interface Opcode {
  readonly code: number;
  readonly name: string;
  /** Gas that does not depend on operands or state. */
  readonly gas: number;
  /** Words taken from and put on the stack. */
  readonly pops: number;
  readonly pushes: number;
  readonly since: number;
}

function op(
  code: number,
  name: string,
  gas: number,
  pops: number,
  pushes: number,
  since: Hardfork = "berlin",
) {
  return { code, name, gas, pops, pushes, since: FORK[since] } satisfies Opcode;
}

function* numbered(): Generator<Opcode> {
  for (let n = 1; n <= 32; n++) yield op(0x5f + n, `PUSH${n}`, 3, 0, 1);
  for (let n = 1; n <= 16; n++) yield op(0x7f + n, `DUP${n}`, 3, n, n + 1);
  for (let n = 1; n <= 16; n++) yield op(0x8f + n, `SWAP${n}`, 3, n + 1, n + 1);
  for (let n = 0; n <= 4; n++) yield op(0xa0 + n, `LOG${n}`, 375 * (n + 1), n + 2, 0);
}

/** Every instruction (Yellow Paper appendix H), with the EIP of later ones beside its fork. */
const OPCODES: readonly Opcode[] = [
  op(0x00, "STOP", 0, 0, 0),
  op(0x01, "ADD", 3, 2, 1),
  op(0x02, "MUL", 5, 2, 1),
  op(0x03, "SUB", 3, 2, 1),
  op(0x04, "DIV", 5, 2, 1),
  op(0x05, "SDIV", 5, 2, 1),
  op(0x06, "MOD", 5, 2, 1),
  op(0x07, "SMOD", 5, 2, 1),
  op(0x08, "ADDMOD", 8, 3, 1),
  op(0x09, "MULMOD", 8, 3, 1),
  op(0x0a, "EXP", 10, 2, 1),
  op(0x0b, "SIGNEXTEND", 5, 2, 1),
  op(0x10, "LT", 3, 2, 1),
  op(0x11, "GT", 3, 2, 1),
  op(0x12, "SLT", 3, 2, 1),
  op(0x13, "SGT", 3, 2, 1),
  op(0x14, "EQ", 3, 2, 1),
  op(0x15, "ISZERO", 3, 1, 1),
  op(0x16, "AND", 3, 2, 1),
  op(0x17, "OR", 3, 2, 1),
  op(0x18, "XOR", 3, 2, 1),
  op(0x19, "NOT", 3, 1, 1),
  op(0x1a, "BYTE", 3, 2, 1),
  op(0x1b, "SHL", 3, 2, 1),
  op(0x1c, "SHR", 3, 2, 1),
  op(0x1d, "SAR", 3, 2, 1),
  op(0x1e, "CLZ", 5, 1, 1, "osaka"), // EIP-7939
  op(0x20, "KECCAK256", 30, 2, 1),
  op(0x30, "ADDRESS", 2, 0, 1),
  op(0x31, "BALANCE", 0, 1, 1),
  op(0x32, "ORIGIN", 2, 0, 1),
  op(0x33, "CALLER", 2, 0, 1),
  op(0x34, "CALLVALUE", 2, 0, 1),
  op(0x35, "CALLDATALOAD", 3, 1, 1),
  op(0x36, "CALLDATASIZE", 2, 0, 1),
  op(0x37, "CALLDATACOPY", 3, 3, 0),
  op(0x38, "CODESIZE", 2, 0, 1),
  op(0x39, "CODECOPY", 3, 3, 0),
  op(0x3a, "GASPRICE", 2, 0, 1),
  op(0x3b, "EXTCODESIZE", 0, 1, 1),
  op(0x3c, "EXTCODECOPY", 0, 4, 0),
  op(0x3d, "RETURNDATASIZE", 2, 0, 1),
  op(0x3e, "RETURNDATACOPY", 3, 3, 0),
  op(0x3f, "EXTCODEHASH", 0, 1, 1),
  op(0x40, "BLOCKHASH", 20, 1, 1),
  op(0x41, "COINBASE", 2, 0, 1),
  op(0x42, "TIMESTAMP", 2, 0, 1),
  op(0x43, "NUMBER", 2, 0, 1),
  op(0x44, "PREVRANDAO", 2, 0, 1), // DIFFICULTY before EIP-4399
  op(0x45, "GASLIMIT", 2, 0, 1),
  op(0x46, "CHAINID", 2, 0, 1),
  op(0x47, "SELFBALANCE", 5, 0, 1),
  op(0x48, "BASEFEE", 2, 0, 1, "london"), // EIP-3198
  op(0x49, "BLOBHASH", 3, 1, 1, "cancun"), // EIP-4844
  op(0x4a, "BLOBBASEFEE", 2, 0, 1, "cancun"), // EIP-7516
  op(0x50, "POP", 2, 1, 0),
  op(0x51, "MLOAD", 3, 1, 1),
  op(0x52, "MSTORE", 3, 2, 0),
  op(0x53, "MSTORE8", 3, 2, 0),
  op(0x54, "SLOAD", 0, 1, 1),
  op(0x55, "SSTORE", 0, 2, 0),
  op(0x56, "JUMP", 8, 1, 0),
  op(0x57, "JUMPI", 10, 2, 0),
  op(0x58, "PC", 2, 0, 1),
  op(0x59, "MSIZE", 2, 0, 1),
  op(0x5a, "GAS", 2, 0, 1),
  op(0x5b, "JUMPDEST", 1, 0, 0),
  op(0x5c, "TLOAD", 100, 1, 1, "cancun"), // EIP-1153
  op(0x5d, "TSTORE", 100, 2, 0, "cancun"),
  op(0x5e, "MCOPY", 3, 3, 0, "cancun"), // EIP-5656
  op(0x5f, "PUSH0", 2, 0, 1, "shanghai"), // EIP-3855
  ...numbered(),
  op(0xf0, "CREATE", 32_000, 3, 1),
  op(0xf1, "CALL", 0, 7, 1),
  op(0xf2, "CALLCODE", 0, 7, 1),
  op(0xf3, "RETURN", 0, 2, 0),
  op(0xf4, "DELEGATECALL", 0, 6, 1),
  op(0xf5, "CREATE2", 32_000, 4, 1),
  op(0xfa, "STATICCALL", 0, 6, 1),
  op(0xfd, "REVERT", 0, 2, 0),
  op(0xff, "SELFDESTRUCT", 5_000, 1, 0),
];

const NAMES = new Map(OPCODES.map((opcode) => [opcode.code, opcode.name]));

/** The name of an instruction, `opcode 0x… not defined` for others (Geth's words). 0xfe is INVALID (EIP-141). */
export function opcodeName(code: number): string {
  if (code === 0xfe) return "INVALID";
  return NAMES.get(code) ?? `opcode 0x${code.toString(16)} not defined`;
}

const NEEDS = new Map(OPCODES.map(({ code, pops, pushes }) => [code, { pops, pushes }]));

/** Words that an instruction takes from the stack and puts on it; none for one that does not exist. */
export function stackNeeds(code: number): { readonly pops: number; readonly pushes: number } {
  return NEEDS.get(code) ?? { pops: 0, pushes: 0 };
}

/** What the interpreter checks before each instruction, by opcode. */
export interface OpcodeTable {
  readonly staticGas: Int32Array;
  /** Least and greatest stack pointer, in limbs. An instruction that does not exist can be met by no pointer. */
  readonly minStack: Int32Array;
  readonly maxStack: Int32Array;
}

const NEVER = 1 << 30;
const MAX_WORDS = 1_024;

export function opcodeTable(fork: Hardfork): OpcodeTable {
  const staticGas = new Int32Array(256);
  const minStack = new Int32Array(256).fill(NEVER);
  const maxStack = new Int32Array(256).fill(-1);
  for (const { code, gas, pops, pushes, since } of OPCODES) {
    if (since > FORK[fork]) continue;
    staticGas[code] = gas;
    minStack[code] = pops * 8;
    maxStack[code] = (MAX_WORDS + pops - pushes) * 8;
  }
  return { staticGas, minStack, maxStack };
}
