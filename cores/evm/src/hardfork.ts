/** Forks that this engine executes, oldest first, with the rules that each brought. */
export const HARDFORKS = ["berlin", "london", "paris", "shanghai", "cancun", "prague", "osaka"] as const;

export type Hardfork = (typeof HARDFORKS)[number];

/** Position in `HARDFORKS`: rules ask `fork >= FORK.london`. */
export const FORK = { berlin: 0, london: 1, paris: 2, shanghai: 3, cancun: 4, prague: 5, osaka: 6 } as const;

/** Blob gas rules (EIP-4844, EIP-7691, EIP-7892). */
export interface BlobParameters {
  /** Blobs per block. */
  readonly target: number;
  readonly max: number;
  readonly baseFeeUpdateFraction: bigint;
}

const CANCUN_BLOBS: BlobParameters = { target: 3, max: 6, baseFeeUpdateFraction: 3_338_477n };
const PRAGUE_BLOBS: BlobParameters = { target: 6, max: 9, baseFeeUpdateFraction: 5_007_716n };

/** Ethereum's blob parameters where genesis does not set its own. */
export const DEFAULT_BLOB_PARAMETERS: Readonly<Partial<Record<Hardfork, BlobParameters>>> = {
  cancun: CANCUN_BLOBS,
  prague: PRAGUE_BLOBS,
  osaka: PRAGUE_BLOBS,
};

/** From where a fork holds: a block number before Paris and a timestamp in seconds from Shanghai on. */
export interface ForkActivation {
  readonly fork: Hardfork;
  readonly block?: number;
  readonly timestamp?: number;
}

/** A fork that changes blob parameters only (EIP-7892). */
export interface BlobActivation {
  readonly timestamp: number;
  readonly parameters: BlobParameters;
}

/** Fork rules over the history of a chain. */
export interface ForkSchedule {
  /** In order of `HARDFORKS`. */
  readonly forks: readonly ForkActivation[];
  /** In order of time; each holds from its own or its fork's start on. */
  readonly blobs?: readonly BlobActivation[];
}

/** The fork and blob parameters of a block. `undefined` for a block before Berlin. */
export function forkAt(
  schedule: ForkSchedule,
  number: number,
  timestamp: number,
): { readonly fork: Hardfork; readonly blobs: BlobParameters | undefined } | undefined {
  const reached = (at: { readonly block?: number; readonly timestamp?: number }): boolean =>
    at.timestamp === undefined ? at.block !== undefined && number >= at.block : timestamp >= at.timestamp;
  const fork = schedule.forks.findLast(reached)?.fork;
  if (fork === undefined) return undefined;
  const blobs = schedule.blobs?.findLast((entry) => timestamp >= entry.timestamp)?.parameters;
  return { fork, blobs: FORK[fork] < FORK.cancun ? undefined : (blobs ?? DEFAULT_BLOB_PARAMETERS[fork]) };
}
