import { parentPort, workerData } from "node:worker_threads";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { ProverCall, ProverReply, ProverRequest, ProverResult } from "./prover-messages.js";
import { type Handle, WasmProver } from "./wasm-prover.js";

interface LoadedKey {
  readonly circuit: Handle;
  readonly key: Handle;
  readonly constraints: number;
}

const host = parentPort;
if (host === null) throw new Error("prover-thread runs in a worker thread only");
const prover = new WasmProver(workerData as WebAssembly.Module);
const keys = new Map<string, LoadedKey>();

function keyNotLoaded(): CodedError {
  return new CodedError({
    code: "key-not-loaded",
    kind: "unavailable",
    message: "The proving key has to be loaded again.",
  });
}

function developmentSetup(
  circuitBytes: Uint8Array,
  trapdoor: Uint8Array,
  onStep: (fraction: number) => void,
): ProverResult {
  const circuit = prover.loadCircuit(circuitBytes);
  try {
    const key = prover.developmentSetup(circuit, trapdoor, onStep);
    try {
      return { kind: "set-up", verifyingKey: prover.verifyingKey(key), points: prover.encodeKey(key) };
    } finally {
      prover.forget(key);
    }
  } finally {
    prover.forget(circuit);
  }
}

function load(circuitBytes: Uint8Array, points: Uint8Array, constraints: number): ProverResult {
  const circuit = prover.loadCircuit(circuitBytes);
  try {
    const key = prover.loadKeyUnchecked(points);
    keys.set(String(key), { circuit, key, constraints });
    return { kind: "loaded", key: String(key) };
  } catch (error) {
    prover.forget(circuit);
    throw error;
  }
}

function answer(request: ProverRequest, onStep: (fraction: number) => void): ProverResult {
  switch (request.kind) {
    case "development-setup":
      return developmentSetup(request.circuit, request.trapdoor, onStep);
    case "load":
      return load(request.circuit, request.points, request.constraints);
    case "prove": {
      const loaded = keys.get(request.key);
      if (loaded === undefined) throw keyNotLoaded();
      const row = prover.firstUnsatisfied(loaded.circuit, request.witness, loaded.constraints);
      if (row !== undefined) return { kind: "unsatisfied", row };
      return {
        kind: "proven",
        proof: prover.prove(loaded.circuit, loaded.key, request.witness, request.blinding),
      };
    }
    case "unload": {
      const loaded = keys.get(request.key);
      keys.delete(request.key);
      if (loaded !== undefined) for (const handle of [loaded.key, loaded.circuit]) prover.forget(handle);
      return { kind: "unloaded" };
    }
  }
}

host.on("message", ({ id, request }: ProverCall) => {
  const send = (reply: ProverReply, moved: ArrayBuffer[] = []): void => host.postMessage(reply, moved);
  try {
    const result = answer(request, (fraction) => send({ id, type: "progress", fraction }));
    send({ id, type: "result", result }, result.kind === "set-up" ? [result.points.buffer] : []);
  } catch (error) {
    // A trap leaves the module's memory in an unknown state: the thread ends and the host starts another.
    if (!isCodedError(error)) throw error;
    send({ id, type: "refused", code: error.code, kind: error.kind, message: error.message });
  }
});
