import type { ChainHistory } from "@aios/core-honor-node/chain-history";
import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import type { LogEntry } from "@aios/core-honor-node/node-protocol";
import type { CodedError } from "@aios/kernel/coded-error";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { SignedTransaction } from "./transaction.js";

/** What a log holds. */
export interface HonorLogSizes {
  /** Blocks that a start reads. */
  readonly blocks: number;
  /** Blocks from before the base, which an archive keeps. */
  readonly archivedBlocks: number;
  readonly decisions: number;
  /** Of the file; room that was given up is used again before it grows. */
  readonly fileBytes: number;
}

/** What an honor node has to remember over a crash. */
export interface HonorLog extends ChainHistory {
  /**
   * What a start needs: the base if there is one, decisions, orders, blocks and transactions after it, each kind in the
   * order in which it was written; the last safety record stands at its end. Throws `corrupt-store`.
   */
  load(): Iterable<LogEntry>;
  /**
   * All or nothing, in order; on disk when it resolves. A safety record takes the place of the one before; a base removes
   * what it makes needless, unless the log is an archive.
   */
  append(entries: readonly LogEntry[]): Promise<void>;
  readonly sizes: HonorLogSizes;
}

/** Streams to peers, by node key. Delivery is not guaranteed. */
export interface PeerStreams {
  readonly connected: readonly string[];
  /** To one peer, or to all. */
  send(peer: string | undefined, payload: Uint8Array): void;
  /** What a peer speaks; undefined for one of a build that knows no packets of the pull protocol. */
  protocolOf(peer: string): string | undefined;
  punish(peer: string, points: number): void;
}

/** Turns signed bytes into what ordering works with. */
export interface TransactionReader {
  /** In their order, each or why not: the admission errors of its form and signature, `recovery-busy` and `node-stopping`. */
  readAll(payloads: readonly Uint8Array[]): Promise<readonly (OrderedTransaction | CodedError)[]>;
}

/**
 * Turns what was ordered into what runs. Order, and the places of the nonces, are fixed before it is asked, so that nobody who
 * orders has to know what a transaction does; the state that it leads to is attested one checkpoint later.
 */
export interface TransactionOpener {
  /**
   * For each transaction of a checkpoint, in their order, what runs, or why nothing of it ever will: the same on every node.
   * May wait for those who open together; the checkpoint waits with it. Rejects only where it can be asked again, and with the
   * signal's reason as soon as that says so.
   */
  open(
    height: number,
    ordered: readonly OrderedTransaction[],
    signal?: AbortSignal,
  ): Promise<readonly (SignedTransaction | CodedError)[]>;
}

/** A checkpoint to be executed on the state after the height before. */
export interface CheckpointToExecute {
  readonly height: number;
  /** Seconds, of the tick in which the checkpoint's tip was made. */
  readonly timestamp: number;
  readonly transactions: readonly OrderedTransaction[];
}

/** Two messages for one step of finality, in the terms of who judges them. */
export interface DoubleMessageClaim {
  readonly kind: "double-message";
  readonly step: "proposal" | "prevote" | "precommit";
  readonly height: number;
  readonly round: number;
  /** `checkpointId`: 64 hex digits, undefined for nil; `validRound`: 0 in votes. */
  readonly statements: readonly { readonly checkpointId: string | undefined; readonly validRound: number }[];
}

/** Two blocks for one tick. */
export interface DoubleBlockClaim {
  readonly kind: "double-block";
  readonly setNumber: number;
  readonly seat: number;
  readonly tick: number;
  readonly blockIds: readonly string[];
}

/** A provable offence of a member, as it is reported. */
export interface ReportedOffence {
  readonly setNumber: number;
  readonly seat: number;
  /** The guilty. `publicKey`: 96 hex digits. */
  readonly account: string;
  readonly publicKey: string;
  readonly claim: DoubleMessageClaim | DoubleBlockClaim;
  /** The two statements and their signatures, in hex. */
  readonly first: { readonly statement: string; readonly signature: string };
  readonly second: { readonly statement: string; readonly signature: string };
}

/** Evidence and what this node did with it. */
export interface EvidenceRecord {
  readonly offence: ReportedOffence;
  /** Head of this node's chain when it found it. */
  readonly foundAtHeight: number;
  /** The transaction that shows it to the staking contract, written down before it leaves. */
  readonly transaction: Bytes32 | undefined;
  /** Transactions that were ordered and convicted nobody. */
  readonly failures: number;
}

/** Keeps the first evidence against each key over a crash. */
export interface EvidenceStore {
  /** On disk when it resolves; takes the place of what there is of the key. */
  put(record: EvidenceRecord): Promise<void>;
  records(): Iterable<EvidenceRecord>;
}

/** What the node that runs the protocol needs from the one that executes and serves. */
export interface HonorHost {
  /** One at a time; answered by `executed`. */
  execute(checkpoint: CheckpointToExecute): void;
  /** Peers say that these wait. */
  gossiped(transactions: readonly OrderedTransaction[]): void;
  /** All heights up to this one are decided. */
  decided(height: number): void;
  /** The pool had no room. */
  rejected(ids: readonly string[]): void;
  offence(offence: ReportedOffence): void;
  /** So much was refused of peers since the last time, by reason. */
  refused(counts: ReadonlyMap<string, number>): void;
  /** The log cannot be written; nothing is said meanwhile, and it is tried again. */
  logFailed(error: unknown, attempt: number): void;
  /** The protocol has ended for good: this node computed another state than a quorum attested, or a defect. */
  failed(error: unknown): void;
}

/** A DAG block as it is shown: what its transactions say stays where they are. */
export interface BlockSummary {
  readonly id: string;
  readonly setNumber: number;
  readonly seat: number;
  readonly tick: number;
  readonly parents: readonly string[];
  /** Hashes without 0x. */
  readonly transactions: readonly string[];
  readonly signature: string;
  /** What GHOSTDAG makes of it: the parent whose order it goes on from, the blocks that it merges, and how. */
  readonly selectedParent: string | undefined;
  readonly blueScore: number;
  /** The selected parent first. */
  readonly mergesetBlues: readonly string[];
  readonly mergesetReds: readonly string[];
}
