import { parentPort, workerData } from "node:worker_threads";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import {
  added,
  checkedPowers,
  checkedSum,
  checkedTwistPowers,
  combined,
  scaled,
  sum,
} from "./ceremony-steps.js";
import type { ProverCall, ProverReply, ProverRequest, ProverResult } from "./prover-messages.js";
import { type Handle, WasmProver } from "./wasm-prover.js";
import type { SharePoints } from "./work-shares.js";

/** A thread's share of a key: points for a, b (G1), private, quotient, and b (G2). */
interface LoadedShare {
  readonly circuit: Handle | undefined;
  readonly constraints: number;
  readonly runs: readonly Handle[];
}

const host = parentPort;
if (host === null) throw new Error("prover-thread runs in a worker thread only");
const prover = new WasmProver(workerData as WebAssembly.Module);
const keys = new Map<string, LoadedShare>();
let nextKey = 1;

function loadedShare(key: string): LoadedShare {
  const loaded = keys.get(key);
  if (loaded !== undefined) return loaded;
  throw new CodedError({
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

function load(circuitBytes: Uint8Array | undefined, constraints: number, points: SharePoints): ProverResult {
  const held: Handle[] = [];
  const hold = (handle: Handle): Handle => {
    held.push(handle);
    return handle;
  };
  try {
    const circuit = circuitBytes === undefined ? undefined : hold(prover.loadCircuit(circuitBytes));
    const runs = points.g1.map((run) => hold(prover.loadPoints("g1", run)));
    runs.push(hold(prover.loadPoints("g2", points.g2)));
    const key = String(nextKey++);
    keys.set(key, { circuit, constraints, runs });
    return { kind: "loaded", key };
  } catch (error) {
    for (const handle of held) prover.forget(handle);
    throw error;
  }
}

function circuitOf(key: string): Handle {
  const { circuit } = loadedShare(key);
  if (circuit === undefined) throw new Error("this thread holds no circuit");
  return circuit;
}

function quotient(key: string, witness: Uint8Array): ProverResult {
  const { constraints } = loadedShare(key);
  const circuit = circuitOf(key);
  const row = prover.firstUnsatisfied(circuit, witness, constraints);
  if (row !== undefined) return { kind: "unsatisfied", row };
  return { kind: "bytes", bytes: [prover.quotient(circuit, witness)] };
}

function unload(key: string): ProverResult {
  const loaded = keys.get(key);
  keys.delete(key);
  if (loaded !== undefined) {
    if (loaded.circuit !== undefined) prover.forget(loaded.circuit);
    for (const handle of loaded.runs) prover.forget(handle);
  }
  return { kind: "unloaded" };
}

function answer(request: ProverRequest, onStep: (fraction: number) => void): ProverResult {
  switch (request.kind) {
    case "development-setup":
      return developmentSetup(request.circuit, request.trapdoor, onStep);
    case "load":
      return load(request.circuit, request.constraints, request.points);
    case "quotient":
      return quotient(request.key, request.witness);
    case "sum-witness": {
      const [a, b, privates, , bG2] = loadedShare(request.key).runs as [
        Handle,
        Handle,
        Handle,
        Handle,
        Handle,
      ];
      const sums = [
        prover.sumPoints(a, request.variables),
        prover.sumPoints(b, request.variables),
        prover.sumPoints(privates, request.privates),
        prover.sumPoints(bG2, request.variables),
      ];
      return { kind: "bytes", bytes: sums };
    }
    case "sum-quotient":
      return {
        kind: "bytes",
        bytes: [prover.sumPoints(loadedShare(request.key).runs[3] as Handle, request.coefficients)],
      };
    case "assemble":
      return { kind: "bytes", bytes: [prover.assemble(request.points, request.blinding)] };
    case "unload":
      return unload(request.key);
    case "check-powers":
      return { kind: "bytes", bytes: [checkedPowers(prover, request)] };
    case "check-twist-powers":
      return { kind: "bytes", bytes: [checkedTwistPowers(prover, request)] };
    case "interpolate":
      return { kind: "bytes", bytes: [prover.interpolate(request.values)] };
    case "sum-points":
      return { kind: "bytes", bytes: [sum(prover, request)] };
    case "combine":
      return { kind: "bytes", bytes: [combined(prover, circuitOf(request.key), request)] };
    case "add-points":
      return { kind: "bytes", bytes: [added(prover, request)] };
    case "scale":
      return { kind: "bytes", bytes: [scaled(prover, request)] };
    case "checked-sum":
      return { kind: "bytes", bytes: [checkedSum(prover, request)] };
  }
}

function movedBy(result: ProverResult): ArrayBuffer[] {
  if (result.kind === "set-up") return [result.points.buffer];
  return result.kind === "bytes" ? result.bytes.map((bytes) => bytes.buffer) : [];
}

host.on("message", ({ id, request }: ProverCall) => {
  const send = (reply: ProverReply, moved: ArrayBuffer[] = []): void => host.postMessage(reply, moved);
  try {
    const result = answer(request, (fraction) => send({ id, type: "progress", fraction }));
    send({ id, type: "result", result }, movedBy(result));
  } catch (error) {
    if (prover.isExhausted(error)) return send({ id, type: "out-of-memory" });
    // A trap leaves the module's memory in an unknown state: the thread ends and the host starts another.
    if (!isCodedError(error)) throw error;
    send({ id, type: "refused", code: error.code, kind: error.kind, message: error.message });
  }
});
