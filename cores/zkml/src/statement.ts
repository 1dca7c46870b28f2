import { CodedError } from "@aios/kernel/coded-error";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToInteger, scalarToBytes } from "./scalar-field.js";

/** Changes whenever circuit, public inputs or commitments change meaning. */
export const STATEMENT_VERSION = 1;

/** Everything a proof is about besides the input and the output. */
export interface StatementParts {
  readonly version: number;
  readonly chainId: number | bigint;
  /** `JobEscrow`, 0x and 40 hex digits. */
  readonly escrow: string;
  /** 0x and 64 hex digits. */
  readonly jobId: string;
  /** The buyer's account, 0x and 40 hex digits. */
  readonly requester: string;
  /** 32 bytes. */
  readonly modelCommitment: Uint8Array;
  /** 32 bytes. */
  readonly verifyingKeyHash: Uint8Array;
}

function invalid(field: string): CodedError {
  return new CodedError({
    code: "invalid-statement",
    kind: "invalid",
    message: `The statement's ${field} is not valid.`,
    field,
  });
}

function uintWord(value: number | bigint, field: string): Uint8Array {
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw invalid(field);
  const integer = BigInt(value);
  if (integer < 0n || integer >= 1n << 256n) throw invalid(field);
  return scalarToBytes(integer);
}

function hexWord(value: string, bytes: number, field: string): Uint8Array {
  if (!new RegExp(`^0x[0-9a-fA-F]{${bytes * 2}}$`).test(value)) throw invalid(field);
  return scalarToBytes(BigInt(value));
}

function bytesWord(value: Uint8Array, field: string): Uint8Array {
  if (value.length !== 32) throw invalid(field);
  return value;
}

/**
 * One field element that binds a proof to version, chain, escrow, job, requester, model and key, as the Solidity
 * verifier computes it: `uint256(keccak256(abi.encode(version, chainId, escrow, jobId, requester, modelCommitment,
 * verifyingKeyHash))) >> 8`. 248 bits: below the field order. Throws `invalid-statement`.
 */
export function statementContext(parts: StatementParts): bigint {
  const words = [
    uintWord(parts.version, "version"),
    uintWord(parts.chainId, "chainId"),
    hexWord(parts.escrow, 20, "escrow"),
    hexWord(parts.jobId, 32, "jobId"),
    hexWord(parts.requester, 20, "requester"),
    bytesWord(parts.modelCommitment, "modelCommitment"),
    bytesWord(parts.verifyingKeyHash, "verifyingKeyHash"),
  ];
  const encoded = new Uint8Array(words.length * 32);
  for (const [index, word] of words.entries()) encoded.set(word, index * 32);
  return bytesToInteger(keccak_256(encoded)) >> 8n;
}

/** The circuit's public inputs, in the order of the verifying key. */
export function publicInputs(
  context: bigint,
  commitment: bigint,
  packedOutput: bigint,
): readonly [bigint, bigint, bigint] {
  return [context, commitment, packedOutput];
}
