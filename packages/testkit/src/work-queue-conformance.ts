import { MAX_PRIORITY } from "@aios/core-proving-queue/claim-order";
import type { Claim, WorkerState, WorkQueue } from "@aios/core-proving-queue/work-queue";
import type { TimestampMs } from "@aios/kernel/units";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

export interface TestWork {
  /** A number from 0 to 2^32 − 1; the identifier's order is the number's. */
  readonly id: number;
  /** Small numbers. */
  readonly group?: number;
  readonly fingerprint?: number;
  readonly priority?: number;
  /** From now on. */
  readonly deadlineInMs?: number;
}

export interface WorkQueueBackend {
  readonly queue: WorkQueue<unknown>;
  /** At most `limit` may be open. Throws `prover-queue-full`. */
  request(work: TestWork): Promise<unknown>;
  complete(claim: Claim): Promise<void>;
  /** How work is known to the queue. */
  idOf(id: number): string;
  groupOf(group: number): string;
  now(): number;
  /** Lets time pass for leases, due dates, patience and deadlines. */
  pass(durationMs: number): Promise<void>;
  /** Everything that is not durable is lost; absent for what lives in the process. */
  restart?(): Promise<void>;
  close(): Promise<void>;
}

const LEASE_MS = 60_000;
const PATIENCE_MS = 3_600_000;
/** Who has nothing loaded. */
const WORKER: WorkerState = { leaseMs: LEASE_MS, loaded: [], patienceMs: PATIENCE_MS };

/** Every adapter of `WorkQueue` passes this. `limit` open pieces of work are taken on. */
export function workQueueConformance(name: string, open: (limit: number) => Promise<WorkQueueBackend>): void {
  describe(`${name} as WorkQueue`, () => {
    let backend: WorkQueueBackend;
    const LIMIT = 40;
    beforeEach(async () => {
      backend = await open(LIMIT);
    });
    afterEach(() => backend.close());

    const take = async (loaded: readonly number[] = []): Promise<Claim> => {
      const worker = { ...WORKER, loaded: loaded.map((group) => backend.groupOf(group)) };
      const taken = await backend.queue.claim(worker);
      if (taken === undefined) throw new Error("nothing was due");
      return taken.claim;
    };
    const isEmpty = async (): Promise<boolean> => (await backend.queue.claim(WORKER)) === undefined;
    const drain = async (loaded: readonly number[] = []): Promise<string[]> => {
      const ids: string[] = [];
      for (let left = await backend.queue.depth(); left > 0; left--) {
        const claim = await take(loaded);
        ids.push(claim.id);
        await backend.complete(claim);
      }
      return ids;
    };
    const named = (...ids: number[]): string[] => ids.map((id) => backend.idOf(id));

    it("gives each piece of work to one of many workers", async () => {
      for (let id = 0; id < 20; id++) await backend.request({ id });
      const taken = await Promise.all(Array.from({ length: 30 }, () => backend.queue.claim(WORKER)));
      const ids = taken.flatMap((each) => (each === undefined ? [] : [each.claim.id]));
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).toHaveLength(20);
      expect(await backend.queue.depth()).toBe(20);
    });

    it("serves priorities first, then what is loaded, then nearer deadlines, then older requests", async () => {
      await backend.request({ id: 1, group: 1 });
      await backend.request({ id: 2, group: 2, deadlineInMs: 9_000 });
      await backend.request({ id: 3, group: 2, deadlineInMs: 5_000 });
      await backend.request({ id: 4, group: 1, priority: MAX_PRIORITY });
      await backend.request({ id: 5, group: 3 });
      expect(await drain([3])).toEqual(named(4, 5, 3, 2, 1));
    });

    it("keeps to a loaded model, but lets nobody starve for it", async () => {
      await backend.request({ id: 1, group: 1 });
      await backend.pass(PATIENCE_MS + 1_000);
      await backend.request({ id: 2, group: 2 });
      await backend.request({ id: 3, group: 1 });
      await backend.request({ id: 4, group: 2 });
      expect(await drain([2])).toEqual(named(1, 2, 4, 3));
    });

    it("serves any mix in the one order of the rules, whatever the adapter", async () => {
      const fresh = async (): Promise<void> => {
        await backend.close();
        backend = await open(LIMIT);
      };
      await fc.assert(
        fc
          .asyncProperty(
            fc.uniqueArray(
              fc.record({
                id: fc.nat(1_000_000),
                group: fc.nat(3),
                priority: fc.nat(MAX_PRIORITY),
                // Far enough apart for slow machines.
                deadlineInMs: fc.option(
                  fc.integer({ min: 1, max: 4 }).map((step) => step * 1_000_000),
                  { nil: undefined },
                ),
              }),
              { maxLength: 8, selector: ({ id }) => id },
            ),
            fc.uniqueArray(fc.nat(3)),
            async (works, loaded) => {
              for (const { deadlineInMs, ...work } of works)
                await backend.request({ ...work, ...(deadlineInMs === undefined ? {} : { deadlineInMs }) });
              const key = (work: (typeof works)[number], at: number): readonly number[] => [
                -work.priority,
                loaded.includes(work.group) ? 0 : 1,
                work.deadlineInMs ?? Number.POSITIVE_INFINITY,
                at,
              ];
              const expected = works
                .map((work, at) => ({ id: backend.idOf(work.id), key: key(work, at) }))
                .sort(
                  (a, b) =>
                    a.key.map((value, at) => compare(value, b.key[at] ?? 0)).find((sign) => sign !== 0) ?? 0,
                )
                .map(({ id }) => id);
              expect(await drain(loaded)).toEqual(expected);
            },
          )
          .beforeEach(fresh),
        { numRuns: 5 },
      );
    });

    it("gives a worker nothing of what it leaves to others, and others that first", async () => {
      await backend.request({ id: 1, priority: 1 });
      await backend.request({ id: 2 });
      const leaves = { ...WORKER, leaves: named(1) };
      expect((await backend.queue.claim(leaves))?.claim.id).toBe(backend.idOf(2));
      expect(await backend.queue.claim(leaves)).toBeUndefined();
      expect((await take()).id).toBe(backend.idOf(1));
    });

    it("gives work of a vanished holder to another, later than the rest, and fences the first off", async () => {
      await backend.request({ id: 1 });
      const first = await take();
      await backend.request({ id: 2 });
      await backend.pass(LEASE_MS + 1_000);
      expect((await take()).id).toBe(backend.idOf(2));
      const second = await take();
      expect(second).toMatchObject({ id: first.id, attempts: 2, abandonments: 1 });
      expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
      const lost = expect.objectContaining({ code: "work-lease-lost" }) as unknown;
      await expect(backend.complete(first)).rejects.toThrow(lost as Error);
      await expect(backend.queue.fail(first, { code: "x", message: "x", details: {} })).rejects.toThrow(
        lost as Error,
      );
      expect(await backend.queue.renew(first, LEASE_MS)).toBe(false);
      await backend.queue.postpone(first, 0 as TimestampMs);
      expect(await backend.queue.renew(second, LEASE_MS)).toBe(true);
      await backend.complete(second);
      await expect(backend.complete(second)).rejects.toThrow(lost as Error);
    });

    it("keeps renewed work with its holder, and counts no abandonment for what was given back", async () => {
      await backend.request({ id: 1 });
      const claim = await take();
      await backend.pass(LEASE_MS - 5_000);
      expect(await backend.queue.renew(claim, LEASE_MS)).toBe(true);
      await backend.pass(LEASE_MS - 5_000);
      expect(await isEmpty()).toBe(true);
      await backend.queue.postpone(claim, (backend.now() + 30_000) as TimestampMs);
      expect(await isEmpty()).toBe(true);
      await backend.pass(31_000);
      expect(await take()).toMatchObject({ attempts: 2, abandonments: 0 });
    });

    it("answers a repeated request once, replaces another one, and is decided by a result", async () => {
      await backend.request({ id: 1, fingerprint: 1 });
      await backend.request({ id: 1, fingerprint: 1 });
      expect(await backend.queue.depth()).toBe(1);
      const first = await take();
      await backend.request({ id: 1, fingerprint: 1 });
      expect(await backend.queue.renew(first, LEASE_MS)).toBe(true);
      await backend.request({ id: 1, fingerprint: 2 });
      expect(await backend.queue.renew(first, LEASE_MS)).toBe(false);
      await backend.complete(await take());
      await backend.request({ id: 1, fingerprint: 2 });
      expect(await backend.queue.depth()).toBe(0);
      expect(await isEmpty()).toBe(true);
    });

    it("takes failed work up again only when it is asked for with other values", async () => {
      await backend.request({ id: 1, fingerprint: 1 });
      await backend.queue.fail(await take(), { code: "no-good", message: "No good.", details: { why: 1 } });
      await backend.request({ id: 1, fingerprint: 1 });
      expect(await isEmpty()).toBe(true);
      await backend.request({ id: 1, fingerprint: 2 });
      expect(await take()).toMatchObject({ attempts: 1, abandonments: 0 });
    });

    it("refuses more than it takes on, but still answers what it has", async () => {
      for (let id = 0; id < LIMIT; id++) await backend.request({ id });
      const full = expect.objectContaining({
        code: "prover-queue-full",
        retryAfterMs: expect.any(Number) as number,
      });
      await expect(backend.request({ id: LIMIT })).rejects.toThrow(full as unknown as Error);
      await backend.request({ id: 0 });
      await backend.complete(await take());
      await backend.request({ id: LIMIT });
      expect(await backend.queue.depth()).toBe(LIMIT);
    });

    it("says where waiting work stands, in the order in which it is served, and not of what is held", async () => {
      await backend.request({ id: 1 });
      await backend.request({ id: 2, deadlineInMs: 9_000_000 });
      await backend.request({ id: 3, priority: 1 });
      const places = async () =>
        Promise.all([1, 2, 3].map(async (id) => backend.queue.place(backend.idOf(id))));
      expect(await places()).toEqual([
        { place: 3, waiting: 3 },
        { place: 2, waiting: 3 },
        { place: 1, waiting: 3 },
      ]);
      const held = await take();
      expect(await places()).toEqual([{ place: 2, waiting: 2 }, { place: 1, waiting: 2 }, undefined]);
      await backend.pass(LEASE_MS + 1_000);
      expect(await places()).toEqual([
        { place: 2, waiting: 3 },
        { place: 1, waiting: 3 },
        { place: 3, waiting: 3 },
      ]);
      expect(await drain()).toEqual(named(2, 1, 3));
      expect(await backend.queue.place(held.id)).toBeUndefined();
      expect(await backend.queue.place(backend.idOf(9))).toBeUndefined();
    });

    it("says the deadline with the work", async () => {
      await backend.request({ id: 1, deadlineInMs: 20_000 });
      const wanted = backend.now() + 20_000;
      expect(Math.abs(((await take()).deadline ?? 0) - wanted)).toBeLessThan(5_000);
    });

    it("ends what is past its deadline and held by nobody, so that it counts no more", async () => {
      for (const id of [1, 2, 3]) await backend.request({ id, deadlineInMs: 20_000 });
      await backend.request({ id: 4, deadlineInMs: 9_000_000 });
      await backend.request({ id: 5 });
      expect(await backend.queue.endOverdue()).toBe(0);
      const held = await take();
      const vanished = await take();
      await backend.pass(30_000);
      expect(await backend.queue.renew(held, LEASE_MS)).toBe(true);
      await backend.pass(LEASE_MS - 20_000);
      expect(await backend.queue.endOverdue()).toBe(2);
      expect(await backend.queue.endOverdue()).toBe(0);
      expect(await backend.queue.depth()).toBe(3);
      expect(await backend.queue.renew(vanished, LEASE_MS)).toBe(false);
      await backend.complete(held);
      expect((await drain()).sort()).toEqual(named(4, 5));
    });

    it("forgets nothing in a restart", async () => {
      if (backend.restart === undefined) return;
      await backend.request({ id: 1 });
      await backend.request({ id: 2 });
      const held = await take();
      await backend.restart();
      expect(await backend.queue.depth()).toBe(2);
      expect((await take()).id).not.toBe(held.id);
      expect(await isEmpty()).toBe(true);
      await backend.pass(LEASE_MS + 1_000);
      // Both holders are gone; who held first is as good as the other.
      const again = [await take(), await take()];
      expect(again.map(({ id }) => id).sort()).toEqual(named(1, 2).sort());
      for (const claim of again) await backend.complete(claim);
      expect(await backend.queue.depth()).toBe(0);
    });
  });
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
