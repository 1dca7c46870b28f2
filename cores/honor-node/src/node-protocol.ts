import type { Candidate } from "@aios/core-committee/election";
import type { HonorSet } from "@aios/core-committee/honor-set";
import type { Certificate } from "@aios/core-finality/certificate";
import type { Checkpoint } from "@aios/core-finality/checkpoint";
import type { Evidence } from "@aios/core-finality/evidence";
import type { SafetyRecord, Step } from "@aios/core-finality/finality-height";
import type { FinalityMessage } from "@aios/core-finality/messages";
import type { BlockColouring } from "@aios/core-ghostdag/ghostdag";
import type { ChainBase } from "./chain-base.js";
import type { CompactBlock } from "./compact-block.js";
import type { BlockHeader, DagBlock, OrderedTransaction } from "./dag-block.js";
import type { PacketFault } from "./packet-faults.js";
import type { Abstention } from "./past-statements.js";

/** A checkpoint that was decided. */
export interface Decision {
  readonly checkpoint: Checkpoint;
  readonly certificate: Certificate;
  /** The set of the next height, where it is another one. */
  readonly nextSet?: HonorSet | undefined;
}

/** What nodes say to each other. Senders of packets are not believed: everything that matters is signed or hashed. */
export type Packet =
  | {
      readonly kind: "vote";
      readonly message: FinalityMessage;
      readonly signature: string;
      /** With a proposal: the set that it names, where that is another one, and the proof of its `parentRound`. */
      readonly nextSet?: HonorSet | undefined;
      readonly parentCertificate?: Certificate | undefined;
    }
  | { readonly kind: "block"; readonly block: DagBlock }
  | { readonly kind: "want"; readonly ids: readonly string[] }
  | { readonly kind: "transactions"; readonly transactions: readonly OrderedTransaction[] }
  /** The height that a node works on, and the blocks that nothing it holds descends from. */
  | { readonly kind: "status"; readonly height: number; readonly tips: readonly string[] }
  | { readonly kind: "decision"; readonly decision: Decision }
  /** Asks for decisions from a height on, each with the blocks that it orders before it. */
  | { readonly kind: "range"; readonly fromHeight: number }
  /** A new block, with its transactions by the beginnings of their hashes. */
  | { readonly kind: "compact-block"; readonly block: CompactBlock }
  /** Asks whoever sent a compact block for the transactions at these places, ascending. */
  | { readonly kind: "want-transactions"; readonly block: string; readonly places: readonly number[] }
  /** Answers it, in that order. */
  | {
      readonly kind: "block-transactions";
      readonly block: string;
      readonly transactions: readonly OrderedTransaction[];
    }
  /** Transactions that wait at a node, by the beginnings of their hashes. */
  | { readonly kind: "announce"; readonly shortIds: readonly string[] }
  /** Asks for some of them; answered with `transactions`. */
  | { readonly kind: "want-announced"; readonly shortIds: readonly string[] };

export type NodeTimer =
  | {
      readonly kind: "round";
      readonly height: number;
      readonly step: Exclude<Step, "decided">;
      readonly round: number;
    }
  /** `isLast`: propose even if there is nothing new. */
  | { readonly kind: "propose"; readonly height: number; readonly round: number; readonly isLast: boolean }
  | { readonly kind: "tick" }
  | { readonly kind: "gossip" }
  /** Looks after what was asked of peers. */
  | { readonly kind: "pull" };

/** A candidate as the state knows it; who sits since when, the decided hand-overs say. */
export type StandingCandidate = Omit<Candidate, "sittingSinceCycle">;

/** State after a checkpoint's transactions. */
export interface ExecutionResult {
  readonly root: string;
  /** Who stands for the honor set in this state. */
  readonly candidates: readonly StandingCandidate[];
}

export type NodeInput =
  | { readonly kind: "packet"; readonly from: string; readonly packet: Packet }
  | { readonly kind: "timer"; readonly timer: NodeTimer }
  /** From users. */
  | { readonly kind: "transactions"; readonly transactions: readonly OrderedTransaction[] }
  /**
   * From a mempool that keeps them over a crash by itself, and again when execution left them for later. Passed on to
   * peers where `isOwn`.
   */
  | {
      readonly kind: "pooled";
      readonly transactions: readonly OrderedTransaction[];
      readonly isOwn: boolean;
    }
  /** Transactions that peers sent were read, by the beginnings of their hashes: a mempool decides what becomes of them. */
  | { readonly kind: "heard"; readonly shortIds: readonly string[] }
  /** The mempool gave these up. */
  | { readonly kind: "dropped"; readonly ids: readonly string[] }
  /** Answers `execute`. */
  | { readonly kind: "executed"; readonly height: number; readonly result: ExecutionResult };

/** What has to survive a crash; written in order, synced before anything that follows it leaves. */
export type LogEntry =
  | {
      readonly kind: "safety";
      readonly record: SafetyRecord;
      /** Of the rounds that the record's checkpoints name as those in which their parent was certified. */
      readonly parentProofs?: readonly Certificate[];
    }
  /** What this node must not say, since it began with a snapshot; the last one holds, whatever base comes. */
  | { readonly kind: "abstention"; readonly abstention: Abstention }
  /** With what colouring found out, so that nothing is coloured again. */
  | {
      readonly kind: "block";
      readonly block: DagBlock | BlockHeader;
      readonly colouring: BlockColouring;
    }
  | { readonly kind: "decision"; readonly decision: Decision }
  /** The blocks that a height ordered. */
  | { readonly kind: "order"; readonly height: number; readonly blocks: readonly string[] }
  | { readonly kind: "transactions"; readonly transactions: readonly OrderedTransaction[] }
  /**
   * Everything before the base is not needed any more: the blocks `gone`, decisions before its first one that hand over
   * to no set, orders up to its height, transactions that were written before but for those `accepted` and not settled:
   * they are kept in the same write, or a crash would lose them. It stands first when the log is read, which gives
   * neither `gone` nor `accepted` again.
   */
  | {
      readonly kind: "base";
      readonly base: ChainBase;
      readonly gone: readonly string[];
      readonly accepted: readonly OrderedTransaction[];
    };

export type NodeOutput =
  | { readonly kind: "persist"; readonly entry: LogEntry }
  /** To one peer, or to all. */
  | { readonly kind: "send"; readonly to: string | undefined; readonly packet: Packet }
  | { readonly kind: "timer"; readonly timer: NodeTimer; readonly delayMs: number }
  /** Execute on the state after the height before; heights come in order, again after a restart. */
  | {
      readonly kind: "execute";
      readonly height: number;
      readonly checkpoint: Checkpoint;
      readonly transactions: readonly OrderedTransaction[];
    }
  /** Something that a peer sent is dropped, or it did not send what it was asked for. */
  | { readonly kind: "refused"; readonly peer: string; readonly fault: PacketFault }
  | { readonly kind: "accepted"; readonly transactions: readonly OrderedTransaction[] }
  | { readonly kind: "rejected"; readonly transaction: OrderedTransaction; readonly reason: string }
  | {
      readonly kind: "evidence";
      readonly evidence: Evidence;
      readonly seat: number;
      readonly setNumber: number;
    };
