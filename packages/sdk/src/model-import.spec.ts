import { readFileSync } from "node:fs";
import { argmax } from "@aios/core-zkml/evaluator";
import { decodeProvableModel, evaluateModel, provableModelCommitment } from "@aios/core-zkml/provable-model";
import { SeededRng } from "@aios/kernel/random";
import { describe, expect, it } from "vitest";
import { importModel, inputsFrom, readModel, reportJson } from "./model-import.js";

const bytes = new Uint8Array(
  readFileSync(new URL("../../../vectors/models/digits-compact-cnn.onnx", import.meta.url)),
);
const rng = new SeededRng(3);
const calibration = Array.from({ length: 4 }, () => rng.bytes(784));

describe("importing a model", () => {
  const source = { format: "onnx", bytes } as const;
  const imported = importModel(source, {
    calibration,
    samples: { inputs: calibration, labels: [1, 2, 3, 4] },
    salt: new Uint8Array(32).fill(5),
  });

  it("gives what providers run and provers commit to", () => {
    const decoded = decodeProvableModel(imported.encoded);
    expect(provableModelCommitment(decoded)).toEqual(imported.commitment);
    expect(argmax(evaluateModel(decoded, calibration[0] as Uint8Array))).toBeLessThan(10);
  });

  it("says what was lost where, and which proof system takes it", () => {
    const { quantisation, backEnds, notes } = imported.report;
    expect(quantisation.accuracy).toMatchObject({ samples: 4 });
    expect(quantisation.tensors.map(({ kind }) => kind)).toContain("convolution");
    expect(quantisation.tensors.every(({ provenBound }) => provenBound > 0 && provenBound < 2 ** 31)).toBe(
      true,
    );
    expect(backEnds).toEqual([
      expect.objectContaining({
        system: "groth16-bn254",
        fits: true,
        constraints: expect.any(Number) as number,
      }),
      {
        system: "ultrahonk-bn254",
        fits: true,
        // As the native prover counts them.
        constraints: 113_828,
        reason: expect.stringMatching(/^113828 gates in 2\^17 rows.*9152 bytes/) as string,
      },
    ]);
    expect(Array.isArray(notes)).toBe(true);
    expect(JSON.stringify(reportJson(imported.report))).not.toContain("Infinity");
  });

  it("hides the same model behind another commitment each time, unless a salt is given", () => {
    const commitments = [0, 1].map(() => importModel(source, { calibration }).commitment);
    expect(commitments[0]).not.toEqual(commitments[1]);
  });

  it("refuses calibration data that is missing or of another size, and files that are no model", () => {
    expect(() => importModel(source, { calibration: [] })).toThrow(
      expect.objectContaining({ code: "invalid-samples" }),
    );
    const { inputShape } = readModel(source).graph;
    expect(inputsFrom(new Uint8Array(784 * 3), inputShape)).toHaveLength(3);
    for (const length of [0, 783, 785])
      expect(() => inputsFrom(new Uint8Array(length), inputShape)).toThrow(
        expect.objectContaining({ code: "invalid-samples" }),
      );
    expect(() => importModel({ format: "onnx", bytes: Uint8Array.of(1, 2, 3) }, { calibration })).toThrow(
      expect.objectContaining({ code: "malformed-model" }),
    );
    const nothing = new Uint8Array(0);
    expect(() =>
      importModel({ format: "tfjs-layers", topology: "{}", weights: nothing }, { calibration }),
    ).toThrow(expect.objectContaining({ code: "malformed-model" }));
  });
});
