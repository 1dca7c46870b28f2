import { PAYMENT_KINDS } from "@aios/core-settlement/splits";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ContractEvent, EventArgument } from "./chain-block.js";
import { explainJobMoney, jobFromEvents, priceOf, stateAfter } from "./job-money.js";

const JOB = `0x${"01".repeat(32)}`;
const BUYER = `0x${"aa".repeat(20)}`;
const PROVIDER = `0x${"bb".repeat(20)}`;

let position = 0;

function event(name: string, args: Record<string, EventArgument>): ContractEvent {
  position += 1;
  return {
    blockHash: `0x${position}`,
    blockNumber: BigInt(position),
    timestampSeconds: 1_700_000_000n,
    transactionHash: `0x${position}`,
    gasUsed: 21_000n,
    logIndex: 0,
    contract: "JobEscrow",
    name,
    args: { jobId: JOB, ...args },
    subject: `job:${JOB}`,
  };
}

const opened = () => event("JobOpened", { buyer: BUYER, maxPriceWei: "1000", leaseBy: "1700000600" });
const leased = (token: number) =>
  event("JobLeased", {
    provider: PROVIDER,
    fencingToken: String(token),
    providerPriceWei: "400",
    proverFeeWei: "100",
    deliverBy: "1700000700",
  });
const delivered = (token: number) =>
  event("JobDelivered", {
    provider: PROVIDER,
    fencingToken: String(token),
    output: "7",
    outputHash: `0x${"0d".repeat(32)}`,
    receiptHash: `0x${"0c".repeat(32)}`,
    settleBy: "1700000800",
  });
const released = (token: number) =>
  event("JobReleased", { provider: PROVIDER, fencingToken: String(token), action: "3" });
const paid = (kind: (typeof PAYMENT_KINDS)[number], amount: bigint) =>
  event("JobPayment", {
    kind: String(PAYMENT_KINDS.indexOf(kind)),
    account: BUYER,
    amountWei: amount.toString(),
  });
const settled = () =>
  event("JobSettled", { buyer: BUYER, provider: PROVIDER, fencingToken: "2", outputHash: "0x", action: "5" });

describe("a job's money", () => {
  it("follows the job through a lost lease to its settlement", () => {
    const way = [
      opened(),
      leased(1),
      released(1),
      leased(2),
      delivered(2),
      settled(),
      paid("provider", 400n),
    ];
    const states = way.map((_, index) => jobFromEvents(way.slice(0, index + 1))?.state);
    expect(states).toEqual(["funded", "leased", "funded", "leased", "delivered", "settled", "settled"]);
    expect(way.map(stateAfter)).toEqual([...states.slice(0, 6), undefined]);
    expect(jobFromEvents(way)).toMatchObject({ buyer: BUYER, provider: PROVIDER, fencingToken: 2n });
  });

  it("says what was delivered, and forgets it with the provider of a lease that ended without payment", () => {
    const way = [opened(), leased(1), delivered(1)];
    expect(jobFromEvents(way)).toMatchObject({
      output: `0x${"7".padStart(64, "0")}`,
      outputHash: `0x${"0d".repeat(32)}`,
    });
    expect(jobFromEvents([...way, released(1)])).toMatchObject({
      provider: "",
      receiptHash: "",
      output: "",
      outputHash: "",
      state: "funded",
      providerPriceWei: 0n,
    });
  });

  it("prices a settled job by what was paid, and nothing else", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...PAYMENT_KINDS), fc.bigInt({ min: 0n, max: 10n ** 24n }))),
        (parts) => {
          const job = jobFromEvents([
            opened(),
            settled(),
            ...parts.map(([kind, amount]) => paid(kind, amount)),
          ]);
          const expected = parts
            .filter(([kind]) => kind !== "escrow" && kind !== "refund")
            .reduce((total, [, amount]) => total + amount, 0n);
          expect(job === undefined ? undefined : priceOf(job)).toBe(expected);
        },
      ),
    );
  });

  it("is unknown without an opening", () => {
    expect(jobFromEvents([leased(1)])).toBeUndefined();
    expect(explainJobMoney([])).toBeUndefined();
  });

  it("says who may act next and until when", () => {
    const after = (...events: ContractEvent[]) => explainJobMoney(events);
    expect(after(opened())).toMatchObject({ nextActor: "matcher", deadlineSeconds: 1_700_000_600n });
    expect(after(opened(), leased(1))).toMatchObject({
      nextActor: "provider",
      deadlineSeconds: 1_700_000_700n,
    });
    expect(after(opened(), leased(1), delivered(1))).toMatchObject({ nextActor: "anyone-with-evidence" });
    const end = after(opened(), leased(1), delivered(1), settled(), paid("provider", 400n));
    expect(end).toMatchObject({ nextActor: "", deadlineSeconds: 0n });
    expect(end?.explanation.join(" ")).toContain("settled, once and for good");
  });
});
