import type { BlockHeader, HeaderForm } from "@aios/consensus/domain/block";
import type {
  BlockRules,
  ForkConfiguration,
  PlannedForks,
  TransactionFeature,
} from "@aios/consensus/domain/block-session";
import { nextBaseFee } from "@aios/consensus/domain/fees";
import type { BlockContext } from "@aios/consensus/domain/ports";
import { blobBaseFee } from "@aios/core-evm/blob-fee";
import { type BlobParameters, FORK, type ForkSchedule, forkAt } from "@aios/core-evm/hardfork";
import { type Rules, rulesOf } from "@aios/core-evm/rules";
import { fromHex } from "@aios/core-rlp/hex";
import { ChainFileError } from "./chain-folder.js";

export interface BlobSchedule {
  readonly target: number;
  readonly max: number;
  readonly baseFeeUpdateFraction: number;
}

/** The part of a geth genesis that these rules need. */
export interface ChainConfig {
  readonly chainId: number;
  readonly [key: string]: unknown;
  readonly blobSchedule?: Readonly<Record<string, BlobSchedule>>;
  readonly depositContractAddress?: string;
}

const TIMED_FORKS = ["shanghai", "cancun", "prague", "osaka"] as const;
/** Forks that have blobs, in order; those after the first three change nothing else (EIP-7892). */
const BLOB_FORKS = ["cancun", "prague", "osaka", "bpo1", "bpo2", "bpo3", "bpo4", "bpo5"] as const;
const PRAGUE_BLOBS: BlobSchedule = { target: 6, max: 9, baseFeeUpdateFraction: 5_007_716 };
/** Mainnet's, which older files leave out. */
const DEFAULT_BLOBS: Readonly<Partial<Record<(typeof BLOB_FORKS)[number], BlobSchedule>>> = {
  cancun: { target: 3, max: 6, baseFeeUpdateFraction: 3_338_477 },
  prague: PRAGUE_BLOBS,
  osaka: PRAGUE_BLOBS,
};
const NO_CONTRACT = `0x${"00".repeat(20)}`;
const GAS_PER_BLOB = 131_072n;
/** EIP-1559: of the first block with a base fee. Wei per gas. */
export const INITIAL_BASE_FEE = 1_000_000_000n;
/** EIP-7918. */
const BLOB_BASE_COST = 8_192n;
const ETHER = 10n ** 18n;

function blobParameters({ target, max, baseFeeUpdateFraction }: BlobSchedule): BlobParameters {
  return { target, max, baseFeeUpdateFraction: BigInt(baseFeeUpdateFraction) };
}

/** Ethereum's rules for the fields of its blocks, from a geth genesis with block and time forks. */
export class EthereumRules implements BlockRules {
  readonly chainId: number;
  readonly #forks: ForkSchedule;
  readonly #rules = new Map<string, Rules>();
  readonly #schedules: readonly { readonly time: number; readonly schedule: BlobSchedule }[];

  /** `genesisTime`: seconds. Throws `ChainFileError` for forks out of order, or without what they need. */
  constructor(
    private readonly config: ChainConfig,
    private readonly genesisTime = 0,
  ) {
    this.chainId = config.chainId;
    this.#requireOrder();
    this.#schedules = this.#blobSchedules();
    this.#forks = {
      forks: [
        { fork: "berlin", block: this.#number("berlinBlock") },
        { fork: "london", block: this.#number("londonBlock") },
        ...TIMED_FORKS.map((fork) => ({ fork, timestamp: this.#number(`${fork}Time`) })),
      ],
      blobs: this.#schedules.map(({ time, schedule }) => ({
        timestamp: time,
        parameters: blobParameters(schedule),
      })),
    };
  }

  /** What the product's engine does in a block; `undefined` before Berlin. */
  executionRules({ number, timestamp, difficulty }: BlockContext): Rules | undefined {
    const found = forkAt(this.#forks, number, timestamp);
    if (found === undefined) return undefined;
    // The Merge has no number of its own: it is where work ends. A block with work has no later fork, whatever its time.
    const isMerged = difficulty === undefined;
    const merged = found.fork === "london" ? "paris" : found.fork;
    const hardfork = isMerged || FORK[found.fork] < FORK.london ? merged : "london";
    const key = `${hardfork} ${found.blobs?.max} ${found.blobs?.target} ${found.blobs?.baseFeeUpdateFraction}`;
    let rules = this.#rules.get(key);
    if (rules === undefined) {
      const { depositContractAddress: deposits } = this.config;
      rules = rulesOf({
        hardfork,
        chainId: BigInt(this.chainId),
        blobs: found.blobs,
        depositContract: deposits === undefined ? undefined : fromHex(deposits),
      });
      this.#rules.set(key, rules);
    }
    return rules;
  }

  contextOf(header: BlockHeader): BlockContext {
    const difficulty = header.earlierForm?.difficulty ?? 0n;
    return {
      number: header.number,
      timestamp: header.timestamp,
      gasLimit: header.gasLimit,
      baseFeePerGas: header.baseFeePerGas,
      feeRecipient: header.feeRecipient,
      prevRandao: header.prevRandao,
      parentBeaconBlockRoot: header.parentBeaconBlockRoot,
      blobBaseFeePerGas: header.blobBaseFeePerGas ?? 0n,
      ...(difficulty > 0n ? { difficulty } : {}),
    };
  }

  contextAfter(_parent: BlockHeader, stored: BlockHeader): BlockContext {
    return this.contextOf(stored);
  }

  nextBaseFee(parent: BlockHeader): bigint {
    const london = this.#number("londonBlock");
    if (parent.number + 1 < london) return 0n;
    return parent.number + 1 === london ? INITIAL_BASE_FEE : nextBaseFee(parent, 0n);
  }

  nextExcessBlobGas(parent: BlockHeader, timestamp: number): bigint {
    const schedule = this.#schedule(timestamp);
    if (schedule === undefined) return 0n;
    const target = BigInt(schedule.target) * GAS_PER_BLOB;
    const used = parent.excessBlobGas + parent.blobGasUsed;
    if (used < target) return 0n;
    const isOsaka = timestamp >= this.#number("osakaTime");
    const fee = this.blobBaseFee(parent.excessBlobGas, timestamp);
    if (isOsaka && BLOB_BASE_COST * parent.baseFeePerGas > GAS_PER_BLOB * fee)
      return (
        parent.excessBlobGas +
        (parent.blobGasUsed * BigInt(schedule.max - schedule.target)) / BigInt(schedule.max)
      );
    return used - target;
  }

  blobBaseFee(excessBlobGas: bigint, timestamp: number): bigint {
    const schedule = this.#schedule(timestamp);
    return schedule === undefined ? 0n : blobBaseFee(excessBlobGas, blobParameters(schedule));
  }

  blobGasRatio(header: BlockHeader): number {
    const schedule = this.#schedule(header.timestamp);
    return schedule === undefined ? 0 : Number(header.blobGasUsed) / (schedule.max * Number(GAS_PER_BLOB));
  }

  baseFeeCredits(): readonly [] {
    return [];
  }

  isActive(
    feature: TransactionFeature,
    { number, timestamp }: Pick<BlockContext, "number" | "timestamp">,
  ): boolean {
    if (feature === "access lists") return number >= this.#number("berlinBlock");
    if (feature === "fee markets") return number >= this.#number("londonBlock");
    return timestamp >= this.#number(feature === "blobs" ? "cancunTime" : "pragueTime");
  }

  headerForm({ number, timestamp }: Pick<BlockContext, "number" | "timestamp">): HeaderForm {
    if (number < this.#number("londonBlock")) return "frontier";
    if (timestamp >= this.#number("pragueTime")) return "prague";
    if (timestamp >= this.#number("cancunTime")) return "cancun";
    return timestamp >= this.#number("shanghaiTime") ? "shanghai" : "london";
  }

  /** Throws for a block under rules that are not known here: later forks, and proof of authority. */
  requireSupported({ number, timestamp, earlierForm }: BlockHeader): void {
    const known = new Set<string>([...TIMED_FORKS, ...BLOB_FORKS].map((fork) => `${fork}Time`));
    const later = Object.entries(this.config).find(
      ([key, value]) =>
        key.endsWith("Time") && !known.has(key) && typeof value === "number" && value <= timestamp,
    );
    if (later !== undefined)
      throw new Error(`block ${number}: ${later[0]} is of a fork that is not supported`);
    if (this.config["clique"] !== undefined && (earlierForm?.difficulty ?? 0n) > 0n)
      throw new Error(`block ${number}: proof of authority is not supported`);
  }

  /** Whether all blocks are of Berlin or later. */
  get beginsWithBerlin(): boolean {
    return this.#number("berlinBlock") === 0;
  }

  forks({ timestamp }: Pick<BlockHeader, "number" | "timestamp">): PlannedForks {
    const times = this.#points("Time");
    // All that hold at genesis are one configuration.
    const first = times.findLast((time) => time <= this.genesisTime);
    const later = times.filter((time) => time > this.genesisTime);
    const configurations = [...(first === undefined ? [] : [first]), ...later]
      .filter((time) => time >= this.#number("cancunTime"))
      .map((time) => this.#forkAt(time, [...this.#points("Block"), ...later.filter((each) => each <= time)]));
    const current = configurations.findLastIndex(({ activationTime }) => activationTime <= timestamp);
    const found = configurations[current];
    if (found === undefined) throw new Error("the chain has no fork that EIP-7910 describes");
    const [next, last] = [configurations[current + 1], configurations.at(-1)];
    return { current: found, ...(next === undefined || last === undefined ? {} : { next, last }) };
  }

  /** Heights of the configuration's forks without those at genesis, or all times. */
  #points(suffix: "Block" | "Time"): number[] {
    const points = Object.entries(this.config).flatMap(([key, value]) =>
      key.endsWith(suffix) && typeof value === "number" && (suffix === "Time" || value > 0) ? [value] : [],
    );
    return [...new Set(points)].sort((a, b) => a - b);
  }

  #forkAt(time: number, passed: readonly number[]): ForkConfiguration {
    const fork = TIMED_FORKS.findLast((name) => time >= this.#number(`${name}Time`));
    const { target = 0, max = 0, baseFeeUpdateFraction = 0 } = this.#schedule(time) ?? {};
    return {
      fork: fork === "prague" || fork === "osaka" ? fork : "cancun",
      activationTime: time,
      passed,
      blobSchedule: { target, max, baseFeeUpdateFraction },
      systemContracts: {
        BEACON_ROOTS_ADDRESS: "0x000f3df6d732807ef1319fb7b8bb8522d0beac02",
        ...(time < this.#number("pragueTime")
          ? {}
          : {
              CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS: "0x0000bbddc7ce488642fb579f8b00f3a590007251",
              DEPOSIT_CONTRACT_ADDRESS: this.config.depositContractAddress ?? NO_CONTRACT,
              HISTORY_STORAGE_ADDRESS: "0x0000f90827f1c53a10cb7a02335b175320002935",
              WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS: "0x00000961ef480eb55e80d19ad83579a64c007002",
            }),
      },
    };
  }

  isByzantium(number: number): boolean {
    return number >= this.#number("byzantiumBlock");
  }

  /** Wei for the producer of a proof-of-work block, without uncles. */
  blockReward(header: BlockHeader): bigint {
    if ((header.earlierForm?.difficulty ?? 0n) === 0n) return 0n;
    if (header.number >= this.#number("constantinopleBlock")) return 2n * ETHER;
    return this.isByzantium(header.number) ? 3n * ETHER : 5n * ETHER;
  }

  #requireOrder(): void {
    const points = ["berlinBlock", "londonBlock"].map((key) => ({ key, at: this.#number(key) }));
    const times = TIMED_FORKS.map((fork) => ({ key: `${fork}Time`, at: this.#number(`${fork}Time`) }));
    for (const [earlier, later] of [...pairs(points), ...pairs(times)])
      if (earlier.at > later.at)
        throw new ChainFileError("genesis.json", `config.${later.key} comes before config.${earlier.key}`);
    if (this.#number("shanghaiTime") < Infinity && this.#number("londonBlock") === Infinity)
      throw new ChainFileError("genesis.json", "config.shanghaiTime is set without config.londonBlock");
  }

  /** In order of time, and of forks where times are the same: the last one that has come holds. */
  #blobSchedules(): { readonly time: number; readonly schedule: BlobSchedule }[] {
    const entries = BLOB_FORKS.filter((fork) => this.#number(`${fork}Time`) < Infinity).map((fork) => {
      const schedule = this.config.blobSchedule?.[fork] ?? DEFAULT_BLOBS[fork];
      if (schedule === undefined)
        throw new ChainFileError("genesis.json", `config.blobSchedule.${fork} is missing`);
      return { time: this.#number(`${fork}Time`), schedule };
    });
    return entries.sort((a, b) => a.time - b.time);
  }

  #schedule(timestamp: number): BlobSchedule | undefined {
    return this.#schedules.findLast((entry) => entry.time <= timestamp)?.schedule;
  }

  #number(key: string): number {
    const value = this.config[key];
    return typeof value === "number" ? value : Number.POSITIVE_INFINITY;
  }
}

function pairs<T>(list: readonly T[]): (readonly [T, T])[] {
  return list.slice(1).map((later, index) => [list[index] as T, later] as const);
}
