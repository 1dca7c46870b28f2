import type { HonorSet } from "@aios/core-committee/honor-set";
import type { ChainSnapshot } from "@aios/core-honor-node/chain-snapshot";
import type { Decision } from "@aios/core-honor-node/node-protocol";
import type { PoolPlace } from "@aios/core-honor-node/transaction-pool";
import type { CodedErrorInit } from "@aios/kernel/coded-error";
import type { BlockSummary, CheckpointToExecute, ReportedOffence } from "../../domain/honor-ports.js";
import type { HonorStatus } from "../../domain/honor-view.js";
import type { StakedState } from "../../domain/staking-state.js";
import type { PackedTransactions } from "./packed-transactions.js";

export type HonorQuestion =
  | { readonly kind: "status" }
  | { readonly kind: "dag"; readonly fromTick: number; readonly toTick: number }
  | { readonly kind: "decision"; readonly height: number }
  | { readonly kind: "honor-set"; readonly number: number | undefined }
  | { readonly kind: "hand-overs"; readonly fromSet: number; readonly limit: number }
  | { readonly kind: "place"; readonly transaction: string }
  | { readonly kind: "snapshot"; readonly height: number };

/** What each question is answered with. */
export interface HonorAnswers {
  readonly status: HonorStatus;
  readonly dag: readonly BlockSummary[] | undefined;
  readonly decision: Decision | undefined;
  readonly "honor-set": HonorSet | undefined;
  readonly "hand-overs": readonly Decision[];
  readonly place: { readonly place: PoolPlace | undefined } | undefined;
  readonly snapshot: ChainSnapshot | undefined;
}

/** To the thread that runs the protocol. */
export type ToHonorThread =
  | { readonly kind: "pooled"; readonly transactions: PackedTransactions; readonly isOwn: boolean }
  | { readonly kind: "dropped"; readonly ids: readonly string[] }
  | { readonly kind: "executed"; readonly height: number; readonly result: StakedState }
  | { readonly kind: "ask"; readonly number: number; readonly question: HonorQuestion }
  | { readonly kind: "stop" };

/** From it. */
export type FromHonorThread =
  | { readonly kind: "ready"; readonly port: number }
  | {
      readonly kind: "execute";
      readonly checkpoint: Omit<CheckpointToExecute, "transactions">;
      readonly transactions: PackedTransactions;
    }
  | { readonly kind: "gossiped"; readonly transactions: PackedTransactions }
  | { readonly kind: "decided"; readonly height: number }
  | { readonly kind: "rejected"; readonly ids: readonly string[] }
  | { readonly kind: "offence"; readonly offence: ReportedOffence }
  | { readonly kind: "refused"; readonly counts: ReadonlyMap<string, number> }
  | { readonly kind: "log-failed"; readonly message: string; readonly attempt: number }
  | { readonly kind: "failed"; readonly error: CodedErrorInit }
  | { readonly kind: "answer"; readonly number: number; readonly answer: unknown }
  | { readonly kind: "stopped" };
