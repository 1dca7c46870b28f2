import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";

/** TensorFlow.js on its WASM backend, one thread, from the files in node_modules. */
export async function startTensorflow(): Promise<typeof tf> {
  if (tf.getBackend() === "wasm") return tf;
  const directory = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"));
  wasm.setWasmPaths(`${join(directory)}/`);
  wasm.setThreadsCount(1);
  tf.enableProdMode();
  if (!(await tf.setBackend("wasm"))) throw new Error("the WASM backend of TensorFlow.js does not start");
  await tf.ready();
  return tf;
}
