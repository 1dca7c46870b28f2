import { readdirSync, readFileSync } from "node:fs";
import { LIMITS } from "@aios/core-evm/gas";
import { dataLength } from "ethers/utils";
import { describe, expect, it } from "vitest";

interface Artifact {
  readonly contractName: string;
  readonly bytecode: string;
  readonly deployedBytecode: string;
}

const folder = new URL("../generated/artifacts/", import.meta.url);
const artifacts = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .map((file) => JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Artifact);

/** Constructor arguments come after the code: no contract here takes as much. */
const MOST_ARGUMENT_BYTES = 1_024;

describe("the size of the contracts' code", () => {
  it("is looked at for both verifiers of proofs", () => {
    const names = artifacts.map(({ contractName }) => contractName);
    expect(names).toEqual(
      expect.arrayContaining(["Groth16ResultVerifier", "HonkResultVerifier", "HonkVerifier"]),
    );
  });

  it.each(artifacts)("$contractName can be put on chain: at most 24,576 bytes (EIP-170)", (artifact) => {
    const bytes = dataLength(artifact.deployedBytecode);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(LIMITS.codeBytes);
  });

  it.each(artifacts)("$contractName can be created: at most 49,152 bytes (EIP-3860)", (artifact) => {
    expect(dataLength(artifact.bytecode) + MOST_ARGUMENT_BYTES).toBeLessThanOrEqual(LIMITS.initCodeBytes);
  });

  it("is held to what Ethereum allows", () => {
    expect(LIMITS).toMatchObject({ codeBytes: 24_576, initCodeBytes: 49_152 });
  });
});
