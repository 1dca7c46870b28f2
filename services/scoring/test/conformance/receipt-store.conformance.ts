import { RECEIPT_KINDS } from "@aios/core-settlement/typed-data";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { JobOnChain, NewReceipt, ReceiptStore } from "../../src/domain/ports.js";

const NOW_MS = 1_800_000_000_000;
const BUYER = `0x${"b0".repeat(20)}`;
const hash = (index: number): string => `0x${index.toString(16).padStart(64, "0")}`;
const COUNTS = { counts: true, countersignedBy: "settlement" } as const;
let receipts = 0;

function newReceipt(change: Partial<NewReceipt> = {}): NewReceipt {
  receipts += 1;
  const provider = change.provider ?? `0x${"a1".repeat(20)}`;
  const message = {
    kind: RECEIPT_KINDS.inference,
    jobId: hash(receipts),
    provider,
    counterparty: BUYER,
    modelCommitment: hash(1),
    inputCommitment: hash(2),
    outputHash: hash(3),
    startedAtMs: "1",
    finishedAtMs: "2",
    promisedMs: "3",
    workUnits: "4",
    storedBytes: "0",
    priceWei: "5",
  };
  return {
    receiptId: hash(1_000_000 + receipts),
    tenant: "account:a",
    kind: RECEIPT_KINDS.inference,
    jobId: message.jobId,
    provider,
    counterparty: BUYER,
    inputCommitment: message.inputCommitment,
    outputHash: message.outputHash,
    storesData: false,
    messageJson: JSON.stringify(message),
    providerSignature: Uint8Array.of(1, 2, 3),
    refusal: undefined,
    ...change,
  };
}

function jobOnChain(change: Partial<JobOnChain> = {}): JobOnChain {
  return {
    jobId: hash(77),
    state: "funded",
    buyer: BUYER,
    provider: "",
    receiptHash: "",
    openedAtSeconds: 100,
    settledAtSeconds: undefined,
    settlementHash: "",
    ...change,
  };
}

/** What every `ReceiptStore` does. `crash` ends its backend in the middle and brings it back. */
export function receiptStoreConformance(open: () => ReceiptStore, crash: () => Promise<void>): void {
  it("keeps a receipt once, as it came, also after a crash", async () => {
    const receipt = newReceipt();
    await Promise.all(Array.from({ length: 4 }, () => open().add([receipt], NOW_MS)));
    await open().add([{ ...receipt, messageJson: "{}" }], NOW_MS + 1);
    await crash();
    const stored = await open().byId(receipt.receiptId.toUpperCase().replace("0X", "0x"));
    expect(stored).toMatchObject({ state: "waiting", messageJson: receipt.messageJson, batchId: undefined });
    expect([...stored.providerSignature]).toEqual([1, 2, 3]);
    expect((await open().waitingFor([receipt.jobId])).map(({ receiptId }) => receiptId)).toEqual([
      receipt.receiptId,
    ]);
    expect((await open().waitingSince(NOW_MS + 1, 100)).map(({ receiptId }) => receiptId)).toContain(
      receipt.receiptId,
    );
    expect((await open().waitingSince(NOW_MS, 100)).map(({ receiptId }) => receiptId)).not.toContain(
      receipt.receiptId,
    );
    await expect(open().byId(hash(5))).rejects.toMatchObject({ code: "receipt-not-found" });
  });

  it("shows what is no receipt as refused from the start", async () => {
    const refusal = { reason: "malformed", message: "It is none." } as const;
    const receipt = newReceipt({ refusal });
    await open().add([receipt], NOW_MS);
    expect(await open().byId(receipt.receiptId)).toMatchObject({
      state: "refused",
      refusedBecause: "malformed: It is none.",
    });
    await open().judge(receipt.receiptId, COUNTS);
    expect((await open().byId(receipt.receiptId)).state).toBe("refused");
  });

  it("counts a work once, however many receipts of it are judged at once", async () => {
    const first = newReceipt();
    const copies = [first, ...[1, 2, 3].map(() => newReceipt({ jobId: first.jobId }))];
    for (const copy of copies) await open().add([copy], NOW_MS);
    await Promise.all(copies.map(({ receiptId }) => open().judge(receiptId, COUNTS)));
    const states = await Promise.all(copies.map(({ receiptId }) => open().byId(receiptId)));
    expect(states.filter(({ state }) => state === "counted")).toHaveLength(1);
    for (const { state, refusedBecause } of states)
      if (state !== "counted") expect(refusedBecause).toMatch(/^replayed/);
    const [refused] = states.filter(({ state }) => state === "refused");
    if (refused !== undefined) expect(await open().workCounted(refused)).toBe(true);
  });

  it("anchors counted receipts in one batch at a time, and forgets none over a crash", async () => {
    const account = `0x${"c4".repeat(20)}`;
    const own = [newReceipt({ provider: account }), newReceipt({ provider: account })];
    for (const receipt of own) {
      await open().add([receipt], NOW_MS);
      await open().judge(receipt.receiptId, COUNTS);
    }
    const counted = await open().countedCount();
    const rootOf = (ids: readonly string[]): string => hash(9_000 + ids.length);
    const opened = await Promise.allSettled([1, 2, 3].map(() => open().openBatch(100, rootOf, NOW_MS)));
    const batches = opened.flatMap((result) =>
      result.status === "fulfilled" && result.value !== undefined ? [result.value] : [],
    );
    expect(batches).toHaveLength(1);
    const [batch] = batches;
    if (batch === undefined) throw new Error("no batch was opened");
    await crash();
    expect(await open().batchUnderWay()).toEqual(batch);
    expect((await open().batch(batch.batchId)).receiptIds).toHaveLength(counted);
    expect(await open().openBatch(100, rootOf, NOW_MS)).toBeUndefined();

    await open().retryBatch(batch.batchId, batch.attempt, batch.number + 4n, "taken", NOW_MS + 5);
    await open().retryBatch(batch.batchId, batch.attempt, batch.number + 9n, "late", NOW_MS + 9);
    expect(await open().batchUnderWay()).toMatchObject({
      attempt: batch.attempt + 1,
      number: batch.number + 4n,
      notBeforeMs: NOW_MS + 5,
    });
    expect(await open().evidenceFor(account, 10)).toEqual([]);
    await open().anchored(hash(1), 1n, "0xother");
    await open().anchored(batch.root, batch.number + 4n, "0xhash");
    await open().anchored(batch.root, 99n, "0xagain");
    expect(await open().batch(batch.batchId)).toMatchObject({
      state: "anchored",
      number: batch.number + 4n,
      transactionHash: "0xhash",
    });
    expect(await open().batchUnderWay()).toBeUndefined();
    const evidence = await open().evidenceFor(account, 10);
    expect(evidence.map(({ digest }) => digest).toSorted()).toEqual(
      own.map((one) => one.receiptId).toSorted(),
    );
  });

  it("follows a job to its end, and never from there", async () => {
    const jobOf = async (jobId: string) => (await open().jobs([jobId])).get(jobId);
    expect(await jobOf(hash(77))).toBeUndefined();
    await open().recordJobs([jobOnChain()]);
    const settled = jobOnChain({ state: "settled", openedAtSeconds: 150, settledAtSeconds: 200 });
    await open().recordJobs([settled]);
    await open().recordJobs([jobOnChain({ state: "leased", settledAtSeconds: 999 })]);
    await crash();
    expect(await jobOf(hash(77))).toEqual({ ...settled, openedAtSeconds: 100 });
  });

  it("keeps the same of jobs and receipts, however many come together", async () => {
    const states = ["funded", "leased", "delivered", "settled", "refunded"];
    const step = fc.record({
      job: fc.integer({ min: 0, max: 3 }),
      state: fc.constantFrom(...states),
      at: fc.integer({ min: 1, max: 1_000 }),
    });
    let runs = 0;
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      runs += 1;
      const under = (run: number, job: number): string => hash(run * 1_000 + job);
      const changes = (run: number): JobOnChain[] =>
        steps.map(({ job, state, at }) =>
          jobOnChain({
            jobId: under(run, job),
            state,
            openedAtSeconds: state === "funded" ? at : undefined,
            settledAtSeconds: state === "settled" ? at : undefined,
            settlementHash: state === "settled" ? hash(at) : "",
          }),
        );
      const [together, alone] = [1_000_000 + 2 * runs, 1_000_001 + 2 * runs];
      await open().recordJobs(changes(together));
      for (const change of changes(alone)) await open().recordJobs([change]);
      const kept = async (run: number) => {
        const jobs = await open().jobs([0, 1, 2, 3].map((job) => under(run, job)));
        return [0, 1, 2, 3].map((job) => ({ ...jobs.get(under(run, job)), jobId: job }));
      };
      expect(await kept(together)).toEqual(await kept(alone));
    });
    await fc.assert(property, { numRuns: 25 });

    const [first, second] = [newReceipt(), newReceipt()];
    await open().add([second, first, second], NOW_MS);
    const waiting = await open().waitingFor([first.jobId, second.jobId]);
    expect(waiting.map(({ receiptId }) => receiptId)).toEqual([second.receiptId, first.receiptId]);
  });

  it("lists by account and by job, the newest first", async () => {
    const provider = `0x${"d7".repeat(20)}`;
    const own = [newReceipt({ provider }), newReceipt({ provider }), newReceipt({ provider })];
    for (const receipt of own) await open().add([receipt], NOW_MS);
    const ids = own.map(({ receiptId }) => receiptId).toReversed();
    const found = await open().list({ account: provider }, 2);
    expect(found.map(({ receiptId }) => receiptId)).toEqual(ids.slice(0, 2));
    expect((await open().list({ jobId: own[0]?.jobId ?? "" }, 10)).map(({ receiptId }) => receiptId)).toEqual(
      [ids[2]],
    );
  });
}
