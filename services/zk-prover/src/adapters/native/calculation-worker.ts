import { type MessagePort, parentPort } from "node:worker_threads";
import { compileCircuit } from "@aios/core-zkml/circuit";
import type { R1cs } from "@aios/core-zkml/r1cs";
import { isCodedError } from "@aios/kernel/coded-error";
import type {
  CalculationCall,
  CalculationReply,
  CalculationRequest,
  CalculationResult,
} from "./calculation-messages.js";

async function answer(request: CalculationRequest): Promise<CalculationResult> {
  if (request.kind === "compile") return { kind: "circuit", r1cs: compileCircuit(request.model) };
  // With its first question: a thread that only compiles does without the EVM.
  const { HonkVerification } = await import("@aios/contracts/honk-verification");
  const { tauG2, verifyingKey, publicInputs, proof } = request.question;
  return { kind: "verdict", holds: new HonkVerification(tauG2).verify(verifyingKey, publicInputs, proof) };
}

/** Handed over instead of copied. */
function movedBy(result: CalculationResult): ArrayBuffer[] {
  if (result.kind !== "circuit") return [];
  const { a, b, c }: R1cs = result.r1cs;
  return [a, b, c].flatMap(({ rowEnds, columns, coefficientIds }) =>
    [rowEnds, columns, coefficientIds].map(({ buffer }) => buffer as ArrayBuffer),
  );
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
