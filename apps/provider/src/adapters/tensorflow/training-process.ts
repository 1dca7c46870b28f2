import { isCodedError } from "@aios/kernel/coded-error";
import { TensorflowTrainer } from "./tensorflow-trainer.js";
import type { TrainingReply, TrainingRequest } from "./training-messages.js";

/** The body of the child process: one request, its answer, end. Ends by itself when the parent is gone. */
const orphaned = new AbortController();
process.once("disconnect", () => {
  orphaned.abort();
  process.exit(0);
});

function reply(message: TrainingReply): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

async function answer(request: TrainingRequest): Promise<void> {
  const trainer = new TensorflowTrainer(request.device);
  if (request.kind === "measure") {
    const samplesPerSecond = await trainer.measureSamplesPerSecond(orphaned.signal);
    return reply({ kind: "measured", samplesPerSecond });
  }
  const model = await trainer.train(
    request.plan,
    (progress) => process.send?.({ kind: "progress", progress } satisfies TrainingReply),
    orphaned.signal,
  );
  return reply({ kind: "trained", model });
}

process.once("message", (request: TrainingRequest) => {
  answer(request)
    .catch((error: unknown) =>
      reply({
        kind: "failed",
        code: isCodedError(error) ? error.code : undefined,
        message: error instanceof Error ? error.message : String(error),
      }),
    )
    .finally(() => process.disconnect());
});
