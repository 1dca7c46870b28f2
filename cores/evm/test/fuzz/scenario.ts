import type { Hardfork } from "../../src/hardfork.js";

/**
 * Code in parts, so that it can be shrunk part by part: hex digits stand for themselves, `:n` is a JUMPDEST, `=n` marks
 * a place without a byte of its own, and `@n` is a PUSH2 of the offset of `:n` or `=n`.
 */
export type Program = readonly string[];

export interface ScenarioAccount {
  readonly address: string;
  /** Wei, in decimal digits. */
  readonly balance: string;
  readonly nonce: number;
  readonly code: Program;
  /** Hex words without `0x`. */
  readonly storage: Readonly<Record<string, string>>;
}

export interface ScenarioAuthorization {
  readonly chainId: number;
  readonly address: string;
  /** Added to the nonce that the signer has when the transaction starts. */
  readonly nonceOffset: number;
  /** Index of a key; null for a signature that gives no signer. */
  readonly signer: number | null;
}

export interface ScenarioTransaction {
  readonly type: 0 | 1 | 2 | 3 | 4;
  /** Index of a key. */
  readonly from: number;
  /** Added to the sender's nonce: 0 unless the transaction shall be refused. */
  readonly nonceOffset: number;
  /** null creates a contract. */
  readonly to: string | null;
  readonly gasLimit: number;
  readonly value: string;
  readonly data: Program;
  readonly maxFeePerGas: number;
  readonly maxPriorityFeePerGas: number;
  readonly accessList: readonly { readonly address: string; readonly slots: readonly string[] }[];
  readonly blobHashes: readonly string[];
  readonly maxFeePerBlobGas: number;
  readonly authorizations: readonly ScenarioAuthorization[];
}

/** A state and transactions that run on it one after the other, in one block. Addresses and bytes are hex without `0x`. */
export interface Scenario {
  /** What it was generated from, or why it is kept. */
  readonly origin: string;
  readonly fork: Hardfork;
  readonly block: {
    readonly number: number;
    readonly timestamp: number;
    readonly gasLimit: number;
    readonly baseFeePerGas: number;
    readonly excessBlobGas: number;
    readonly coinbase: string;
    readonly prevRandao: string;
  };
  readonly accounts: readonly ScenarioAccount[];
  readonly transactions: readonly ScenarioTransaction[];
}

/** What one transaction did, in a form that compares with `===` after JSON. */
export interface Effect {
  /** Reverted and halted are both `failed`, as in a receipt: the gas tells them apart. */
  readonly status: "refused" | "succeeded" | "failed";
  readonly gasUsed: string;
  readonly output: string;
  /** Of a creation that succeeded. */
  readonly created: string;
  readonly logs: readonly string[];
}

export interface Outcome {
  readonly effects: readonly Effect[];
  readonly root: string;
  /** Why transactions were refused, in the engine's own words. */
  readonly refusals: readonly string[];
}

export const REFUSED: Effect = { status: "refused", gasUsed: "", output: "", created: "", logs: [] };
export const CHAIN_ID = 1;

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
export const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

/** Hash of an earlier block, by its number. */
export function blockHashOf(number: number): Uint8Array {
  const hash = new Uint8Array(32).fill(0xb1);
  new DataView(hash.buffer).setUint32(28, number);
  return hash;
}

const PUSH2 = "61";
const JUMPDEST = "5b";

/** The bytes of a program. A label that is not there any more is offset 0. */
export function assemble(program: Program): Uint8Array {
  const offsets = new Map<string, number>();
  let length = 0;
  for (const part of program) {
    if (part.startsWith(":") || part.startsWith("=")) offsets.set(part.slice(1), length);
    length += part.startsWith("@")
      ? 3
      : part.startsWith(":")
        ? 1
        : part.startsWith("=")
          ? 0
          : part.length / 2;
  }
  const parts = program.map((part) => {
    if (part.startsWith(":")) return JUMPDEST;
    if (part.startsWith("=")) return "";
    if (!part.startsWith("@")) return part;
    return PUSH2 + (offsets.get(part.slice(1)) ?? 0).toString(16).padStart(4, "0");
  });
  return bytesOf(parts.join(""));
}
