import { isCodedError } from "@aios/kernel/coded-error";
import { hexlify } from "ethers";
import { ceremonyPart } from "./ceremony-part.js";
import { evaluatorPart } from "./evaluator-part.js";
import { groth16Part } from "./groth16-part.js";
import { type MeasuredModel, MODELS } from "./models.js";
import type { JobFacts, OrderAnswer, PartContext, PartMessage, PartName } from "./part.js";
import { ultraHonkPart } from "./ultra-honk-part.js";

/** The process of one part: its name, the model's index, threads, runs, milliseconds, directory, whether with peers. */
const [part, model, threads, runs, forMs, directory, withPeer] = process.argv.slice(2) as [
  PartName,
  ...string[],
];

const WORK: Readonly<Record<PartName, (context: PartContext) => Promise<void>>> = {
  groth16: groth16Part,
  "ultra-honk": ultraHonkPart,
  evaluator: evaluatorPart,
  ceremony: ceremonyPart,
};

function send(message: PartMessage): void {
  process.send?.(message);
}

async function order(facts: JobFacts): Promise<bigint> {
  const answered = new Promise<OrderAnswer>((resolve) =>
    process.once("message", (answer) => resolve(answer as OrderAnswer)),
  );
  send({ kind: "order", facts });
  return BigInt((await answered).context);
}

try {
  await WORK[part]({
    made: (MODELS[Number(model)] as MeasuredModel).make(),
    threads: Number(threads),
    runs: { runs: Number(runs), forMs: Number(forMs) },
    withPeer: withPeer === "true",
    directory: directory as string,
    figure(id, value) {
      if (value !== undefined) send({ kind: "figure", id, value });
    },
    order,
    evidence: (evidence) => send({ kind: "evidence", evidence: hexlify(evidence) }),
  });
} catch (error) {
  if (!isCodedError(error) || error.code !== "circuit-too-large") throw error;
  send({ kind: "refused", reason: error.message });
}
process.disconnect();
