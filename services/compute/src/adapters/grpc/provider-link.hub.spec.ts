import type { Address } from "@aios/kernel/identifiers";
import { ConnectResponse } from "@aios/proto/aios/compute/v1/compute";
import { describe, expect, it } from "vitest";
import {
  type LinkNotice,
  providerLinksConformance,
} from "../../../test/conformance/provider-links.conformance.js";
import { sampleJob } from "../../../test/support/sample-job.js";
import type { Job } from "../../domain/job.js";
import { leaseTermsFor, offer } from "../../domain/job-transitions.js";
import { type LinkMessage, type OpenLink, ProviderLinkHub } from "./provider-link.hub.js";

const PROVIDER = `0x${"a1".repeat(20)}` as Address;
const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

function leasedJob(traceparent: string): Job {
  const funded: Job = { ...sampleJob(), state: "funded", traceparent };
  const terms = leaseTermsFor(funded, PROVIDER, 10n, 100);
  const offered = offer(funded, { provider: PROVIDER, terms, offerExpiresAtMs: 100_000 }, 1_000);
  return { ...offered, leases: offered.leases.map((lease) => ({ ...lease, state: "leased" as const })) };
}

function sentFor(job: Job): ConnectResponse[] {
  const sent: LinkMessage[] = [];
  const hub = new ProviderLinkHub(
    () => undefined,
    () => undefined,
  );
  hub.open(PROVIDER, { send: (message) => sent.push(message), replaced: () => undefined });
  hub.grantLease(job);
  return sent.map((message) =>
    ConnectResponse.decode(ConnectResponse.encode({ correlationId: "", ...message }).finish()),
  );
}

providerLinksConformance("ProviderLinkHub", () => {
  const hub = new ProviderLinkHub(
    () => undefined,
    () => undefined,
  );
  return {
    links: hub,
    dial(provider) {
      const notices: LinkNotice[] = [];
      const note = (kind: LinkNotice["kind"], told: Omit<LinkNotice, "kind"> | undefined): void => {
        if (told !== undefined) notices.push({ kind, jobId: told.jobId, fencingToken: told.fencingToken });
      };
      const link: OpenLink = {
        send({ leaseOffer, leaseGranted, leaseRevoked }) {
          note("offer", leaseOffer as Omit<LinkNotice, "kind"> | undefined);
          note("grant", leaseGranted as Omit<LinkNotice, "kind"> | undefined);
          note("revoke", leaseRevoked as Omit<LinkNotice, "kind"> | undefined);
        },
        replaced: () => undefined,
      };
      hub.open(provider, link);
      return { notices, hangUp: () => hub.closed(provider, link) };
    },
  };
});

describe("a granted lease", () => {
  it("carries the trace in which the job was ordered", () => {
    const job = leasedJob(TRACEPARENT);
    expect(sentFor(job)).toEqual([
      expect.objectContaining({
        leaseGranted: expect.objectContaining({
          jobId: job.jobId,
          fencingToken: 1,
          traceparent: TRACEPARENT,
        }),
      }),
    ]);
  });

  it("carries none when the job has none, and says the same when it is granted again", () => {
    expect(sentFor(leasedJob(""))[0]?.leaseGranted?.traceparent).toBe("");
    const job = leasedJob(TRACEPARENT);
    expect(sentFor(job)).toEqual(sentFor(job));
  });
});
