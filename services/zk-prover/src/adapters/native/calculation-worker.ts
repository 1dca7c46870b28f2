import { parentPort } from "node:worker_threads";
import { HonkVerification } from "@aios/contracts/honk-verification";
import { compileCircuit } from "@aios/core-zkml/circuit";
import type { R1cs } from "@aios/core-zkml/r1cs";
import { isCodedError } from "@aios/kernel/coded-error";
import type {
  CalculationCall,
  CalculationReply,
  CalculationRequest,
  CalculationResult,
} from "./calculation-messages.js";

const host = parentPort;
if (host === null) throw new Error("calculation-worker runs in a worker thread only");

function answer(request: CalculationRequest): CalculationResult {
  if (request.kind === "compile") return { kind: "circuit", r1cs: compileCircuit(request.model) };
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

host.on("message", ({ id, request }: CalculationCall) => {
  const send = (reply: CalculationReply, moved: ArrayBuffer[] = []): void => host.postMessage(reply, moved);
  try {
    const result = answer(request);
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
});
