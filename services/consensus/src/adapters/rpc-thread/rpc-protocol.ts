import type { CodedErrorInit } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { EvidenceReporter } from "../../application/honor/evidence-reporter.js";
import type { TransactionFate } from "../../application/why-pending.js";
import type { HonorView } from "../../domain/honor-view.js";
import type { BlockWithChanges } from "../../domain/ports.js";
import type { PackedTransactions } from "./packed-transactions.js";

/** An error on its way to another thread. */
export type PlainError = Omit<CodedErrorInit, "cause">;

/** Of several transactions, which was refused and why. */
export type Refusals = readonly (readonly [index: number, why: PlainError])[];

/** What only the thread that makes blocks knows. Questions and answers survive a structured clone. */
export interface NodeQuestions extends HonorView {
  /** Answered when a crash no longer loses those that were not refused. */
  admit(transactions: PackedTransactions): Promise<Refusals>;
  /** Of one, or of none where it does not wait. */
  waiting(hash: Bytes32): Promise<PackedTransactions>;
  nextNonce(sender: Address): Promise<bigint>;
  counts(): Promise<{ readonly pending: number; readonly queued: number }>;
  content(
    sender: Address | undefined,
  ): Promise<{ readonly pending: PackedTransactions; readonly queued: PackedTransactions }>;
  pendingBlock(): Promise<BlockWithChanges>;
  explain(hash: Bytes32): Promise<TransactionFate>;
  evidence(): Promise<ReturnType<EvidenceReporter["list"]>>;
  /** Milliseconds of the clock that blocks are made by. */
  now(): Promise<number>;
}

export type QuestionName = keyof NodeQuestions;

/** Method, milliseconds, and the code of the error where there was one. */
export type ObservedCall = readonly [method: string, durationMs: number, errorCode: number | undefined];

/** To the thread that serves JSON-RPC. */
export type ToRpcThread =
  | { readonly kind: "answer"; readonly number: number; readonly value: unknown }
  | { readonly kind: "refused"; readonly number: number; readonly error: PlainError }
  | { readonly kind: "stored"; readonly height: number }
  | { readonly kind: "admitted"; readonly transactions: PackedTransactions }
  | { readonly kind: "leaving" }
  | { readonly kind: "stop" };

/** From it. */
export type FromRpcThread =
  | { readonly kind: "listening"; readonly port: number }
  /** What kept it from starting; `code` as the system names it. */
  | { readonly kind: "failed"; readonly message: string; readonly code: string | undefined }
  | {
      readonly kind: "ask";
      readonly number: number;
      readonly name: QuestionName;
      readonly given: readonly unknown[];
    }
  /** Whether anybody wants to know of admitted transactions. */
  | { readonly kind: "interest"; readonly admitted: boolean }
  | { readonly kind: "called"; readonly calls: readonly ObservedCall[] }
  | { readonly kind: "internal-error"; readonly method: string; readonly message: string }
  | { readonly kind: "stopped" };
