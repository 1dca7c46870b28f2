import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { ChildProcessTrainer } from "../../src/adapters/tensorflow/child-process-trainer.js";
import { TensorflowTrainer } from "../../src/adapters/tensorflow/tensorflow-trainer.js";
import { trainerConformance } from "../conformance/trainer.conformance.js";

const SCRIPT = new URL("../../dist/src/adapters/tensorflow/training-process.js", import.meta.url);

trainerConformance("TensorFlow.js", () => new TensorflowTrainer());
trainerConformance("TensorFlow.js in a child process", () => new ChildProcessTrainer({ script: SCRIPT }));

describe("the ordered training", () => {
  const PLAN = {
    dataSet: "mnist-digits",
    seed: 1,
    epochs: 12,
    batchSize: 64,
    layers: [784, 128, 10],
    trainPerClass: 800,
    testPerClass: 200,
    shiftAugmentation: true,
  };

  it("names the end of a training process that is killed amid its work, and another one trains", async () => {
    const { signal } = new AbortController();
    const mortal = join(mkdtempSync(join(tmpdir(), "aios-trainer-")), "mortal.mjs");
    writeFileSync(
      mortal,
      `const tell = process.send.bind(process);
       process.send = (message) =>
         tell(message, () => message.kind === "progress" && process.kill(process.pid, "SIGKILL"));
       await import("${SCRIPT}");`,
    );
    let progress = 0;
    const killed = new ChildProcessTrainer({ script: pathToFileURL(mortal) }).train(
      PLAN,
      () => progress++,
      signal,
    );
    await expect(killed).rejects.toMatchObject({ code: "training-failed" });
    expect(progress).toBeGreaterThan(0);
    const small = { ...PLAN, epochs: 1, trainPerClass: 20, testPerClass: 10 };
    const trained = await new ChildProcessTrainer({ script: SCRIPT }).train(small, () => undefined, signal);
    expect(trained.testedOn).toBe(100);
  });

  it("says why it does not train on a GPU, and never takes the processor instead", async () => {
    const trainer = new ChildProcessTrainer({ script: SCRIPT, gpuNode: process.execPath });
    await expect(trainer.measureSamplesPerSecond(new AbortController().signal)).rejects.toMatchObject({
      code: "gpu-unavailable",
      message: expect.stringContaining("@tensorflow/tfjs-node-gpu cannot be loaded by Node"),
    });
  });

  it("names the end of a training process that cannot start", async () => {
    const missing = new ChildProcessTrainer({
      script: new URL("./no-such-process.js", import.meta.url),
    });
    await expect(missing.measureSamplesPerSecond(new AbortController().signal)).rejects.toMatchObject({
      code: "training-failed",
    });
  });
});
