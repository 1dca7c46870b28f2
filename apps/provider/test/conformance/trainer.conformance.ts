import { argmax } from "@aios/core-zkml/evaluator";
import { decodeFloatModel, evaluateFloat } from "@aios/core-zkml/float-model";
import { splitDigits } from "@aios/datasets/digit-split";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt } from "@aios/datasets/labelled-digits";
import { describe, expect, it } from "vitest";
import type { Trainer, TrainingPlan, TrainingProgress } from "../../src/domain/ports.js";

const SMALL: TrainingPlan = {
  dataSet: "mnist-digits",
  seed: 3,
  epochs: 3,
  batchSize: 50,
  layers: [784, 24, 10],
  trainPerClass: 120,
  testPerClass: 50,
  shiftAugmentation: true,
};

/** What every `Trainer` does. */
export function trainerConformance(name: string, create: () => Trainer): void {
  describe(`trainer: ${name}`, () => {
    const never = new AbortController().signal;

    it("learns, reports each epoch, and tells the truth about its accuracy", async () => {
      const progress: TrainingProgress[] = [];
      const trained = await create().train(SMALL, (step) => progress.push(step), never);
      expect(progress.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
      expect(trained).toMatchObject({
        trainedOn: 1_200,
        testedOn: 500,
        samplesSeen: 3_600,
        accuracy: progress.at(-1)?.accuracy,
      });
      expect(trained.accuracy).toBeGreaterThan(0.7);

      const model = decodeFloatModel(trained.model);
      const { unseen } = splitDigits(await loadDigits(), SMALL);
      let right = 0;
      for (let at = 0; at < unseen.count; at++) {
        if (argmax(evaluateFloat(model, digitAt(unseen, at))) === unseen.labels[at]) right++;
      }
      expect(Math.abs(right / unseen.count - trained.accuracy)).toBeLessThan(0.005);
    });

    it("gives the same model for the same plan, another for another seed", async () => {
      const plan = { ...SMALL, epochs: 1, trainPerClass: 30 };
      const train = (seed: number) => create().train({ ...plan, seed }, () => undefined, never);
      const [first, again, other] = [await train(1), await train(1), await train(2)];
      expect(again.model).toEqual(first.model);
      expect(other.model).not.toEqual(first.model);
    });

    it("stops when told to, and names a data set that it does not have", async () => {
      const abort = new AbortController();
      const stopped = create().train(
        { ...SMALL, epochs: 50 },
        () => abort.abort(new Error("enough")),
        abort.signal,
      );
      await expect(stopped).rejects.toThrow("enough");
      const unknown = create().train({ ...SMALL, dataSet: "cats" }, () => undefined, never);
      await expect(unknown).rejects.toMatchObject({ code: "unknown-data-set" });
    });

    it("measures its speed", async () => {
      expect(await create().measureSamplesPerSecond(never)).toBeGreaterThan(100);
    });
  });
}
