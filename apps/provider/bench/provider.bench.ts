import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { encodeIntegerModel, modelCommitment } from "@aios/core-zkml/integer-model";
import { encodeJobInput } from "@aios/core-zkml/job-input";
import { jobId } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { systemClock } from "@aios/service-kit/system-clock";
import { nodeAead } from "../src/adapters/system/node-aead.js";
import { ChildProcessTrainer } from "../src/adapters/tensorflow/child-process-trainer.js";
import { runInference } from "../src/application/run-inference.js";
import { referenceModel } from "../src/domain/self-test.js";
import { MemoryContents } from "../test/support/memory-contents.js";

const SUITE = "provider";
const INFERENCES = 100;
const json = process.argv.includes("--json");
const never = new AbortController().signal;

/** Training of the main job's model, and one inference without the network. */
const startedTraining = performance.now();
const trained = await new ChildProcessTrainer().train(
  {
    dataSet: "mnist-digits",
    seed: 1,
    epochs: 12,
    batchSize: 64,
    layers: [784, 128, 10],
    trainPerClass: 800,
    testPerClass: 200,
    shiftAugmentation: true,
  },
  () => undefined,
  never,
);
report(
  "training, 12 epochs of 7,756 digits",
  (performance.now() - startedTraining) / 1_000,
  "s",
  44,
  "lower",
);
report("accuracy on 2,000 unseen digits", trained.accuracy * 100, "%", 95, "higher");

const rng = new SeededRng(1);
const model = referenceModel();
const input = rng.bytes(784);
const salt = rng.bytes(32);
const contents = new MemoryContents(nodeAead);
const order = {
  jobId: jobId(`0x${"01".repeat(32)}`),
  fencingToken: 1,
  modelCid: contents.deposit(encodeIntegerModel(model)),
  modelCommitment: modelCommitment(model),
  inputCid: contents.deposit(encodeJobInput({ input, salt })),
  inputCommitment: Buffer.from(inputCommitment(input, salt).toString(16).padStart(64, "0"), "hex"),
};
contents.giveLease(order, [order.modelCid, order.inputCid]);
await runInference(order, contents, systemClock, nodeAead, never);
const startedInference = performance.now();
for (let run = 0; run < INFERENCES; run++) await runInference(order, contents, systemClock, nodeAead, never);
report(
  "inference, commitments checked",
  (performance.now() - startedInference) / INFERENCES,
  "ms",
  null,
  "lower",
);

function report(
  name: string,
  value: number,
  unit: string,
  goal: number | null,
  better: "lower" | "higher",
): void {
  const rounded = Math.round(value * 100) / 100;
  if (json) console.log(JSON.stringify({ suite: SUITE, name, value: rounded, unit, goal, better }));
  else
    console.log(
      `${name.padEnd(48)} ${rounded.toFixed(2).padStart(8)} ${unit}${goal === null ? "" : `   goal ${goal}`}`,
    );
}
