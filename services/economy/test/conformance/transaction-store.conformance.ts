import { address } from "@aios/kernel/identifiers";
import { expect, it } from "vitest";
import type {
  Attempt,
  ChainTransaction,
  Signer,
  TransactionRequest,
} from "../../src/domain/chain-transaction.js";
import type { Assignment, TransactionStore } from "../../src/domain/ports.js";

const NOW_MS = 1_800_000_000_000;
const ESCROW = address(`0x${"e5".repeat(20)}`);
const ACCOUNTS = {
  relayer: address(`0x${"a1".repeat(20)}`),
  matcher: address(`0x${"a2".repeat(20)}`),
  anchor: address(`0x${"a3".repeat(20)}`),
};
const FEES = { maxFeePerGasWei: 10n, maxPriorityFeePerGasWei: 1n };
const FAILURE = { code: "reverted", message: "It would revert.", details: { reason: "Late" } };
let keys = 0;

function request(signer: Signer, change: Partial<TransactionRequest> = {}): TransactionRequest {
  keys += 1;
  return {
    caller: "compute",
    idempotencyKey: `key-${keys}`,
    tenant: "account:a",
    signer,
    contract: "JobEscrow",
    to: ESCROW,
    data: Uint8Array.of(1, 2, 3, keys),
    valueWei: 0n,
    purpose: "open",
    traceparent: "",
    ...change,
  };
}

function sign({ id }: ChainTransaction, nonce: bigint): { readonly hash: string; readonly raw: Uint8Array } {
  const raw = new TextEncoder().encode(`${id}:${nonce}`);
  return { hash: `0x${Buffer.from(raw).toString("hex").slice(-64).padStart(64, "0")}`, raw };
}

const assignmentOf = ({ id }: ChainTransaction): Assignment => ({
  transactionId: id,
  gasLimit: 21_000n,
  fees: FEES,
});

/**
 * What every `TransactionStore` does: the outbox that money leaves through. `crash` ends its backend in the middle and
 * brings it back.
 */
export function transactionStoreConformance(open: () => TransactionStore, crash: () => Promise<void>): void {
  it("stores a request once by caller and key, whoever asks how often, and refuses another one under it", async () => {
    const first = request("relayer");
    const answers = await Promise.all(Array.from({ length: 6 }, () => open().enqueue(first, NOW_MS)));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    await crash();
    const again = await open().enqueue({ ...first, traceparent: "00-other-trace-01" }, NOW_MS + 1);
    expect(again).toMatchObject({ id: answers[0]?.id, state: "queued", traceparent: "" });
    for (const change of [{ data: Uint8Array.of(9, 9, 9, 9) }, { tenant: "account:b" }, { valueWei: 1n }]) {
      await expect(open().enqueue({ ...first, ...change }, NOW_MS)).rejects.toMatchObject({
        code: "idempotency-key-reused",
      });
    }
    expect((await open().enqueue({ ...first, caller: "scoring" }, NOW_MS)).id).not.toBe(answers[0]?.id);
  });

  it("finds a request by its id and by the hash of any signed form, and nothing else", async () => {
    const queued = await open().enqueue(request("anchor"), NOW_MS);
    await open().openSigner("anchor", ACCOUNTS.anchor, 0n);
    const [attempt] = await open().assign("anchor", [assignmentOf(queued)], sign, NOW_MS);
    expect((await open().find(queued.id)).state).toBe("sent");
    expect((await open().find(attempt?.hash ?? "")).id).toBe(queued.id);
    await expect(open().find("0xunknown")).rejects.toMatchObject({ code: "transaction-not-found" });
  });

  it("gives every request one nonce, without gaps, however many assign at once, and keeps them over a crash", async () => {
    await open().openSigner("matcher", ACCOUNTS.matcher, 7n);
    const queued: ChainTransaction[] = [];
    for (let count = 0; count < 6; count++) queued.push(await open().enqueue(request("matcher"), NOW_MS));
    expect((await open().queued("matcher", 100)).map(({ id }) => id)).toEqual(queued.map(({ id }) => id));
    const assigned = await Promise.all([
      open().assign("matcher", queued.map(assignmentOf), sign, NOW_MS),
      open().assign("matcher", queued.slice(2).map(assignmentOf), sign, NOW_MS),
    ]);
    expect(assigned.flat()).toHaveLength(6);
    await crash();
    const sent = await open().sent("matcher", 100);
    expect(sent.map(({ transaction }) => transaction.nonce)).toEqual([7n, 8n, 9n, 10n, 11n, 12n]);
    expect(await open().queued("matcher", 100)).toEqual([]);
    expect(await open().countInFlight("matcher")).toBe(6);
    const forms = sent.flatMap(({ attempts }) => attempts.map(({ hash, raw }) => [hash, Buffer.from(raw)]));
    expect(forms).toEqual(
      assigned
        .flat()
        .toSorted((a, b) => nonceOf(a) - nonceOf(b))
        .map(({ hash, raw }) => [hash, Buffer.from(raw)]),
    );
    // A chain that is behind takes no nonce back.
    await open().openSigner("matcher", ACCOUNTS.matcher, 3n);
    const later = await open().enqueue(request("matcher"), NOW_MS);
    const [attempt] = await open().assign("matcher", [assignmentOf(later)], sign, NOW_MS);
    expect(attempt === undefined ? -1 : nonceOf(attempt)).toBe(13);
    const stranger = address(`0x${"99".repeat(20)}`);
    await expect(open().openSigner("matcher", stranger, 0n)).rejects.toMatchObject({
      code: "signer-key-changed",
    });
  });

  it("stores a further signed form for the newest only, and notes what was broadcast", async () => {
    const [first] = await open().sent("matcher", 1);
    const [attempt] = first?.attempts ?? [];
    if (attempt === undefined) throw new Error("nothing was sent");
    const next = (number: number): Attempt => ({
      ...attempt,
      hash: `0x${number.toString(16).padStart(64, "f")}`,
      number,
    });
    const added = await Promise.all([
      open().addAttempt(next(2)),
      open().addAttempt({ ...next(2), hash: "0xdead" }),
    ]);
    expect(added.filter((was) => was)).toHaveLength(1);
    expect(await open().addAttempt(next(2))).toBe(false);
    expect(await open().addAttempt(next(3))).toBe(true);
    await open().markBroadcast([attempt.hash], NOW_MS + 5);
    const [now] = await open().sent("matcher", 1);
    expect(now?.attempts.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(now?.attempts[0]?.broadcastAtMs).toBe(NOW_MS + 5);
    expect(now?.attempts[1]?.broadcastAtMs).toBeUndefined();
  });

  it("fails a request for good, once, and knows the oldest that is not settled", async () => {
    const queued = await open().enqueue(request("relayer"), NOW_MS);
    const [first, second] = await Promise.all([
      open().fail(queued.id, FAILURE, NOW_MS),
      open().fail(queued.id, { ...FAILURE, code: "other" }, NOW_MS),
    ]);
    expect(first?.failure).toEqual(second?.failure);
    await crash();
    expect(await open().find(queued.id)).toMatchObject({ state: "failed", nonce: undefined });
    await open().openSigner("relayer", ACCOUNTS.relayer, 0n);
    expect(await open().assign("relayer", [assignmentOf(queued)], sign, NOW_MS)).toEqual([]);
    const oldest = await open().oldestUnsettled();
    expect(oldest).toBeDefined();
    expect(oldest ?? 0n).toBeLessThan(queued.sequence);
  });
}

function nonceOf(attempt: Attempt): number {
  return Number(new TextDecoder().decode(attempt.raw).split(":")[1]);
}
