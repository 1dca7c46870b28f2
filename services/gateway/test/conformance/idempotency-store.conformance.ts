import type { TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { expect, it } from "vitest";
import type { Housekeeping, IdempotencyStore } from "../../src/domain/ports.js";

export const CLAIM_MS = 10_000;
export const KEEP_MS = 60_000;
const START = 1_800_000_000_000 as TimestampMs;
const OUTCOME = { status: 201, contentType: "application/json", body: '{"made":1}' };
let keys = 0;

function newKey(): { readonly tenant: TenantId; readonly key: string } {
  keys += 1;
  return { tenant: "account:a" as TenantId, key: `key-${keys}` };
}

function after(ms: number): TimestampMs {
  return (START + ms) as TimestampMs;
}

/** What every `IdempotencyStore` does. `crash` ends its backend in the middle and brings it back. */
export function idempotencyStoreConformance(
  open: () => IdempotencyStore & Housekeeping,
  crash: () => Promise<void>,
): void {
  async function claimed(key: ReturnType<typeof newKey>, now = START): Promise<string> {
    const claim = await open().claim(key, "hash", now);
    if (claim.kind !== "claimed") throw new Error(`the key is ${claim.kind}`);
    return claim.claim;
  }

  it("gives a key to one of many callers at once", async () => {
    const key = newKey();
    const claims = await Promise.all(Array.from({ length: 8 }, () => open().claim(key, "hash", START)));
    expect(claims.filter(({ kind }) => kind === "claimed")).toHaveLength(1);
    expect(claims.filter(({ kind }) => kind === "running")).toHaveLength(7);
  });

  it("answers what the call answered, and refuses another request, also after a crash", async () => {
    const key = newKey();
    await open().complete(key, await claimed(key), OUTCOME);
    await crash();
    expect(await open().claim(key, "hash", after(1))).toEqual({ kind: "done", outcome: OUTCOME });
    expect(await open().claim(key, "another", after(1))).toEqual({ kind: "other-request" });
    expect((await open().claim({ ...key, tenant: "account:b" as TenantId }, "another", START)).kind).toBe(
      "claimed",
    );
  });

  it("lets the same request take over a claim that ran out, and the old holder write nothing", async () => {
    const key = newKey();
    const old = await claimed(key);
    expect(await open().claim(key, "hash", after(CLAIM_MS - 1))).toMatchObject({ kind: "running" });
    expect(await open().claim(key, "another", after(CLAIM_MS))).toEqual({ kind: "other-request" });
    const taken = await claimed(key, after(CLAIM_MS));
    await open().complete(key, old, { ...OUTCOME, body: "late" });
    await open().release(key, old);
    expect(await open().claim(key, "hash", after(CLAIM_MS))).toMatchObject({ kind: "running" });
    await open().complete(key, taken, OUTCOME);
    expect(await open().claim(key, "hash", after(CLAIM_MS))).toEqual({ kind: "done", outcome: OUTCOME });
  });

  it("gives a released key to whoever comes next, and an ended one to nobody", async () => {
    const key = newKey();
    const claim = await claimed(key);
    await open().release(key, claim);
    const again = await claimed(key);
    await open().complete(key, again, OUTCOME);
    await open().release(key, again);
    expect((await open().claim(key, "hash", START)).kind).toBe("done");
  });

  it("forgets outcomes when their time is over, and not before", async () => {
    const key = newKey();
    await open().complete(key, await claimed(key), OUTCOME);
    await open().removeExpired(after(KEEP_MS - 1));
    expect((await open().claim(key, "hash", after(KEEP_MS - 1))).kind).toBe("done");
    expect(await open().removeExpired(after(KEEP_MS))).toBeGreaterThan(0);
    expect((await open().claim(key, "another", after(KEEP_MS))).kind).toBe("claimed");
  });
}
