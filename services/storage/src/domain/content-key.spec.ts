import { type Address, type ContentId, jobId, tenantOfAccount } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentMetadata } from "./content.js";
import {
  authoriseLease,
  authoriseService,
  type DepositedKey,
  type LeaseStanding,
  leaseScopes,
  servicePurposes,
} from "./content-key.js";

const JOB = jobId(`0x${"0d".repeat(32)}`);
const CID = "bafkcontent" as ContentId;
const claim = { jobId: JOB, fencingToken: 1, provider: `0x${"11".repeat(20)}` as Address };
const OWNER = `0x${"a1".repeat(20)}` as Address;
const STRANGER = `0x${"b2".repeat(20)}` as Address;
const standing: LeaseStanding = { live: true, reason: "", contentCids: [CID], modelOwner: OWNER };
const key = (scopes: readonly string[], purposes: readonly string[] = []): DepositedKey => ({
  tenantId: tenantOfAccount(OWNER),
  cid: CID,
  keyId: "k",
  sealedKey: {
    ephemeralPublicKey: new Uint8Array(32),
    nonce: new Uint8Array(12),
    ciphertext: new Uint8Array(48),
  },
  leaseScopes: scopes,
  servicePurposes: purposes,
  depositedAt: 0 as TimestampMs,
});

describe("lease scopes and purposes", () => {
  it("are the known ones, once each, in one order", () => {
    const upper = `job:0x${"0D".repeat(32)}`;
    expect(leaseScopes([`job:${JOB}`, "licensed-jobs", upper])).toEqual([`job:${JOB}`, "licensed-jobs"]);
    expect(servicePurposes(["proof", "proving-key-setup", "proof"])).toEqual(["proof", "proving-key-setup"]);
    fc.assert(
      fc.property(fc.string(), (anything) => {
        expect(() => leaseScopes([anything])).toThrow();
        expect(() => servicePurposes([anything])).toThrow(expect.objectContaining({ code: "invalid-grant" }));
      }),
    );
    expect(() => leaseScopes(Array.from({ length: 101 }, () => "licensed-jobs"))).toThrow(/at most 100/);
  });
});

describe("a lease", () => {
  it("opens what it needs within the owner's scopes, and nothing else", () => {
    authoriseLease(key(["licensed-jobs"]), claim, standing);
    authoriseLease(key([`job:${JOB}`]), claim, standing);
    const code = (given: DepositedKey, answer = standing): string | undefined => {
      try {
        authoriseLease(given, claim, answer);
        return undefined;
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(code(key([]))).toBe("not-allowed-by-owner");
    expect(code(key([`job:0x${"0e".repeat(32)}`]))).toBe("not-allowed-by-owner");
    expect(code(key(["licensed-jobs"]), { ...standing, contentCids: [] })).toBe("content-not-in-lease");
    expect(code(key(["licensed-jobs"]), { ...standing, live: false })).toBe("lease-not-live");
    const republished = { ...standing, modelOwner: STRANGER };
    expect(code(key(["licensed-jobs"]), republished)).toBe("not-allowed-by-owner");
    expect(code(key(["licensed-jobs"]), { ...standing, modelOwner: undefined })).toBe("not-allowed-by-owner");
    expect(code(key([`job:${JOB}`]), republished)).toBeUndefined();
  });
});

describe("a service", () => {
  it("uses a key for its own purpose only, when the owner allowed it", () => {
    authoriseService(key([], ["proof"]), "zk-prover", "proof");
    for (const [service, purpose] of [
      ["zk-prover", "proving-key-setup"],
      ["compute", "proof"],
      ["zk-prover", "curiosity"],
      ["zk-prover", "constructor"],
    ] as const) {
      expect(() => authoriseService(key([], ["proof"]), service, purpose)).toThrow(/has not allowed/);
    }
  });
});

describe("metadata", () => {
  it("has a known category and a media type", () => {
    expect(contentMetadata({ category: "model", encrypted: true, mediaType: "" }).mediaType).toBe(
      "application/octet-stream",
    );
    expect(
      contentMetadata({ category: "proof", encrypted: false, mediaType: "Application/JSON" }).mediaType,
    ).toBe("application/json");
    expect(() => contentMetadata({ category: "x", encrypted: true, mediaType: "" })).toThrow(/category/);
    expect(() => contentMetadata({ category: "model", encrypted: true, mediaType: "a b" })).toThrow(
      /mediaType/,
    );
  });
});
