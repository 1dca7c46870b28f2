import { receiptTree } from "@aios/core-contribution/receipt-tree";
import type { Clock } from "@aios/kernel/clock";
import { type DurationMs, durationMs } from "@aios/kernel/units";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { Anchor, AnchorBatch, ReceiptStore } from "../domain/ports.js";

const LONGEST_RETRY_MS = 60_000;

export interface AnchorSettings {
  /** Receipts wait at most this long for others to share a batch with. */
  readonly gatherMs: number;
  readonly maxReceipts: number;
  readonly retryMs: number;
}

/**
 * Puts counted receipts on chain, batch after batch: gather → root → stored → submitted → anchored. A batch is stored
 * before it is submitted, and submitted under one key per attempt, so a crash anywhere repeats and never doubles it.
 */
export class ReceiptAnchorer {
  readonly #abort = new AbortController();
  readonly #gatherMs: DurationMs;
  #wakeUp: (() => void) | undefined;
  #wanted = true;
  #loop: Promise<void> | undefined;

  constructor(
    private readonly store: ReceiptStore,
    private readonly anchor: Anchor,
    private readonly clock: Clock,
    private readonly settings: AnchorSettings,
    private readonly sweep: () => Promise<void>,
    private readonly onProblem: (message: string, error: unknown) => void,
  ) {
    this.#gatherMs = durationMs(settings.gatherMs);
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** A receipt counts, or a batch ended. */
  wake(): void {
    this.#wanted = true;
    this.#wakeUp?.();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#wakeUp?.();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      if (!this.#wanted) await this.#idle();
      if (signal.aborted) return;
      this.#wanted = false;
      await this.clock.wait(this.#gatherMs, signal).catch(() => undefined);
      try {
        await this.runOnce();
      } catch (error) {
        if (!signal.aborted) this.onProblem("receipts could not be anchored", error);
      }
    }
  }

  /** Until woken, or until it is time to look after what may be stuck. */
  async #idle(): Promise<void> {
    const waiting = new AbortController();
    this.#wakeUp = () => waiting.abort();
    if (this.#wanted || this.#abort.signal.aborted) waiting.abort();
    await this.clock.wait(durationMs(this.settings.retryMs), waiting.signal).catch(() => undefined);
    this.#wakeUp = undefined;
  }

  async runOnce(): Promise<void> {
    await this.sweep();
    const open = (await this.store.batchUnderWay()) ?? (await this.#openBatch());
    if (open !== undefined && open.notBeforeMs <= this.clock.now()) await this.#submit(open);
  }

  async #openBatch(): Promise<AnchorBatch | undefined> {
    const rootOf = (receiptIds: readonly string[]): string => {
      crashPoint("scoring.anchor.before-store");
      return receiptTree(receiptIds).root;
    };
    const batch = await this.store.openBatch(this.settings.maxReceipts, rootOf, this.clock.now());
    if (batch !== undefined) crashPoint("scoring.anchor.after-store");
    return batch;
  }

  async #submit(batch: AnchorBatch): Promise<void> {
    await this.anchor.submit(
      anchorKey(batch.batchId, batch.attempt),
      batch.number,
      batch.root,
      batch.receiptCount,
    );
    crashPoint("scoring.anchor.after-submit");
  }

  /** The submission was refused: again later, under the number that the chain expects when it said so. */
  async failed(key: string, errorCode: string, detailsJson: string): Promise<void> {
    const parsed = parseAnchorKey(key);
    if (parsed === undefined) return;
    const batch = await this.store.batch(parsed.batchId);
    if (batch.state === "anchored" || batch.attempt !== parsed.attempt) return;
    const delayMs = Math.min(this.settings.retryMs * 2 ** Math.min(parsed.attempt - 1, 10), LONGEST_RETRY_MS);
    const expected = expectedNumber(detailsJson);
    const notBeforeMs = expected === undefined ? this.clock.now() + delayMs : 0;
    await this.store.retryBatch(
      batch.batchId,
      batch.attempt,
      expected ?? batch.number,
      errorCode,
      notBeforeMs,
    );
    this.wake();
  }

  async anchored(root: string, number: bigint, transactionHash: string): Promise<void> {
    await this.store.anchored(root, number, transactionHash);
    this.wake();
  }
}

function anchorKey(batchId: string, attempt: number): string {
  return `anchor:${batchId}:${attempt}`;
}

function parseAnchorKey(key: string): { readonly batchId: string; readonly attempt: number } | undefined {
  const match = /^anchor:([0-9a-f-]{36}):([1-9][0-9]{0,8})$/.exec(key);
  return match?.[1] === undefined ? undefined : { batchId: match[1], attempt: Number(match[2]) };
}

/** The number in a decoded `BatchOutOfOrder(given, expected)`. */
function expectedNumber(detailsJson: string): bigint | undefined {
  if (detailsJson === "") return undefined;
  const details = JSON.parse(detailsJson) as {
    readonly error?: unknown;
    readonly args?: { readonly expected?: unknown };
  };
  const expected = details.args?.expected;
  if (details.error !== "BatchOutOfOrder" || typeof expected !== "string") return undefined;
  return /^[1-9][0-9]{0,18}$/.test(expected) ? BigInt(expected) : undefined;
}
