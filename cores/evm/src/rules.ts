import { type BlobParameters, DEFAULT_BLOB_PARAMETERS, FORK, type Hardfork } from "./hardfork.js";
import { type OpcodeTable, opcodeTable } from "./opcode-table.js";
import type { Precompile } from "./precompiles/precompile.js";
import { type PrecompileOverrides, precompilesOf } from "./precompiles/registry.js";

/** The rules of one fork on one chain. Make it once and share it. */
export interface Rules extends OpcodeTable {
  readonly hardfork: Hardfork;
  /** Position of the fork: compare with `FORK`. */
  readonly fork: number;
  readonly chainId: bigint;
  /** By address. */
  readonly precompiles: ReadonlyMap<number, Precompile>;
  readonly blobs: BlobParameters | undefined;
  /** Whose events are deposits (EIP-6110); `undefined` on a chain without a beacon chain. */
  readonly depositContract: Uint8Array | undefined;
  /** What a contract of requests that fails makes of a block: an invalid one, as Ethereum says, or one without its requests. */
  readonly failedRequests: "invalid" | "none";
}

export interface RulesOptions {
  readonly hardfork: Hardfork;
  readonly chainId: bigint;
  /** Ethereum's of the fork unless given (EIP-7892). */
  readonly blobs?: BlobParameters | undefined;
  /** Faster implementations of precompiles, with the same results. */
  readonly precompiles?: PrecompileOverrides;
  readonly depositContract?: Uint8Array | undefined;
  /** `invalid` unless given. On a chain that decides on blocks before it executes them, no block can be refused: `none`. */
  readonly failedRequests?: Rules["failedRequests"];
}

export function rulesOf(options: RulesOptions): Rules {
  const { hardfork, chainId, blobs, precompiles, depositContract, failedRequests = "invalid" } = options;
  return {
    ...opcodeTable(hardfork),
    hardfork,
    fork: FORK[hardfork],
    chainId,
    precompiles: precompilesOf(hardfork, precompiles ?? {}),
    blobs: FORK[hardfork] < FORK.cancun ? undefined : (blobs ?? DEFAULT_BLOB_PARAMETERS[hardfork]),
    depositContract,
    failedRequests,
  };
}
