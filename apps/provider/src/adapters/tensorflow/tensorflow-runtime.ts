import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { gpuUnavailable } from "../../domain/errors.js";

export type Tensorflow = typeof tf;
/** Where TensorFlow computes: WASM on one thread of the processor, or CUDA on an NVIDIA GPU. */
export type TensorflowDevice = "processor" | "gpu";

/** In the GPU image alone: it binds TensorFlow's own library. */
const GPU_PACKAGE = "@tensorflow/tfjs-node-gpu";

interface NativeBackend {
  readonly isUsingGpuDevice?: boolean;
}

/** TensorFlow.js, ready to compute. Throws `gpu-unavailable` where a GPU is asked for and there is none to compute on. */
export function startTensorflow(device: TensorflowDevice): Promise<Tensorflow> {
  return device === "gpu" ? startOnGpu() : startOnProcessor();
}

/** From the files in node_modules. */
async function startOnProcessor(): Promise<Tensorflow> {
  if (tf.getBackend() === "wasm") return tf;
  const directory = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"));
  wasm.setWasmPaths(`${join(directory)}/`);
  wasm.setThreadsCount(1);
  tf.enableProdMode();
  if (!(await tf.setBackend("wasm"))) throw new Error("the WASM backend of TensorFlow.js does not start");
  await tf.ready();
  return tf;
}

async function startOnGpu(): Promise<Tensorflow> {
  const native = await loadNative();
  native.enableProdMode();
  await native.ready();
  if ((native.backend() as NativeBackend).isUsingGpuDevice === true) return native;
  throw gpuUnavailable(
    "TensorFlow sees no GPU that it can compute on: is it given to this process, with its driver?",
  );
}

async function loadNative(): Promise<Tensorflow> {
  try {
    const { default: native } = (await import(GPU_PACKAGE)) as { readonly default: Tensorflow };
    return native;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    throw gpuUnavailable(
      `${GPU_PACKAGE} cannot be loaded by Node ${process.versions.node}: ${reason}`,
      error,
    );
  }
}
