import { describe, expect, it } from "vitest";
import { owedBy } from "./events-owed.js";
import { eventProblems, paymentProblems } from "./order-audit.js";

const names = (...all: readonly string[]) => all.map((name) => ({ name }));

describe("an order's account", () => {
  it("is opened once and settled once on chain", () => {
    expect(eventProblems(names("JobOpened", "JobLeased", "JobDelivered", "JobSettled"))).toEqual([]);
    expect(eventProblems(names("JobOpened", "JobSettled", "JobSettled"))).toEqual([
      "settled 2 times on chain",
    ]);
    expect(eventProblems([])).toHaveLength(2);
    expect(eventProblems(names("JobOpened", "JobSettled", "JobRefunded"))).toEqual([
      "refunded 1 times on chain",
    ]);
  });

  it("pays out what came in, to the last wei", () => {
    const paid = (kind: string, amountWei: string) => ({ kind, amountWei }) as never;
    const fine = [paid("escrow", "10"), paid("provider", "3"), paid("refund", "7"), paid("withdrawal", "7")];
    expect(paymentProblems(fine)).toEqual([]);
    expect(paymentProblems(fine.slice(0, 2))).toEqual(["10 wei went into escrow, 3 wei came out"]);
    expect(paymentProblems([])).toHaveLength(1);
  });
});

describe("events that are owed", () => {
  const service = (changes: object) =>
    ({
      name: "economy",
      state: "ready",
      outbox: { events: 0 },
      deadLetters: { events: 0 },
      ...changes,
    }) as never;

  it("are none where outboxes are empty and nobody gave up", () => {
    expect(owedBy([service({}), service({ outbox: null, deadLetters: null })])).toEqual([]);
  });

  it("are told with the service that owes them", () => {
    const owing = service({ state: "silent", outbox: { events: 2 }, deadLetters: { events: 1 } });
    expect(owedBy([owing])).toEqual([
      "economy is silent",
      "2 events wait in the outbox of economy",
      "economy gave up on 1 events",
    ]);
  });
});
