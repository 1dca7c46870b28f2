import { address, type JobId, jobId, type TenantId } from "@aios/kernel/identifiers";
import { expect, it } from "vitest";
import { type Job, liveLease } from "../../src/domain/job.js";
import { endOffer, leaseTermsFor, offer, reportProgress } from "../../src/domain/job-transitions.js";
import type { JobStore, Placing, ProviderStore } from "../../src/domain/ports.js";
import { leaseKey } from "../../src/domain/provider-market.js";
import { sampleJob } from "../support/sample-job.js";
import { sampleProvider } from "../support/sample-provider.js";

const PROVIDER = address(`0x${"ee".repeat(20)}`);
const FAR_SECONDS = 4_000_000_000;
let jobs = 0;

function newJob(change: Partial<Job> = {}): Job {
  jobs += 1;
  const job = sampleJob("none", jobId(`0x${jobs.toString(16).padStart(64, "0")}`));
  const order = { ...job.terms.order, leaseBy: FAR_SECONDS.toString() };
  return { ...job, createdAtMs: jobs, state: "funded", terms: { ...job.terms, order }, ...change };
}

async function create(store: JobStore, job: Job): Promise<boolean> {
  return store.create({ job, idempotencyKey: job.jobId, bodyDigest: "0xdd", inputSalt: Uint8Array.of(1, 2) });
}

function leased(job: Job, nowMs = 5): Job {
  const terms = leaseTermsFor(job, PROVIDER, 10n, FAR_SECONDS);
  return offer(job, { provider: PROVIDER, terms, offerExpiresAtMs: FAR_SECONDS * 1_000 }, nowMs);
}

function placing(job: Job, offers: Record<string, string>): Placing {
  return {
    change: { job: leased(job) },
    placement: {
      jobId: job.jobId,
      fencingToken: 1,
      decidedAtMs: job.createdAtMs,
      log: `log of ${job.jobId}`,
    },
    offers: new Map(Object.entries(offers).map(([provider, text]) => [address(provider), text])),
  };
}

/** What every `JobStore` does, with the `ProviderStore` beside it. `crash` ends its backend and brings it back. */
export function jobStoreConformance(
  open: () => JobStore,
  providers: () => ProviderStore,
  crash: () => Promise<void>,
): void {
  it("keeps a new job once by buyer and key, as it was given, also after a crash", async () => {
    const job = newJob();
    const made = await Promise.all(Array.from({ length: 4 }, () => create(open(), job)));
    expect(made.filter((was) => was)).toHaveLength(1);
    await crash();
    expect(await open().find(job.jobId)).toEqual(job);
    const stored = await open().findRequest(job.buyer, job.jobId);
    expect(stored?.bodyDigest).toBe("0xdd");
    expect([...(stored?.inputSalt ?? [])]).toEqual([1, 2]);
    expect(await open().findRequest(job.buyer, "another")).toBeUndefined();
    expect(await open().find(newJob().jobId)).toBeUndefined();
  });

  it("changes a job one after the other, however many ask at once", async () => {
    const job = newJob();
    await create(open(), job);
    await open().change(job.jobId, (stored) => ({ job: leased(stored) }));
    const raise = (stored: Job) => ({ job: { ...stored, placementRounds: stored.placementRounds + 1 } });
    await Promise.all(Array.from({ length: 10 }, () => open().change(job.jobId, raise)));
    expect((await open().find(job.jobId))?.placementRounds).toBe(10);
    expect(await open().change(job.jobId, () => undefined)).toEqual(await open().find(job.jobId));
    expect(await open().change(newJob().jobId, raise)).toBeUndefined();
    const refusal = new Error("no");
    const refused = open().change(job.jobId, () => {
      throw refusal;
    });
    await expect(refused).rejects.toBe(refusal);
    expect((await open().find(job.jobId))?.placementRounds).toBe(10);
  });

  it("stores a change whole or not at all when its backend dies in the middle of many", async () => {
    const job = newJob();
    await create(open(), job);
    const step = (stored: Job): { job: Job } => {
      const progress = { stage: "s", percent: stored.placementRounds + 1, message: "", figures: {} };
      const next = liveLease(stored) === undefined ? leased(stored) : stored;
      return { job: { ...reportProgress(next, 1, progress), progress, placementRounds: progress.percent } };
    };
    let known = 0;
    const changing = (async () => {
      for (let count = 0; count < 200; count++) {
        const changed = await open().change(job.jobId, step);
        known = changed?.placementRounds ?? known;
      }
    })().catch(() => undefined);
    await crash();
    await changing;
    const stored = await open().find(job.jobId);
    expect(stored?.placementRounds).toBeGreaterThanOrEqual(known);
    expect(stored?.progress?.percent ?? 0).toBe(stored?.placementRounds);
    expect(stored?.leases.length ?? 0).toBe(known > 0 ? 1 : (stored?.leases.length ?? 0));
  });

  it("places one job at a time, with the offers that each was decided from", async () => {
    const [first, second] = [newJob(), newJob()];
    for (const job of [first, second]) await create(open(), job);
    const other = address(`0x${"dd".repeat(20)}`);
    let placingNow = 0;
    const place = (job: Job, offers: Record<string, string>) =>
      open().place(job.jobId, async (stored, view) => {
        placingNow += 1;
        expect(placingNow).toBe(1);
        expect(await view.recordedOffers()).toEqual(
          new Map((await open().offersAt(view.recordedHead)).map((text) => [addressIn(text), text])),
        );
        placingNow -= 1;
        return placing(stored, offers);
      });
    const [one, two] = await Promise.all([
      place(first, { [PROVIDER]: textOf(PROVIDER, 1), [other]: textOf(other, 1) }),
      place(second, { [PROVIDER]: textOf(PROVIDER, 2) }),
    ]);
    await crash();
    expect(liveLease(one.job ?? first)?.provider).toBe(PROVIDER);
    const heads = [one, two].map(({ recordedHead = 0 }) => recordedHead);
    const [record] = await open().placements(first.jobId);
    expect(record).toEqual({
      jobId: first.jobId,
      fencingToken: 1,
      decidedAtMs: first.createdAtMs,
      log: `log of ${first.jobId}`,
      marketHead: heads[0],
    });
    expect(await open().offersAt(heads[0] ?? 0)).toContain(textOf(PROVIDER, 1));
    expect(await open().offersAt(heads[1] ?? 0)).toContain(textOf(PROVIDER, 2));
    expect(await open().offersAt(0)).toEqual([]);
    expect(await open().place(newJob().jobId, async () => expect.fail("nothing to place"))).toEqual({
      job: undefined,
      recordedHead: undefined,
    });

    const kept = await open().offersAt(heads[1] ?? 0);
    while ((await open().forgetPlacements(second.createdAtMs, 1)) > 0);
    expect(await open().placements(first.jobId)).toEqual([]);
    expect(await open().placements(second.jobId)).toHaveLength(1);
    expect(await open().offersAt(heads[1] ?? 0)).toEqual(kept);
    expect(await open().offersAt(heads[0] ?? 0)).not.toContain(textOf(PROVIDER, 1));
  });

  it("says who is busy with what, and who did wrong", async () => {
    await providers().save(sampleProvider({ address: PROVIDER }));
    const job = newJob();
    await create(open(), job);
    await open().change(job.jobId, (stored) => ({ job: leased(stored) }));
    const key = leaseKey(job.jobId, 1);
    expect((await providers().standing(PROVIDER))?.busy).toContain(key);
    expect((await open().liveOf(PROVIDER)).map((one) => one.jobId)).toContain(job.jobId);
    await open().change(job.jobId, (stored) => ({
      job: endOffer(stored, 1, "wrong-output"),
      fault: { provider: PROVIDER, fencingToken: 1, reason: "wrong-output" },
    }));
    const standing = await providers().standing(PROVIDER);
    expect(standing?.busy).not.toContain(key);
    expect(Object.keys(standing?.faults ?? {})).toEqual([key]);
    expect((await open().liveOf(PROVIDER)).map((one) => one.jobId)).not.toContain(job.jobId);
  });

  it("wakes jobs when they are due, and lists those that wait, the oldest first", async () => {
    const [early, late] = [newJob({ createdAtMs: 1 }), newJob({ createdAtMs: 2 })];
    for (const job of [late, early]) await create(open(), job);
    await open().postpone(early.jobId, 1_000);
    await open().postpone(late.jobId, 2_000);
    const due = await open().due(1_500, 1_000);
    expect(due).toContain(early.jobId);
    expect(due).not.toContain(late.jobId);
    expect(await open().nextDueMs()).toBeLessThanOrEqual(1_000);
    const waiting = (await open().waiting(1_000)).map((one) => one.jobId);
    expect(waiting.indexOf(early.jobId)).toBeGreaterThanOrEqual(0);
    expect(waiting.indexOf(early.jobId)).toBeLessThan(waiting.indexOf(late.jobId));
    expect((await open().countByState()).get("funded")).toBeGreaterThanOrEqual(2);
  });

  it("lists a tenant's jobs page by page, the newest first, and no other tenant's", async () => {
    const tenant = "account:pages" as TenantId;
    const own = [newJob({ tenant }), newJob({ tenant }), newJob({ tenant })];
    for (const job of own) await create(open(), job);
    await create(open(), newJob());
    const seen: JobId[] = [];
    for (let before: { createdAtMs: number; jobId: JobId } | undefined; ; ) {
      const page = await open().list(tenant, 2, before);
      seen.push(...page.map((job) => job.jobId));
      before = page.at(-1);
      if (page.length < 2) break;
    }
    expect(seen).toEqual(own.map((job) => job.jobId).toReversed());
  });
}

function textOf(provider: string, version: number): string {
  return JSON.stringify({ address: provider, version });
}

function addressIn(text: string): string {
  return (JSON.parse(text) as { readonly address: string }).address;
}
