import { isCodedError } from "@aios/kernel/coded-error";
import type { JsonRpc } from "@aios/sdk/json-rpc";
import { machineClock } from "@aios/sdk/machine-clock";
import { windowTicks } from "./dag-window.js";

/** A block of the DAG, as a node tells it. Numbers of the wire are hex. */
export interface DagBlock {
  readonly id: string;
  readonly seat: number;
  readonly group: number;
  readonly tick: number;
  readonly parents: readonly string[];
  readonly transactions: readonly string[];
  readonly selectedParent: string | null;
  readonly blueScore: number;
  readonly mergesetBlues: readonly string[];
  readonly mergesetReds: readonly string[];
}

/** A checkpoint that a quorum certified. */
export interface CertifiedCheckpoint {
  readonly height: number;
  /** Block of the DAG up to which it orders. */
  readonly tip: string;
  readonly tick: number;
  /** State after the height before. */
  readonly attestedRoot: string;
  readonly round: number;
  /** Seats that signed. */
  readonly signers: readonly number[];
}

export interface Member {
  readonly seat: number;
  readonly group: number;
  readonly account: string;
}

/** Where an honor chain stands, as one of its nodes sees it. */
export interface ChainReading {
  readonly readAtMs: number;
  readonly tick: number;
  readonly tickMs: number;
  readonly genesisTimeMs: number;
  /** Seat of the node that answers; undefined for one that follows. */
  readonly seat: number | undefined;
  readonly peers: number;
  /** Blocks that nothing descends from, the one whose order counts first. */
  readonly tips: readonly string[];
  /** From a transaction's block to its certificate. */
  readonly orderDelays: { readonly count: number; readonly p50Ms: number; readonly p95Ms: number };
  readonly latestHeight: number;
  readonly finalizedHeight: number;
  readonly members: readonly Member[];
  readonly setId: string;
  readonly blocks: readonly DagBlock[];
  /** Oldest first. */
  readonly checkpoints: readonly CertifiedCheckpoint[];
}

type Wire<T> = { readonly [K in keyof T]: T[K] extends number ? string : T[K] };
interface StatusAnswer {
  readonly height: string;
  readonly tick: string;
  readonly seat: string | null;
  readonly peers: readonly string[];
  readonly tips: readonly string[];
  readonly time: { readonly genesisTimeMs: number; readonly tickMs: number };
  readonly orderDelays: ChainReading["orderDelays"];
}
interface CertificateAnswer {
  readonly checkpoint: Readonly<Record<"height" | "tip" | "tick" | "attestedRoot", string>>;
  readonly certificate: { readonly round: string; readonly seats: readonly string[] };
}

/** Checkpoints that are shown; each is asked for once. */
const SHOWN_CHECKPOINTS = 24;

/** Reads the chain again and again; certificates that it has seen are not asked for again. */
export class ChainReader {
  readonly #rpc: JsonRpc;
  readonly #checkpoints = new Map<number, CertifiedCheckpoint>();

  constructor(rpc: JsonRpc) {
    this.#rpc = rpc;
  }

  /** "one-producer" where a single node makes the blocks. */
  async read(): Promise<ChainReading | "one-producer"> {
    const status = await this.#rpc.call<StatusAnswer>("aios_honorStatus").catch(notAnHonorChain);
    if (status === undefined) return "one-producer";
    const tick = Number(status.tick);
    const hex = (value: number): string => `0x${value.toString(16)}`;
    const [blocks, set, latest, finalized, checkpoints] = await Promise.all([
      this.#rpc.call<readonly Wire<DagBlock>[]>("aios_getDag", [
        hex(Math.max(0, tick - windowTicks(status.time.tickMs) + 1)),
        hex(tick),
      ]),
      this.#rpc.call<{ readonly id: string; readonly members: readonly Wire<Member>[] }>("aios_getHonorSet"),
      this.#rpc.block("latest"),
      this.#rpc.block("finalized"),
      this.#read(Number(status.height) - 1),
    ]);
    return {
      readAtMs: machineClock.now(),
      tick,
      tickMs: status.time.tickMs,
      genesisTimeMs: status.time.genesisTimeMs,
      seat: status.seat === null ? undefined : Number(status.seat),
      peers: status.peers.length,
      tips: status.tips,
      orderDelays: status.orderDelays,
      latestHeight: Number(latest?.number ?? 0),
      finalizedHeight: Number(finalized?.number ?? 0),
      members: set.members.map(({ account, ...member }) => ({
        account,
        seat: Number(member.seat),
        group: Number(member.group),
      })),
      setId: set.id,
      blocks: blocks.map((block) => ({
        ...block,
        seat: Number(block.seat),
        group: Number(block.group),
        tick: Number(block.tick),
        blueScore: Number(block.blueScore),
      })),
      checkpoints,
    };
  }

  async #read(decided: number): Promise<readonly CertifiedCheckpoint[]> {
    const oldest = Math.max(1, decided - SHOWN_CHECKPOINTS + 1);
    for (const height of this.#checkpoints.keys())
      if (height < oldest || height > decided) this.#checkpoints.delete(height);
    const missing: number[] = [];
    for (let height = oldest; height <= decided; height++)
      if (!this.#checkpoints.has(height)) missing.push(height);
    await Promise.all(missing.map((height) => this.#fetch(height)));
    return [...this.#checkpoints.values()].sort((a, b) => a.height - b.height);
  }

  async #fetch(height: number): Promise<void> {
    const answer = await this.#rpc.call<CertificateAnswer | null>("aios_getCertificate", [
      `0x${height.toString(16)}`,
    ]);
    if (answer === null) return;
    const { checkpoint, certificate } = answer;
    this.#checkpoints.set(height, {
      height,
      tip: checkpoint.tip,
      tick: Number(checkpoint.tick),
      attestedRoot: checkpoint.attestedRoot,
      round: Number(certificate.round),
      signers: certificate.seats.map(Number),
    });
  }
}

function notAnHonorChain(error: unknown): undefined {
  if (isCodedError(error)) {
    const data = error.details["rpcData"] as { readonly code?: string } | undefined;
    if (data?.code === "not-an-honor-chain") return undefined;
  }
  throw error;
}
