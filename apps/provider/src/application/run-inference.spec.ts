import { portableAead } from "@aios/core-sealing/aead";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import type { ProvableModel } from "@aios/core-zkml/integer-graph";
import { encodeIntegerGraph } from "@aios/core-zkml/integer-graph-codec";
import { encodeIntegerModel } from "@aios/core-zkml/integer-model";
import { encodeJobInput } from "@aios/core-zkml/job-input";
import { packOutput } from "@aios/core-zkml/output-packing";
import { evaluateModel, provableModelCommitment } from "@aios/core-zkml/provable-model";
import { bytesToInteger, scalarToBytes } from "@aios/core-zkml/scalar-field";
import { ManualClock } from "@aios/kernel/clock";
import { jobId } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { describe, expect, it } from "vitest";
import { MemoryContents } from "../../test/support/memory-contents.js";
import { referenceModel } from "../domain/self-test.js";
import { runInference } from "./run-inference.js";

const rng = new SeededRng(1);
const convolution: ProvableModel = {
  inputShape: [1, 3, 3],
  salt: rng.bytes(32),
  nodes: [
    {
      kind: "convolution",
      input: 0,
      outputs: 2,
      groups: 1,
      window: { kernel: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0] },
      weights: Int8Array.of(3, -4, 5, 6, -7, 8, 9, -1),
      biases: Int32Array.of(10, -20),
    },
    { kind: "sum-pool", input: 1, window: { kernel: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0] } },
  ],
};

function order(model: ProvableModel, inputs: number) {
  const input = rng.bytes(inputs);
  const salt = rng.bytes(32);
  const contents = new MemoryContents();
  const lease = { jobId: jobId(`0x${"01".repeat(32)}`), fencingToken: 1 };
  const modelCid = contents.deposit("nodes" in model ? encodeIntegerGraph(model) : encodeIntegerModel(model));
  const inputCid = contents.deposit(encodeJobInput({ input, salt }));
  contents.giveLease(lease, [modelCid, inputCid]);
  const asked = {
    ...lease,
    modelCid,
    modelCommitment: provableModelCommitment(model),
    inputCid,
    inputCommitment: scalarToBytes(inputCommitment(input, salt)),
  };
  const run = (change: Partial<typeof asked> = {}) =>
    runInference(
      { ...asked, ...change },
      contents,
      new ManualClock(),
      portableAead,
      new AbortController().signal,
    );
  return { run, input };
}

describe("inference", () => {
  it.each<[string, ProvableModel, number, number]>([
    ["a perceptron", referenceModel(), 784, 784 * 128 + 128 * 10],
    ["a convolutional model", convolution, 9, 4 * 8],
  ])(
    "of %s gives the reference evaluator's output and counts its multiplications",
    async (_, model, inputs, units) => {
      const { run, input } = order(model, inputs);
      const done = await run();
      expect(bytesToInteger(done.output)).toBe(packOutput(evaluateModel(model, input)));
      expect(done).toMatchObject({ kind: "inference", workUnits: units });
    },
  );

  it("refuses a model or an input that is not the committed one", async () => {
    const { run } = order(convolution, 9);
    await expect(run({ modelCommitment: new Uint8Array(32) })).rejects.toMatchObject({
      code: "model-commitment-mismatch",
    });
    await expect(run({ inputCommitment: new Uint8Array(32) })).rejects.toMatchObject({
      code: "input-commitment-mismatch",
    });
  });
});
