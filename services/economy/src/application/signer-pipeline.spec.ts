import { ManualClock } from "@aios/kernel/clock";
import { address } from "@aios/kernel/identifiers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Attempt, ChainTransaction, Lane, TransactionFailure } from "../domain/chain-transaction.js";
import { callRefused, chainUnavailable, executionHalted } from "../domain/errors.js";
import type { ChainNode, SignerVault, TransactionStore } from "../domain/ports.js";
import { SignerPipeline } from "./signer-pipeline.js";
import { TransactionFeed } from "./transaction-feed.js";

const ACCOUNT = address(`0x${"aa".repeat(20)}`);
const GIVE_UP_AFTER_MS = 1_000;

/** Requests by id; each is tried as `outcomes` says and succeeds without an entry. */
const queued = new Map<string, ChainTransaction>();
const outcomes = new Map<string, unknown>();
const failed = new Map<string, string>();
const sent: string[] = [];
const marked: string[] = [];
/** Requests that go out under a bound without being tried. */
const bounded = new Set<string>();
/** Gas limits that requests were sent under. */
const gasLimits = new Map<string, bigint>();
const buildsOn = new Map<string, string>();
/** Requests that build on what is not settled yet. */
const missing = new Set<string>();
const inFlight = { money: 0, sponsored: 0 };
let passes = 0;
let sequence = 0n;
let clock: ManualClock;
let pipeline: SignerPipeline;

const store: Pick<TransactionStore, "countInFlight" | "queued" | "missingEarlier" | "assign" | "fail"> &
  Pick<TransactionStore, "markBroadcast"> = {
  countInFlight: async () => inFlight,
  queued: async (_signer, lane, after, limit) => {
    if (lane === "money" && after === 0n) passes += 1;
    return [...queued.values()]
      .filter((request) => request.lane === lane && request.sequence > after)
      .slice(0, limit);
  },
  missingEarlier: async (ids) => new Set(ids.filter((id) => missing.has(id))),
  assign: async (_signer, assignments): Promise<readonly Attempt[]> =>
    assignments.map(({ transactionId, fees, gasLimit }) => {
      gasLimits.set(transactionId, gasLimit);
      queued.delete(transactionId);
      const raw = new TextEncoder().encode(transactionId);
      const form = { hash: transactionId, raw, number: 1, createdAtMs: 0, broadcastAtMs: undefined };
      return { transactionId, ...form, ...fees };
    }),
  markBroadcast: async (hashes) => {
    marked.push(...hashes);
  },
  fail: async (transactionId, failure: TransactionFailure) => {
    const transaction = queued.get(transactionId);
    if (transaction === undefined) throw new Error(`${transactionId} is not queued`);
    queued.delete(transactionId);
    failed.set(transactionId, failure.code);
    for (const [later, earlier] of buildsOn) if (earlier === transactionId) missing.delete(later);
    return transaction;
  },
};

const node: Pick<ChainNode, "baseFeePerGasWei" | "estimateGas" | "broadcast"> = {
  baseFeePerGasWei: async () => 1n,
  estimateGas: async ({ data }) => {
    const outcome = outcomes.get(new TextDecoder().decode(data));
    if (outcome !== undefined) throw outcome;
    return 21_000n;
  },
  broadcast: async (raw) => {
    const id = new TextDecoder().decode(raw);
    if (id === "lost") throw chainUnavailable(1);
    sent.push(id);
    return { kind: "accepted" };
  },
};

function queue(id: string, lane: Lane = "money"): void {
  sequence += 1n;
  queued.set(id, {
    id,
    sequence,
    subject: id,
    lane,
    state: "queued",
    caller: "compute",
    idempotencyKey: id,
    tenant: "",
    signer: "relayer",
    contract: "JobEscrow",
    to: ACCOUNT,
    data: new TextEncoder().encode(id),
    valueWei: 0n,
    purpose: "open",
    traceparent: "",
    nonce: undefined,
    gasLimit: undefined,
    hash: "",
    blockNumber: undefined,
    gasUsed: undefined,
    failure: undefined,
  });
}

/** One whole pass: passes follow each other, so the start of the second is the end of the first. */
async function pass(): Promise<void> {
  for (let count = 0; count < 2; count++) {
    const before = passes;
    pipeline.wake();
    await vi.waitFor(() => expect(passes).toBeGreaterThan(before));
  }
}

beforeEach(() => {
  queued.clear();
  outcomes.clear();
  failed.clear();
  sent.length = 0;
  marked.length = 0;
  bounded.clear();
  gasLimits.clear();
  missing.clear();
  buildsOn.clear();
  Object.assign(inFlight, { money: 0, sponsored: 0 });
  clock = new ManualClock();
  pipeline = new SignerPipeline(
    "relayer",
    ACCOUNT,
    1n,
    node as ChainNode,
    {} as SignerVault,
    store as TransactionStore,
    new TransactionFeed(),
    ({ id }) => (bounded.has(id) ? { kind: "bounded", gasLimit: 9n } : { kind: "estimated" }),
    clock,
    {
      priorityFeePerGasWei: 1n,
      maxFeePerGasCapWei: 100n,
      maxInFlight: 16,
      stuckAfterMs: 1_000,
      giveUpAfterMs: GIVE_UP_AFTER_MS,
    },
    {
      sent: () => undefined,
      replaced: () => undefined,
      refused: () => undefined,
      problem: () => undefined,
      crashPoint: () => undefined,
    },
  );
});

describe("queued transactions", () => {
  it("end at once when their execution halts", async () => {
    queue("halts");
    outcomes.set("halts", executionHalted("out of gas"));
    await pass();
    expect(failed).toEqual(new Map([["halts", "execution-halted"]]));
  });

  it("are not judged by a state that misses earlier ones", async () => {
    missing.add("halts");
    queue("halts");
    outcomes.set("halts", executionHalted("out of gas"));
    await pass();
    clock.advance(GIVE_UP_AFTER_MS * 10);
    await pass();
    expect(failed.size).toBe(0);
  });

  it("are all judged in one pass, and what built on a refused one in the next", async () => {
    for (let count = 0; count < 200; count++) {
      queue(`halts-${count}`, "sponsored");
      outcomes.set(`halts-${count}`, executionHalted("out of gas"));
    }
    queue("builds", "sponsored");
    missing.add("builds");
    buildsOn.set("builds", "halts-199");
    outcomes.set("builds", executionHalted("out of gas"));
    pipeline.wake();
    await vi.waitFor(() => expect(failed.size).toBe(201));
    expect(queued.size).toBe(0);
  });

  it("go out past any number that wait, those of jobs first", async () => {
    for (const [lane, count] of [
      ["sponsored", 100],
      ["money", 100],
    ] as const) {
      for (let index = 0; index < count; index++) {
        queue(`${lane}-${index}`, lane);
        missing.add(`${lane}-${index}`);
        outcomes.set(`${lane}-${index}`, executionHalted("out of gas"));
      }
    }
    queue("register", "sponsored");
    queue("settle");
    await pass();
    expect(sent).toEqual(["settle", "register"]);
    expect(failed.size).toBe(0);
  });

  it("leave places for the other lane, however many of one are in flight", async () => {
    inFlight.sponsored = 4;
    queue("register", "sponsored");
    queue("settle");
    await pass();
    expect(sent).toEqual(["settle"]);
    Object.assign(inFlight, { money: 15, sponsored: 0 });
    queue("open");
    pipeline.wake();
    await vi.waitFor(() => expect(sent).toEqual(["settle", "register"]));
  });

  it("go out although others of the same pass cannot be tried", async () => {
    queue("odd");
    queue("good");
    outcomes.set("odd", new TypeError("unforeseen"));
    await pass();
    expect(sent).toEqual(["good"]);
    expect([...queued.keys()]).toEqual(["odd"]);
  });

  it("go out untried where the state table admits them", async () => {
    queue("bounded");
    bounded.add("bounded");
    outcomes.set("bounded", executionHalted("it was tried"));
    await pass();
    expect(sent).toEqual(["bounded"]);
    expect(gasLimits.get("bounded")).toBe(9n);
  });

  it("are noted as sent although another's broadcast breaks off", async () => {
    queue("lost");
    queue("good");
    await pass();
    expect(marked).toEqual(["good"]);
  });

  it("fail in the end for a reason that stays, but never because the chain is away", async () => {
    queue("refused");
    queue("odd");
    queue("patient");
    outcomes.set("refused", callRefused(1, new Error("no")));
    outcomes.set("odd", new TypeError("unforeseen"));
    outcomes.set("patient", chainUnavailable(1));
    await pass();
    clock.advance(GIVE_UP_AFTER_MS);
    await pass();
    expect(failed.size).toBe(0);
    clock.advance(1);
    await pass();
    expect(Object.fromEntries(failed)).toEqual({ refused: "call-refused", odd: "simulation-failed" });
    clock.advance(GIVE_UP_AFTER_MS * 100);
    await pass();
    expect([...queued.keys()]).toEqual(["patient"]);
  });

  it("start waiting anew after the chain was away", async () => {
    queue("refused");
    outcomes.set("refused", callRefused(1, new Error("no")));
    await pass();
    outcomes.set("refused", chainUnavailable(1));
    clock.advance(GIVE_UP_AFTER_MS * 2);
    await pass();
    outcomes.set("refused", callRefused(1, new Error("no")));
    await pass();
    expect(failed.size).toBe(0);
  });
});
