import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { calldataGas, groth16VerificationGas, honkVerificationGas } from "./verification-gas.js";

const snapshot = new URL("../gas-snapshot.json", import.meta.url);
const measured = JSON.parse(readFileSync(snapshot, "utf8")) as Record<string, number>;

/** Whether the two differ by less than a hundredth. */
function expectAbout(gas: number, expected: number | undefined): void {
  expect(Math.abs(gas / (expected ?? 0) - 1), `${gas} gas beside ${expected}`).toBeLessThan(0.01);
}

describe("the gas that quotes name for a verification", () => {
  it("is Groth16's of the snapshot", () => {
    expectAbout(groth16VerificationGas().execution, measured["verify (Groth16, alone)"]);
  });

  it("is UltraHonk's of the snapshot, by the logarithm of the rows", () => {
    const rows = Object.keys(measured).flatMap(
      (name) => name.match(/^verify \(UltraHonk, 2\^(\d+) rows/)?.[1] ?? [],
    );
    expect(rows.length).toBeGreaterThanOrEqual(2);
    for (const logRows of rows)
      expectAbout(
        honkVerificationGas(Number(logRows)).execution,
        measured[`verify (UltraHonk, 2^${logRows} rows, alone)`],
      );
  });

  it("takes zero bytes of calldata for less", () => {
    expect(calldataGas(Uint8Array.of(0, 1, 255))).toBe(36);
  });
});
