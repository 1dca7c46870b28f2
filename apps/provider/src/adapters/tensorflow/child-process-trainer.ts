import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { CodedError } from "@aios/kernel/coded-error";
import { trainingFailed } from "../../domain/errors.js";
import type { TrainedModel, Trainer, TrainingPlan, TrainingProgress } from "../../domain/ports.js";
import type { TensorflowDevice } from "./tensorflow-runtime.js";
import type { TrainingReply, TrainingRequest } from "./training-messages.js";

const SCRIPT = new URL("./training-process.js", import.meta.url);
const MOST_STDERR_CHARACTERS = 2_000;

export interface ChildProcessOptions {
  readonly script?: URL;
  /** A Node.js that `@tensorflow/tfjs-node-gpu` runs on: it trains, on the GPU. Absent: this one, on the processor. */
  readonly gpuNode?: string | undefined;
}

/** Each training in a process of its own: heartbeats go on meanwhile, and its memory is gone afterwards. */
export class ChildProcessTrainer implements Trainer {
  readonly #script: URL;
  readonly #gpuNode: string | undefined;

  constructor({ script = SCRIPT, gpuNode }: ChildProcessOptions = {}) {
    this.#script = script;
    this.#gpuNode = gpuNode;
  }

  async train(
    plan: TrainingPlan,
    onProgress: (progress: TrainingProgress) => void,
    signal: AbortSignal,
  ): Promise<TrainedModel> {
    const reply = await this.#run({ kind: "train", plan, device: this.#device }, onProgress, signal);
    if (reply.kind !== "trained") throw trainingFailed(new Error(`unexpected answer '${reply.kind}'`));
    return reply.model;
  }

  async measureSamplesPerSecond(signal: AbortSignal): Promise<number> {
    const reply = await this.#run({ kind: "measure", device: this.#device }, () => undefined, signal);
    if (reply.kind !== "measured") throw trainingFailed(new Error(`unexpected answer '${reply.kind}'`));
    return reply.samplesPerSecond;
  }

  get #device(): TensorflowDevice {
    return this.#gpuNode === undefined ? "processor" : "gpu";
  }

  #run(
    request: TrainingRequest,
    onProgress: (progress: TrainingProgress) => void,
    signal: AbortSignal,
  ): Promise<TrainingReply> {
    signal.throwIfAborted();
    const child = fork(fileURLToPath(this.#script), {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      execArgv: ["--max-old-space-size=256"],
      ...(this.#gpuNode === undefined ? {} : { execPath: this.#gpuNode, env: onGpu() }),
    });
    const stderr = keepTail(child);
    return new Promise<TrainingReply>((resolve, reject) => {
      const onAbort = (): void => {
        child.kill("SIGKILL");
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      child.on("message", (reply: TrainingReply) => {
        if (reply.kind === "progress") onProgress(reply.progress);
        else if (reply.kind === "failed") reject(failure(reply));
        else resolve(reply);
      });
      child.once("error", (error) => reject(trainingFailed(error)));
      child.once("exit", (code, killedBy) => {
        signal.removeEventListener("abort", onAbort);
        reject(trainingFailed(new Error(`the training process ended (${code ?? killedBy}): ${stderr()}`)));
      });
      child.send(request, (error) => {
        if (error !== null) reject(trainingFailed(error));
      });
    });
  }
}

/** The same model for the same plan, and no more of the GPU's memory than a training needs. */
function onGpu(): NodeJS.ProcessEnv {
  return { ...process.env, TF_DETERMINISTIC_OPS: "1", TF_FORCE_GPU_ALLOW_GROWTH: "true" };
}

function failure({ code, message }: Extract<TrainingReply, { kind: "failed" }>): Error {
  if (code === undefined) return trainingFailed(new Error(message));
  return new CodedError({ code, kind: "unprocessable", message });
}

function keepTail(child: ChildProcess): () => string {
  let tail = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    tail = (tail + text).slice(-MOST_STDERR_CHARACTERS);
  });
  return () => tail;
}
