import { type MessagePort, parentPort } from "node:worker_threads";
import { acirWitnessFile, encoderHere } from "@aios/barretenberg/honk-encoder";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { firstUnsatisfied, type R1cs, type R1csMatrix } from "@aios/core-zkml/r1cs";
import { isCodedError } from "@aios/kernel/coded-error";
import type { HonkQuestion } from "../../application/calculations.js";
import type {
  CalculationCall,
  CalculationReply,
  CalculationRequest,
  CalculationResult,
} from "./calculation-messages.js";

async function answer(request: CalculationRequest): Promise<CalculationResult> {
  switch (request.kind) {
    case "compile":
      return { kind: "circuit", r1cs: shared(compileCircuit(request.model)) };
    case "encode-circuit":
      return { kind: "encoded-circuit", encoded: await encoderHere.circuit(request.r1cs) };
    case "encode-witness": {
      const { wanted } = request;
      // By its row: the name is the host's.
      const row = firstUnsatisfied(wanted.r1cs, wanted.witness);
      if (row !== undefined) return { kind: "unsatisfied", row };
      return { kind: "encoded-witness", bytes: acirWitnessFile(wanted) };
    }
    case "verify-honk":
      return { kind: "verdict", holds: await verifiedHonk(request.question) };
  }
}

/** The EVM comes with the first question: a thread that only compiles does without it. */
async function verifiedHonk({ tauG2, verifyingKey, publicInputs, proof }: HonkQuestion): Promise<boolean> {
  const { HonkVerification } = await import("@aios/contracts/honk-verification");
  return new HonkVerification(tauG2).verify(verifyingKey, publicInputs, proof);
}

/** Its matrices in memory that threads share: the circuit comes back with each witness, and is not copied for it. */
function shared(r1cs: R1cs): R1cs {
  const words = (values: Uint32Array): Uint32Array => {
    const copy = new Uint32Array(new SharedArrayBuffer(values.byteLength));
    copy.set(values);
    return copy;
  };
  const matrix = ({ rowEnds, columns, coefficientIds }: R1csMatrix): R1csMatrix => ({
    rowEnds: words(rowEnds),
    columns: words(columns),
    coefficientIds: words(coefficientIds),
  });
  return { ...r1cs, a: matrix(r1cs.a), b: matrix(r1cs.b), c: matrix(r1cs.c) };
}

/** Handed over instead of copied; not what may lie in a pool of Node's. */
function movedBy(result: CalculationResult): ArrayBuffer[] {
  if (result.kind === "encoded-witness") return wholeBuffer(result.bytes);
  return result.kind === "encoded-circuit" ? wholeBuffer(result.encoded.file) : [];
}

function wholeBuffer({ buffer, byteLength }: Uint8Array): ArrayBuffer[] {
  return buffer.byteLength === byteLength ? [buffer as ArrayBuffer] : [];
}

async function reply({ id, request }: CalculationCall, host: MessagePort): Promise<void> {
  const send = (reply: CalculationReply, moved: ArrayBuffer[] = []): void => host.postMessage(reply, moved);
  try {
    const result = await answer(request);
    send({ id, type: "result", result }, movedBy(result));
  } catch (error) {
    // Anything else is a mistake of ours: the thread ends and the host starts another.
    if (!isCodedError(error)) throw error;
    const { code, kind, message, details, field } = error;
    send({
      id,
      type: "refused",
      error: { code, kind, message, details, ...(field === undefined ? {} : { field }) },
    });
  }
}

const host = parentPort;
if (host === null) throw new Error("calculation-worker runs in a worker thread only");
host.on("message", (call: CalculationCall) => {
  // What is thrown there ends the thread.
  void reply(call, host);
});
