import { evaluate } from "@aios/core-zkml/evaluator";
import type { Clock } from "@aios/kernel/clock";
import { hex } from "../domain/delivery.js";
import type { Trainer } from "../domain/ports.js";
import {
  REFERENCE_MACS,
  referenceInputs,
  referenceModel,
  referenceResultHash,
  type SelfTestFigures,
} from "../domain/self-test.js";

const MEASURED_ROUNDS = 20;

/** The self-test: runs the reference model for its result and its speed, and a short reference training. */
export async function measureMachine(
  trainer: Trainer | undefined,
  clock: Clock,
  elapsedMs: () => number,
  signal: AbortSignal,
): Promise<SelfTestFigures> {
  const model = referenceModel();
  const inputs = referenceInputs();
  const resultHash = hex(referenceResultHash(model, inputs));
  const startedAt = elapsedMs();
  for (let round = 0; round < MEASURED_ROUNDS; round++) for (const input of inputs) evaluate(model, input);
  const seconds = Math.max(elapsedMs() - startedAt, 1) / 1_000;
  const macs = MEASURED_ROUNDS * inputs.length * REFERENCE_MACS;
  return {
    evaluatorMacsPerSecond: Math.round(macs / seconds),
    trainingSamplesPerSecond: trainer === undefined ? 0 : await trainer.measureSamplesPerSecond(signal),
    resultHash,
    measuredAtMs: clock.now(),
  };
}
