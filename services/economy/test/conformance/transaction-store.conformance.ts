import { address } from "@aios/kernel/identifiers";
import { expect, it } from "vitest";
import type {
  Attempt,
  ChainTransaction,
  Lane,
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
    subject: `job:${keys}`,
    lane: "money",
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
    expect((await open().queued("matcher", "money", 0n, 100)).map(({ id }) => id)).toEqual(
      queued.map(({ id }) => id),
    );
    const assigned = await Promise.all([
      open().assign("matcher", queued.map(assignmentOf), sign, NOW_MS),
      open().assign("matcher", queued.slice(2).map(assignmentOf), sign, NOW_MS),
    ]);
    expect(assigned.flat()).toHaveLength(6);
    await crash();
    const sent = await open().sent("matcher", 100);
    expect(sent.map(({ transaction }) => transaction.nonce)).toEqual([7n, 8n, 9n, 10n, 11n, 12n]);
    expect(await open().queued("matcher", "money", 0n, 100)).toEqual([]);
    expect(await open().countInFlight("matcher")).toEqual({ money: 6, sponsored: 0 });
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

  it("fails a request for good, once", async () => {
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
  });

  it("reads the queue by lanes and past what was read before", async () => {
    const [first, second, third] = [
      await open().enqueue(request("relayer"), NOW_MS),
      await open().enqueue(request("relayer", { lane: "sponsored" }), NOW_MS),
      await open().enqueue(request("relayer"), NOW_MS),
    ];
    const ids = async (...[lane, after, limit]: [Lane, bigint, number]) =>
      (await open().queued("relayer", lane, after, limit)).map(({ id }) => id);
    const before = first.sequence - 1n;
    expect(await ids("money", before, 100)).toEqual([first.id, third.id]);
    expect(await ids("money", before, 1)).toEqual([first.id]);
    expect(await ids("money", first.sequence, 100)).toEqual([third.id]);
    expect(await ids("sponsored", 0n, 100)).toEqual([second.id]);
    const { money, sponsored } = await open().countInFlight("relayer");
    await open().assign("relayer", [first, second].map(assignmentOf), sign, NOW_MS);
    expect(await open().countInFlight("relayer")).toEqual({ money: money + 1, sponsored: sponsored + 1 });
  });

  it("knows which miss an earlier one of their subject or their account, and never one of a stranger's", async () => {
    const of = (subject: string, tenant: string, signer: Signer = "relayer") =>
      open().enqueue(request(signer, { subject, tenant }), NOW_MS);
    const opened = await of("job:m1", "account:m");
    const leased = await of("job:m1", "account:n", "matcher");
    const sameAccount = await of("job:m2", "account:m");
    const stranger = await of("job:s", "account:s");
    const [one, other] = [
      await of("provider:p", "service:compute"),
      await of("provider:q", "service:compute"),
    ];
    const all = [opened, leased, sameAccount, stranger, one, other].map(({ id }) => id);
    expect(await open().missingEarlier(all)).toEqual(new Set([leased.id, sameAccount.id]));
    await open().fail(opened.id, FAILURE, NOW_MS);
    expect(await open().missingEarlier(all)).toEqual(new Set());
    expect(await open().missingEarlier([])).toEqual(new Set());
  });

  it("sponsors a subject up to its allowance, whoever asks at once, and says when it is free again", async () => {
    const day = 86_400_000;
    const allowance = (nowMs: number) => ({ gas: 250n, sinceMs: nowMs - day, gasOfRequest: 100n });
    const sponsored = (subject: string): TransactionRequest =>
      request("relayer", { lane: "sponsored", subject });
    const asked = [1, 2, 3, 4].map(() => sponsored("account:g"));
    const answers = await Promise.allSettled(
      asked.map((one) => open().enqueue(one, NOW_MS, allowance(NOW_MS))),
    );
    const refusals = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
    expect(refusals).toHaveLength(2);
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({
        code: "gas-allowance-spent",
        kind: "rate-limited",
        retryAfterMs: day,
        details: { freeAtMs: NOW_MS + day, gasPerDay: "250" },
      });
    }
    // Another subject has its own, what was taken before is answered again, and what never went out took nothing.
    await open().enqueue(sponsored("account:h"), NOW_MS, allowance(NOW_MS));
    const taken = asked[answers.findIndex(({ status }) => status === "fulfilled")];
    if (taken === undefined) throw new Error("none was taken");
    const { id } = await open().enqueue(taken, NOW_MS, allowance(NOW_MS));
    await open().fail(id, FAILURE, NOW_MS);
    await open().enqueue(sponsored("account:g"), NOW_MS + 1, allowance(NOW_MS + 1));
    await open().enqueue(sponsored("account:g"), NOW_MS + day, allowance(NOW_MS + day));
  });
}

function nonceOf(attempt: Attempt): number {
  return Number(new TextDecoder().decode(attempt.raw).split(":")[1]);
}
