import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeProvableModel, provableModelCommitment } from "@aios/core-zkml/provable-model";
import { SeededRng } from "@aios/kernel/random";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCli } from "../../src/cli.js";

const ONNX = new URL("../../../../vectors/models/digits-compact-cnn.onnx", import.meta.url).pathname;
let directory: TemporaryDirectory;
const at = (name: string): string => join(directory.path, name);

beforeAll(() => {
  directory = temporaryDirectory("model-import");
  const rng = new SeededRng(4);
  writeFileSync(at("calibration"), rng.bytes(784 * 3));
  writeFileSync(at("samples"), rng.bytes(784 * 2));
  writeFileSync(at("labels"), "3\n7\n");
});
afterAll(() => directory.remove());

async function aios(...argv: string[]): Promise<{ code: number; text: string; errors: string }> {
  let [text, errors] = ["", ""];
  const code = await runCli(argv, {
    env: {},
    write: (piece) => {
      text += piece;
    },
    writeError: (piece) => {
      errors += piece;
    },
  });
  return { code, text, errors };
}

it("an ONNX model becomes a provable one, with its report", async () => {
  const options = ["--calibration", at("calibration"), "--samples", at("samples"), "--labels", at("labels")];
  const { code, text } = await aios("model", "import", ONNX, ...options, "--out", at("model"), "--json");
  expect(code).toBe(0);
  const answer = JSON.parse(text) as {
    commitment: string;
    report: { backEnds: unknown; quantisation: unknown };
  };
  const model = decodeProvableModel(new Uint8Array(readFileSync(at("model"))));
  expect(answer.commitment).toBe(`0x${Buffer.from(provableModelCommitment(model)).toString("hex")}`);
  expect(answer.report).toMatchObject({
    quantisation: { accuracy: { samples: 2 }, calibrationSamples: 3 },
    backEnds: [
      { system: "groth16-bn254", fits: true },
      { system: "ultrahonk-bn254", fits: true },
    ],
  });
  const shown = await aios("model", "import", ONNX, ...options, "--out", at("again"));
  expect(shown.text).toMatch(/accuracy on 2 samples: .* as floats, .* as integers/);
  expect(shown.text).toMatch(/groth16-bn254: fits. [0-9]+ constraints/);
  expect(shown.text).toMatch(/ultrahonk-bn254: fits. [0-9]+ gates in 2\^17 rows/);
  expect(await aios("model", "import", ONNX, ...options, "--out", at("again"))).toMatchObject({
    code: 1,
    errors: expect.stringContaining("not overwritten"),
  });
});

it("what cannot be imported is refused by name", async () => {
  const refused = async (...argv: string[]): Promise<string> =>
    (await aios("model", "import", ...argv)).errors;
  const out = ["--out", at("refused")];
  expect(await refused(ONNX, ...out)).toContain("--calibration is missing");
  expect(await refused(ONNX, "--calibration", at("labels"), ...out)).toContain("not a whole number");
  expect(await refused(at("labels"), "--calibration", at("calibration"), ...out)).not.toBe("");
  expect(await refused(at("none"), "--calibration", at("calibration"), ...out)).toContain("cannot be read");
  const options = ["--calibration", at("calibration"), "--samples", at("samples")];
  expect(await refused(ONNX, ...options, ...out)).toContain("together");
  writeFileSync(at("model.json"), JSON.stringify({ weightsManifest: [{ paths: ["../../etc/passwd"] }] }));
  expect(await refused(at("model.json"), "--calibration", at("calibration"), ...out)).toContain(
    "does not lie beside model.json",
  );
});
