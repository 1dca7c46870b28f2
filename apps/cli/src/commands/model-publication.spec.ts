import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeIntegerModel, type IntegerModel, modelCommitment } from "@aios/core-zkml/integer-model";
import { aios } from "@aios/kernel/units";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type CommandInput, UsageError } from "../command.js";
import { offerFrom } from "./model-publication.js";

const MODEL: IntegerModel = {
  salt: new Uint8Array(32).fill(1),
  layers: [
    {
      inputs: 2,
      outputs: 2,
      activation: "none",
      weights: Int8Array.of(3, -4, 5, 6),
      biases: Int32Array.of(1, -1),
      multiplier: 0,
      shift: 0,
    },
  ],
};
let folder = "";
const fileOf = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "model-publication-"));
  await writeFile(fileOf("model"), encodeIntegerModel(MODEL));
  await writeFile(fileOf("imported.json"), JSON.stringify({ file: "model", report: { accuracy: 0.9 } }));
  await writeFile(fileOf("list.json"), "[1]");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function offer(options: Readonly<Record<string, string>>, file = "model") {
  return offerFrom({ options } as unknown as CommandInput, fileOf(file));
}

it("asks for the keys that are named, and for a Groth16 key always", async () => {
  const systems = async (named?: string) =>
    (await offer({ name: "n", ...(named === undefined ? {} : { "proof-systems": named }) })).proofSystems;
  expect(await systems()).toEqual(["groth16"]);
  expect(await systems("groth16,honk")).toEqual(["groth16", "honk"]);
  expect(await systems("honk")).toEqual(["groth16", "honk"]);
  await expect(systems("plonk")).rejects.toThrow(UsageError);
});

it("offers the file's model under its commitment, with what the import reported", async () => {
  const options = { name: "n", description: "d", price: "3", report: fileOf("imported.json") };
  expect(await offer(options)).toMatchObject({
    name: "n",
    description: "d",
    licencePriceWei: aios(3),
    report: { accuracy: 0.9 },
    commitment: modelCommitment(MODEL),
  });
});

it.each([
  ["no name", {}, "--name is missing"],
  ["a price that is no whole number", { name: "n", price: "1.5" }, "--price"],
])("refuses %s", async (_, options, complaint) => {
  await expect(offer(options)).rejects.toThrow(complaint);
});

it("refuses files that are no model and no report, by name", async () => {
  await expect(offer({ name: "n" }, "list.json")).rejects.toMatchObject({
    code: expect.stringMatching(/model/) as string,
  });
  await expect(offer({ name: "n", report: fileOf("list.json") })).rejects.toMatchObject({
    code: "malformed-report",
  });
});
