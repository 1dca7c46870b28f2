import { describe, expect, it } from "vitest";
import { SIGNERS } from "./chain-transaction.js";
import { mayUseSigner, SIGNER_POLICY } from "./signer-policy.js";

const CALLERS = ["compute", "marketplace", "scoring", "gateway", "storage", "zk-prover", "provider"];

describe("signer policy", () => {
  it("allows exactly its rows", () => {
    const allowed = new Set(
      SIGNER_POLICY.flatMap((row) =>
        row.functions.map((name) => `${row.caller}/${row.signer}/${row.contract}/${name}`),
      ),
    );
    const contracts = ["JobEscrow", "ProviderRegistry", "ModelLicence", "ReceiptRegistry", "WrappedAios"];
    const functions = [...new Set(SIGNER_POLICY.flatMap((row) => row.functions)), "transfer", "grantRole"];
    for (const caller of CALLERS) {
      for (const signer of SIGNERS) {
        for (const contract of contracts) {
          for (const name of functions) {
            expect(mayUseSigner(caller, signer, contract, name)).toBe(
              allowed.has(`${caller}/${signer}/${contract}/${name}`),
            );
          }
        }
      }
    }
  });

  it("gives each key to one purpose: only compute leases, only scoring anchors", () => {
    expect(new Set(SIGNER_POLICY.filter((row) => row.signer === "matcher").map((row) => row.caller))).toEqual(
      new Set(["compute"]),
    );
    expect(new Set(SIGNER_POLICY.filter((row) => row.signer === "anchor").map((row) => row.caller))).toEqual(
      new Set(["scoring"]),
    );
  });

  it("refuses what selects no known function", () => {
    expect(mayUseSigner("compute", "relayer", "JobEscrow", undefined)).toBe(false);
  });
});
