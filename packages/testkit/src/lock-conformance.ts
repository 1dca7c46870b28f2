import { randomUUID } from "node:crypto";
import type { LockManager } from "@aios/service-kit/lock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

export interface LockBackend {
  open(): Promise<LockManager>;
  /** Lets time pass for the locks. */
  pass(durationMs: number): Promise<void>;
  /** SIGKILL and start again; absent for what lives in the process. */
  crash?(): Promise<void>;
  close(): Promise<void>;
}

const LONG_MS = 60_000;

/** Every adapter of `LockManager` passes this. */
export function lockManagerConformance(name: string, start: () => Promise<LockBackend>): void {
  describe(`${name} as LockManager`, () => {
    let backend: LockBackend;
    beforeAll(async () => {
      backend = await start();
    });
    afterAll(async () => {
      await backend.close();
    });

    it("lets exactly one of many in", async () => {
      const managers = await Promise.all([backend.open(), backend.open()]);
      const lockName = randomUUID();
      const leases = await Promise.all(
        Array.from({ length: 30 }, (_, i) => managers[i % 2]?.tryAcquire(lockName, LONG_MS)),
      );
      expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1);
      expect(await managers[0]?.tryAcquire(randomUUID(), LONG_MS)).toBeDefined();
    });

    it("gives growing fencing tokens over release and expiry", async () => {
      const locks = await backend.open();
      const lockName = randomUUID();
      const first = await locks.tryAcquire(lockName, LONG_MS);
      await first?.release();
      const second = await locks.tryAcquire(lockName, 20);
      expect(second?.fencingToken).toBeGreaterThan(first?.fencingToken ?? 0n);
      await backend.pass(60);
      const third = await locks.tryAcquire(lockName, LONG_MS);
      expect(third?.fencingToken).toBeGreaterThan(second?.fencingToken ?? 0n);
    });

    it("renews a live lease and tells a late holder that it lost", async () => {
      const locks = await backend.open();
      const lockName = randomUUID();
      const late = await locks.tryAcquire(lockName, 40);
      expect(await late?.renew(50)).toBe(true);
      await backend.pass(120);
      expect(await late?.renew(LONG_MS)).toBe(false);
      const next = await locks.tryAcquire(lockName, LONG_MS);
      expect(next).toBeDefined();
      // A late release must not end somebody else's lease.
      await late?.release();
      expect(await locks.tryAcquire(lockName, LONG_MS)).toBeUndefined();
    });

    it("keeps leases and tokens when its backend is killed", async ({ skip }) => {
      if (backend.crash === undefined) return skip("this backend lives in the process");
      const locks = await backend.open();
      const lockName = randomUUID();
      const lease = await locks.tryAcquire(lockName, LONG_MS);
      await backend.crash();
      expect(await locks.tryAcquire(lockName, LONG_MS)).toBeUndefined();
      expect(await lease?.renew(LONG_MS)).toBe(true);
      await lease?.release();
      const next = await locks.tryAcquire(lockName, LONG_MS);
      expect(next?.fencingToken).toBeGreaterThan(lease?.fencingToken ?? 0n);
    });
  });
}
