import { argmax } from "@aios/core-zkml/evaluator";
import { unpackOutput } from "@aios/core-zkml/output-packing";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Job, Model, PlacementExplanation, Verification } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import { useCallback, useRef, useState } from "react";

const CLASSES = 10;

export interface InferenceResult {
  readonly prediction: number;
  readonly logits: readonly number[];
}

export interface InferenceRun {
  readonly phase: "idle" | "preparing" | "signing" | "running" | "ended" | "failed";
  readonly job: Job | undefined;
  readonly input: Uint8Array | undefined;
  readonly inputSalt: string | undefined;
  readonly result: InferenceResult | undefined;
  readonly placement: PlacementExplanation | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

const IDLE: InferenceRun = {
  phase: "idle",
  job: undefined,
  input: undefined,
  inputSalt: undefined,
  result: undefined,
  placement: undefined,
  error: undefined,
};

/** One inference from quote to settlement, live. */
export function useInference(client: AiosClient | undefined): {
  readonly run: InferenceRun;
  readonly start: (model: Model, input: Uint8Array, verification: Verification) => Promise<void>;
  /** The buyer's word for a delivery that no evidence settles. */
  readonly accept: () => Promise<void>;
} {
  const [run, setRun] = useState<InferenceRun>(IDLE);
  const running = useRef(false);
  const start = useCallback(
    async (model: Model, input: Uint8Array, verification: Verification): Promise<void> => {
      if (client === undefined || model.modelId === null || running.current) return;
      running.current = true;
      const update = (change: Partial<InferenceRun>): void => setRun((before) => ({ ...before, ...change }));
      setRun({ ...IDLE, phase: "preparing", input });
      try {
        const inference = { modelId: model.modelId, input: toHex(input) };
        const quotes = await client.jobs.quote({ inference });
        const quote = quotes.find((each) => each.verification === verification);
        if (quote === undefined) throw new Error("This model is not offered with that check just now.");
        const prepared = await client.jobs.prepare({
          inference,
          verification,
          priceCapWei: BigInt(quote.priceWei),
        });
        update({ phase: "signing", job: prepared.job, inputSalt: prepared.inputSalt ?? undefined });
        await client.jobs.place(prepared);
        update({ phase: "running" });
        for await (const job of client.jobs.watch(prepared.job.jobId)) update({ job, result: resultOf(job) });
        update({ phase: "ended", placement: await client.jobs.placement(prepared.job.jobId) });
      } catch (error) {
        const code = isCodedError(error) ? error.code : "unexpected";
        update({
          phase: "failed",
          error: { code, message: error instanceof Error ? error.message : String(error) },
        });
      } finally {
        running.current = false;
      }
    },
    [client],
  );
  const accept = useCallback(async (): Promise<void> => {
    if (client === undefined || run.job === undefined) return;
    try {
      await client.jobs.accept(run.job.jobId);
    } catch (error) {
      const code = isCodedError(error) ? error.code : "unexpected";
      const message = error instanceof Error ? error.message : String(error);
      setRun((before) => ({ ...before, error: { code, message } }));
    }
  }, [client, run.job]);
  return { run, start, accept };
}

/** Delivered, and final by the buyer's word: nothing else will settle it before the window ends. */
export function awaitsWord({ state, verification, steps }: Job): boolean {
  if (state !== "delivered" && state !== "pending") return false;
  return (
    verification === "none" || (verification === "sample" && steps.some(({ name }) => name === "not-drawn"))
  );
}

function resultOf(job: Job): InferenceResult | undefined {
  if (job.output === null) return undefined;
  const logits = unpackOutput(BigInt(job.output), CLASSES);
  return { prediction: argmax(logits), logits: [...logits] };
}
