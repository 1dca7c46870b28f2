import { describe, expect, it } from "vitest";
import { ChildProcessTrainer } from "../../src/adapters/tensorflow/child-process-trainer.js";
import { TensorflowTrainer } from "../../src/adapters/tensorflow/tensorflow-trainer.js";
import { trainerConformance } from "../conformance/trainer.conformance.js";

const SCRIPT = new URL("../../dist/src/adapters/tensorflow/training-process.js", import.meta.url);

trainerConformance("TensorFlow.js", () => new TensorflowTrainer());
trainerConformance("TensorFlow.js in a child process", () => new ChildProcessTrainer(SCRIPT));

describe("the ordered training", () => {
  it("recognises at least 95% of 2,000 digits never seen", async () => {
    const plan = {
      dataSet: "mnist-digits",
      seed: 1,
      epochs: 12,
      batchSize: 64,
      layers: [784, 128, 10],
      trainPerClass: 800,
      testPerClass: 200,
      shiftAugmentation: true,
    };
    const trained = await new ChildProcessTrainer(SCRIPT).train(
      plan,
      () => undefined,
      new AbortController().signal,
    );
    expect(trained.trainedOn).toBeGreaterThanOrEqual(7_000);
    expect(trained.testedOn).toBe(2_000);
    expect(trained.accuracy).toBeGreaterThanOrEqual(0.95);
  }, 180_000);

  it("names the end of a training process that dies", async () => {
    const missing = new ChildProcessTrainer(new URL("./no-such-process.js", import.meta.url));
    await expect(missing.measureSamplesPerSecond(new AbortController().signal)).rejects.toMatchObject({
      code: "training-failed",
    });
  });
});
