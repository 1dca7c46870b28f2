import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";

const FILE = new URL("../../gas-snapshot.json", import.meta.url);
/** Calldata gas depends on the zero bytes of random signatures. */
const TOLERANCE = 0.005;

/**
 * Gas of some actions against `gas-snapshot.json`, which is checked in. `UPDATE_GAS_SNAPSHOT=1` writes these anew and
 * leaves the others.
 */
export function expectSnapshot(measured: Readonly<Record<string, number>>): void {
  const before = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Record<string, number>) : {};
  const isUpdate = process.env["UPDATE_GAS_SNAPSHOT"] === "1";
  const snapshot = isUpdate ? { ...before, ...measured } : before;
  if (isUpdate) writeFileSync(FILE, `${JSON.stringify(snapshot, null, 2)}\n`);
  for (const [action, gas] of Object.entries(measured)) {
    const expected = snapshot[action] ?? 0;
    expect(Math.abs(gas - expected) / expected, `${action}: ${gas} instead of ${expected}`).toBeLessThan(
      TOLERANCE,
    );
  }
}
