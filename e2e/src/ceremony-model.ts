import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { encodeIntegerModel, type IntegerModel, modelCommitment } from "@aios/core-zkml/integer-model";
import { publishOffer } from "@aios/main-job/model-publication";
import type { Model } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { knownPowers } from "@aios/testkit/known-powers";

const CLI = new URL("../../apps/cli/dist/src/main.js", import.meta.url).pathname;

const INPUTS = 16;
const OUTPUTS = 4;

/** An input of the model under a ceremony. */
export const CEREMONY_INPUT = Uint8Array.from({ length: INPUTS }, (_, at) => at * 16);

/** One layer over few numbers: a ceremony's work grows with the circuit, and what it shows does not. */
export const CEREMONY_MODEL: IntegerModel = {
  salt: new Uint8Array(32).fill(42),
  layers: [
    {
      inputs: INPUTS,
      outputs: OUTPUTS,
      activation: "none",
      weights: Int8Array.from({ length: INPUTS * OUTPUTS }, (_, at) => ((at * 37) % 201) - 100),
      biases: new Int32Array(OUTPUTS),
      multiplier: 0,
      shift: 0,
    },
  ],
};

/** Powers of tau of exactly the model's size, which an operator would list by their hash. */
export function ceremonyPowers(): Uint8Array {
  const { constraints, publicInputs } = compileCircuit(CEREMONY_MODEL);
  return knownPowers(Math.ceil(Math.log2(constraints + publicInputs + 1)), ["Ada", "Grace"]);
}

/**
 * The ceremony as its two parties run it from the command line, each in a folder of its own, and the publication of the
 * model under the key that came of it.
 */
export async function publishUnderCeremony(
  developer: AiosClient,
  powers: Uint8Array,
  directory: string,
): Promise<Model> {
  const at = (name: string): string => join(directory, name);
  const encoded = encodeIntegerModel(CEREMONY_MODEL);
  writeFileSync(at("model"), encoded);
  writeFileSync(at("powers.ptau"), powers);
  const inputs = ["--model", at("model"), "--powers", at("powers.ptau")];
  const ceremony = (...args: string[]) => promisify(execFile)(process.execPath, [CLI, "ceremony", ...args]);
  await ceremony("init", at("begun"), ...inputs);
  await ceremony("contribute", at("begun"), "--name", "developer", "--out", at("half"));
  await ceremony("contribute", at("half"), "--name", "buyers", "--out", at("both"));
  await ceremony("finalise", at("both"), ...inputs, "--out", at("key"));

  const offer = {
    name: "Four sums of sixteen",
    description: "Published under a key that two parties made together.",
    encoded,
    commitment: modelCommitment(CEREMONY_MODEL),
    report: null,
    ceremony: await developer.content.putCeremony({
      transcript: readFileSync(join(at("key"), "transcript.json")),
      provingKey: readFileSync(join(at("key"), "key.bin")),
      powers,
    }),
  };
  return (await publishOffer(developer, offer)).model;
}
