import type { R1cs } from "@aios/core-zkml/r1cs";
import { SeededRng } from "@aios/kernel/random";
import { expect, it } from "vitest";
import type { ContentStore } from "../domain/ports.js";
import { CeremonyKeys } from "./ceremony-key.js";

const MIB = 2 ** 20;

/** A store where everything that is asked for is away. */
const nothing = new Proxy({} as ContentStore, {
  get: () => () => Promise.reject(new Error("it was fetched")),
});

function take(constraints: number, maxPowersBytes: number): Promise<unknown> {
  const keys = new CeremonyKeys(
    nothing,
    { listedPowers: new Set(), maxPowersBytes, threads: 1 },
    new SeededRng(1),
  );
  const r1cs = { constraints, publicInputs: 3 } as R1cs;
  const ceremony = { transcriptCid: "t", provingKeyCid: "k", powersCid: "p" };
  return keys.take(ceremony, r1cs, new AbortController().signal);
}

it("refuses a circuit whose powers of tau are larger than what may be read, before anything is fetched", async () => {
  await expect(take(250_000, 96 * MIB)).rejects.toMatchObject({
    code: "powers-of-tau-too-large",
    kind: "unprocessable",
    message: expect.stringMatching(/250000 constraints.*at least 256 MiB.*up to 96 MiB/) as string,
  });
  await expect(take(250_000, 288 * MIB)).rejects.toThrow("it was fetched");
  await expect(take(60_000, 96 * MIB)).rejects.toThrow("it was fetched");
});
