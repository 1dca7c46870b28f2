import { LEASE_TERMS_TYPES, signingDomain } from "@aios/core-settlement/typed-data";
import { type Address, jobId } from "@aios/kernel/identifiers";
import { TypedDataEncoder } from "ethers/hash";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideOffer, type Offer, type OwnState } from "./lease-policy.js";
import type { PinnedNetwork } from "./network.js";

const ME = `0x${"11".repeat(20)}` as Address;
const ESCROW = `0x${"ee".repeat(20)}`;
const JOB = jobId(`0x${"0a".repeat(32)}`);
const network = {
  chainId: 77n,
  contracts: { JobEscrow: ESCROW, ProviderRegistry: ME, ReceiptRegistry: ME, WrappedAios: ME },
} as PinnedNetwork;
const own: OwnState = {
  provider: ME,
  prices: { inference: 100n },
  kinds: ["inference"],
  maxParallelJobs: 2,
  takenJobs: 0,
  draining: false,
  nowMs: 1_000,
};

function offer(changes: Readonly<Record<string, unknown>> = {}, chainId = 77n, contract = ESCROW): Offer {
  const terms = {
    jobId: JOB,
    provider: ME,
    prover: ME,
    fencingToken: 4,
    providerPriceWei: 100,
    proverFeeWei: 0,
    acceptBy: 60,
    ...changes,
  };
  const leaseTermsJson = JSON.stringify(
    TypedDataEncoder.getPayload(signingDomain(chainId, contract), LEASE_TERMS_TYPES, terms),
  );
  return { jobId: JOB, fencingToken: 4, kind: "inference", leaseTermsJson, deliverByMs: 90_000 };
}

describe("lease policy", () => {
  it("accepts its own price on its own network and says until when that binds", () => {
    expect(decideOffer(offer(), own, network)).toMatchObject({
      accepted: true,
      agreed: { kind: "inference", priceWei: "100", acceptByMs: 60_000, deliverByMs: 90_000 },
    });
  });

  it("refuses with the reason", () => {
    const reason = (given: Offer, state: Partial<OwnState> = {}): string => {
      const answer = decideOffer(given, { ...own, ...state }, network);
      return answer.accepted ? "accepted" : answer.reason;
    };
    expect(reason(offer(), { draining: true })).toBe("draining");
    expect(reason(offer(), { kinds: ["training"] })).toBe("kind-not-offered");
    expect(reason(offer(), { takenJobs: 8 })).toBe("at-capacity");
    expect(reason(offer(), { nowMs: 90_000 })).toBe("too-late");
    expect(reason(offer({ providerPriceWei: 99 }))).toBe("price-too-low");
    for (const foreign of [
      offer({ provider: ESCROW }),
      offer({ jobId: `0x${"0b".repeat(32)}` }),
      offer({ fencingToken: 5 }),
      offer({}, 78n),
      offer({}, 77n, ME),
      { ...offer(), leaseTermsJson: "{}" },
    ]) {
      expect(reason(foreign)).toMatch(/^terms-mismatch/);
    }
  });

  it("never signs unreadable terms", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (leaseTermsJson) => {
        expect(decideOffer({ ...offer(), leaseTermsJson }, own, network).accepted).toBe(false);
      }),
    );
  });
});
