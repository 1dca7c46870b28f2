import { keccak256 } from "@aios/core-keccak/keccak";

const JUMPDEST = 0x5b;
const PUSH1 = 0x60;
const PUSH32 = 0x7f;

function keyOf(hash: Uint8Array): string {
  return String.fromCharCode(...hash);
}

/** Contract code with what is worth knowing before it runs. Immutable. */
export class Code {
  /**
   * The code with 33 zero bytes behind it, so that running off its end meets STOP and a PUSH that is cut off reads
   * zeros, without a bounds check (Yellow Paper 9.4.1).
   */
  readonly padded: Uint8Array;
  #hash: Uint8Array | undefined;
  #jumpDestinations: Uint8Array | undefined;

  constructor(
    readonly bytes: Uint8Array,
    hash?: Uint8Array,
  ) {
    this.padded = new Uint8Array(bytes.length + 33);
    this.padded.set(bytes);
    this.#hash = hash;
  }

  /** keccak-256, made on first use: init code is never asked for its own. */
  get hash(): Uint8Array {
    this.#hash ??= keccak256(this.bytes);
    return this.#hash;
  }

  get length(): number {
    return this.bytes.length;
  }

  /** One byte per code byte, 1 where a jump may land: a JUMPDEST that is not the data of a PUSH. Made on first use. */
  get jumpDestinations(): Uint8Array {
    this.#jumpDestinations ??= findJumpDestinations(this.bytes);
    return this.#jumpDestinations;
  }

  /** EIP-7702: the 20-byte address that this code delegates to. */
  get delegate(): Uint8Array | undefined {
    return isDelegation(this.bytes) ? this.bytes.subarray(3) : undefined;
  }
}

function findJumpDestinations(bytes: Uint8Array): Uint8Array {
  const map = new Uint8Array(bytes.length);
  for (let pc = 0; pc < bytes.length; pc++) {
    const op = bytes[pc];
    if (op === JUMPDEST) map[pc] = 1;
    else if (op >= PUSH1 && op <= PUSH32) pc += op - PUSH1 + 1;
  }
  return map;
}

/** EIP-7702: `0xef0100` and an address. */
export function isDelegation(code: Uint8Array): boolean {
  return code.length === 23 && code[0] === 0xef && code[1] === 0x01 && code[2] === 0x00;
}

export const EMPTY_CODE = new Code(new Uint8Array(0));

/** Analysed code by hash, least recently used out first. Bounded by count and by bytes. */
export class CodeCache {
  readonly #codes = new Map<string, Code>();
  #bytes = 0;

  constructor(
    private readonly maxEntries = 4_096,
    private readonly maxBytes = 64 * 1024 * 1024,
  ) {}

  /** The code of `hash`, from `load` unless it is kept. */
  get(hash: Uint8Array, load: (hash: Uint8Array) => Uint8Array): Code {
    const key = keyOf(hash);
    const known = this.#codes.get(key);
    if (known !== undefined) {
      this.#codes.delete(key);
      this.#codes.set(key, known);
      return known;
    }
    const code = new Code(load(hash), hash);
    this.#codes.set(key, code);
    this.#bytes += code.length;
    for (const [oldest, old] of this.#codes) {
      if (this.#codes.size <= this.maxEntries && this.#bytes <= this.maxBytes) break;
      if (old === code) break;
      this.#codes.delete(oldest);
      this.#bytes -= old.length;
    }
    return code;
  }
}
