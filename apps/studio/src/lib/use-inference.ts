import { argmax } from "@aios/core-zkml/evaluator";
import { unpackOutput } from "@aios/core-zkml/output-packing";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Job, Model, PlacementExplanation } from "@aios/sdk/api-types";
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

/** One proven inference from quote to settlement, live. */
export function useInference(client: AiosClient | undefined): {
  readonly run: InferenceRun;
  readonly start: (model: Model, input: Uint8Array) => Promise<void>;
} {
  const [run, setRun] = useState<InferenceRun>(IDLE);
  const running = useRef(false);
  const start = useCallback(
    async (model: Model, input: Uint8Array): Promise<void> => {
      if (client === undefined || model.modelId === null || running.current) return;
      running.current = true;
      const update = (change: Partial<InferenceRun>): void => setRun((before) => ({ ...before, ...change }));
      setRun({ ...IDLE, phase: "preparing", input });
      try {
        const inference = { modelId: model.modelId, input: toHex(input) };
        const quote = (await client.jobs.quote({ inference })).find((each) => each.verification === "proof");
        if (quote === undefined) throw new Error("This model is not offered with a proof just now.");
        const prepared = await client.jobs.prepare({
          inference,
          verification: "proof",
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
  return { run, start };
}

function resultOf(job: Job): InferenceResult | undefined {
  if (job.output === null) return undefined;
  const logits = unpackOutput(BigInt(job.output), CLASSES);
  return { prediction: argmax(logits), logits: [...logits] };
}
