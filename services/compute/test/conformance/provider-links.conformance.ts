import { type Address, address, type JobId } from "@aios/kernel/identifiers";
import { describe, expect, it } from "vitest";
import type { Job, LeaseState } from "../../src/domain/job.js";
import { leaseTermsFor, offer } from "../../src/domain/job-transitions.js";
import type { ProviderLinks } from "../../src/domain/ports.js";
import { sampleJob } from "../support/sample-job.js";

/** What a provider was told: which kind of message, about which lease. */
export interface LinkNotice {
  readonly kind: "offer" | "grant" | "revoke";
  readonly jobId: JobId;
  readonly fencingToken: number;
}

export interface ProviderLinksUnderTest {
  readonly links: ProviderLinks;
  /** The provider dials in. `notices` grows with what it is told over this link. */
  dial(provider: Address): { readonly notices: readonly LinkNotice[]; hangUp(): void };
}

const [ONE, OTHER] = [address(`0x${"a1".repeat(20)}`), address(`0x${"a2".repeat(20)}`)];

function leasedTo(provider: Address, state: LeaseState): Job {
  const funded: Job = { ...sampleJob(), state: "funded" };
  const terms = leaseTermsFor(funded, provider, 10n, 100);
  const offered = offer(funded, { provider, terms, offerExpiresAtMs: 100_000 }, 1_000);
  return { ...offered, leases: offered.leases.map((lease) => ({ ...lease, state })) };
}

/** What every `ProviderLinks` does. */
export function providerLinksConformance(name: string, open: () => ProviderLinksUnderTest): void {
  describe(`${name} as ProviderLinks`, () => {
    it("knows who is connected, however often each dials", () => {
      const { links, dial } = open();
      expect([...links.online()]).toEqual([]);
      const first = dial(ONE);
      dial(OTHER);
      const second = dial(ONE);
      expect([...links.online()].toSorted()).toEqual([ONE, OTHER]);
      first.hangUp();
      expect(links.online().has(ONE)).toBe(true);
      second.hangUp();
      expect([...links.online()]).toEqual([OTHER]);
    });

    it("tells a lease's own provider of it, over its newest link", () => {
      const { links, dial } = open();
      const older = dial(ONE);
      const [newer, other] = [dial(ONE), dial(OTHER)];
      const job = leasedTo(ONE, "offered");
      links.offerLease(job);
      links.grantLease(leasedTo(ONE, "leased"));
      links.revokeLease(ONE, job.jobId, 1, "late");
      const about = { jobId: job.jobId, fencingToken: 1 };
      expect(newer.notices).toEqual([
        { kind: "offer", ...about },
        { kind: "grant", ...about },
        { kind: "revoke", ...about },
      ]);
      expect([...older.notices, ...other.notices]).toEqual([]);
    });

    it("offers only what is offered, and grants only what is leased", () => {
      const { links, dial } = open();
      const { notices } = dial(ONE);
      for (const state of ["agreed", "leased", "computed", "ended"] as const)
        links.offerLease(leasedTo(ONE, state));
      for (const state of ["offered", "agreed", "computed", "ended"] as const)
        links.grantLease(leasedTo(ONE, state));
      expect(notices).toEqual([]);
    });

    it("lets go what is meant for a provider that is away: it is said again when it is back", () => {
      const { links, dial } = open();
      dial(ONE).hangUp();
      links.offerLease(leasedTo(ONE, "offered"));
      links.revokeLease(OTHER, sampleJob().jobId, 1, "late");
      const { notices } = dial(ONE);
      expect(notices).toEqual([]);
      links.grantLease(leasedTo(ONE, "leased"));
      expect(notices).toHaveLength(1);
    });
  });
}
