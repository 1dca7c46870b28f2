import { readFileSync } from "node:fs";
import { ServiceTimes } from "@aios/core-proving-queue/service-times";
import { HONK_KEY_BYTES } from "@aios/core-ultra-honk/honk-key";
import { type Address, bytes32 } from "@aios/kernel/identifiers";
import type { WeiAmount } from "@aios/kernel/units";
import { describe, expect, it } from "vitest";
import type { KeyMaterial } from "../domain/model-key.js";
import type { ModelKeyStore, ProofStore } from "../domain/ports.js";
import type { ProofSystem } from "../domain/proof-system.js";
import { OfferedSystems } from "./offered-systems.js";
import type { ProofBackEnd } from "./proof-back-end.js";
import { QuoteProof } from "./quote-proof.use-case.js";

const snapshot = new URL("../../../../contracts/gas-snapshot.json", import.meta.url);
const measured = JSON.parse(readFileSync(snapshot, "utf8")) as Record<string, number>;

/** A key of three public inputs for a circuit of 2^logRows rows, all of whose points are at infinity. */
function honkKey(logRows: number): Uint8Array {
  const key = new Uint8Array(HONK_KEY_BYTES);
  for (const [word, value] of [logRows, 11, 5].entries()) key[32 * word + 31] = value;
  return key;
}

async function quotedGas(proofSystem: ProofSystem, verifyingKey: Uint8Array): Promise<number> {
  const material = { verifyingKey, constraintCount: 1_000, trust: "" } as KeyMaterial;
  const keys = { find: async () => ({ material }) } as unknown as ModelKeyStore;
  const proofs = { depth: async () => 0 } as unknown as ProofStore;
  const offered = new OfferedSystems();
  offered.offer({ system: proofSystem, name: proofSystem } as ProofBackEnd);
  const price = 1n as WeiAmount;
  const quote = new QuoteProof(
    keys,
    proofs,
    { groth16: new ServiceTimes(), honk: new ServiceTimes() },
    offered,
    { priceWei: { groth16: price, honk: price }, payout: `0x${"cc".repeat(20)}` as Address, parallel: 1 },
  );
  const modelCommitment = bytes32(`0x${"11".repeat(32)}`);
  return (await quote.execute({ modelCommitment, proofSystem })).verificationGas;
}

describe("the gas that a quote names", () => {
  it("is what the contracts' tests measure, and 16 for each byte of a Groth16 proof and its key", async () => {
    const calldata =
      (await quotedGas("groth16", new Uint8Array())) - (measured["verify (Groth16, alone)"] ?? 0);
    expect(calldata).toBeGreaterThan(960 * 16);
    expect(calldata).toBeLessThan(1_088 * 16);
  });

  it("grows with an UltraHonk circuit's rows by what the contracts' tests measure", async () => {
    const [small, large] = [await quotedGas("honk", honkKey(12)), await quotedGas("honk", honkKey(14))];
    const execution = (logRows: number): number =>
      measured[`verify (UltraHonk, 2^${logRows} rows, alone)`] ?? 0;
    const calldata = large - small - (execution(14) - execution(12));
    // Two rounds more: nine evaluations, a point and an opening each.
    expect(Math.abs(calldata - 2 * 12 * 32 * 16)).toBeLessThan(1_000);
    expect(small).toBeGreaterThan(execution(12));
  });
});
