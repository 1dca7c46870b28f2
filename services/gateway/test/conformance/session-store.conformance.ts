import { address, type TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { expect, it } from "vitest";
import type { Housekeeping, NonceStore, RevocationStore } from "../../src/domain/ports.js";

const START = 1_800_000_000_000 as TimestampMs;
const after = (ms: number): TimestampMs => (START + ms) as TimestampMs;
const ACCOUNT = address(`0x${"a1".repeat(20)}`);

/** What every `NonceStore` does. `crash` ends its backend in the middle and brings it back. */
export function nonceStoreConformance(open: () => NonceStore, crash: () => Promise<void>): void {
  it("lets a nonce be used once, by one of many at once", async () => {
    await open().issue("once", after(1_000));
    const uses = await Promise.all(Array.from({ length: 8 }, () => open().consume("once", START)));
    expect(uses.filter((used) => used)).toHaveLength(1);
    await crash();
    expect(await open().consume("once", START)).toBe(false);
  });

  it("keeps an issued nonce over a crash", async () => {
    await open().issue("kept", after(1_000));
    await crash();
    expect(await open().consume("kept", START)).toBe(true);
  });

  it("knows no nonce that was never issued or is over", async () => {
    await open().issue("over", after(1_000));
    expect(await open().consume("never", START)).toBe(false);
    expect(await open().consume("over", after(1_000))).toBe(false);
    expect(await open().consume("over", after(999))).toBe(true);
  });
}

/** What every `RevocationStore` does. `crash` ends its backend in the middle and brings it back. */
export function revocationStoreConformance(
  open: () => RevocationStore & Housekeeping,
  crash: () => Promise<void>,
): void {
  it("keeps a session ended until its token's own end, also after a crash", async () => {
    const session = { sessionId: "s-1", account: ACCOUNT, expiresAtMs: START + 5_000 };
    expect(await open().isRevoked("s-1")).toBe(false);
    await open().revoke(session, "account:a" as TenantId);
    await open().revoke(session, "account:a" as TenantId);
    await crash();
    expect(await open().isRevoked("s-1")).toBe(true);
    expect(await open().isRevoked("s-2")).toBe(false);
    await open().removeExpired(after(4_999));
    expect(await open().isRevoked("s-1")).toBe(true);
    expect(await open().removeExpired(after(5_000))).toBeGreaterThan(0);
    expect(await open().isRevoked("s-1")).toBe(false);
  });
}
