import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gasRuleOf } from "./gas-policy.js";
import { SIGNER_POLICY } from "./signer-policy.js";

const snapshot = new URL("../../../../contracts/gas-snapshot.json", import.meta.url);
const measured = JSON.parse(readFileSync(snapshot, "utf8")) as Record<string, number>;

describe("the gas policy", () => {
  it.each([
    ["open", "open"],
    ["lease", "lease"],
    ["deliver", "deliver"],
    ["settle", "settle (Groth16)"],
    ["accept", "accept"],
    ["refund", "refund"],
  ])("bounds %s at more than twice what the contracts' tests measure", (name, measurement) => {
    const rule = gasRuleOf("JobEscrow", name);
    if (rule.kind === "estimated") throw new TypeError(`${name} has no bound`);
    expect(Number(rule.gasLimit)).toBeGreaterThan((measured[measurement] ?? Number.POSITIVE_INFINITY) * 2);
  });

  it("tries every call that carries somebody else's signature or money", () => {
    for (const name of ["open", "lease", "deliver", "accept"])
      expect(gasRuleOf("JobEscrow", name).kind).toBe("tried");
  });

  it("estimates what it does not know", () => {
    expect(gasRuleOf("ReceiptRegistry", "anchor")).toEqual({ kind: "estimated" });
    expect(gasRuleOf("JobEscrow", undefined)).toEqual({ kind: "estimated" });
  });

  it("names only functions that the signer policy allows", () => {
    const allowed = SIGNER_POLICY.filter(({ contract }) => contract === "JobEscrow").flatMap(
      (row) => row.functions,
    );
    const ruled = ["open", "lease", "deliver", "accept", "settle", "refute", "release", "refund"];
    expect([...allowed].sort()).toEqual([...ruled].sort());
  });
});
