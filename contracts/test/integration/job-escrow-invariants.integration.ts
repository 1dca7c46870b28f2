import {
  type EscrowAction,
  type EscrowState,
  isTerminal,
  JOB_STATES,
  JOB_TRANSITIONS,
} from "@aios/core-settlement/job-state-table";
import type { Order } from "@aios/core-settlement/order-digest";
import { splitJobPayment } from "@aios/core-settlement/splits";
import { ContractFactory, keccak256, toBeHex } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abi as probeAbi, bytecode as probeCode } from "../../generated/test/escrow-probe.js";
import { Reverted, type Sent, TestContract } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { TestProtocol } from "../support/protocol.js";

/**
 * Random sequences of everything that anyone can try, mostly things that are refused. After each step: only rows
 * of the state table happened, the escrow holds exactly what it owes, no coin appeared or vanished, and every
 * job's payments sum to its cap, once; what only a proof or a second provider settles is settled with the right output.
 */
const CAP = 10_000n;
const TERMS = {
  providerPriceWei: 4_000n,
  proverFeeWei: 501n,
  royaltyBps: 0,
  usageFeeWei: 0n,
  protocolFeeBps: 500,
};

const MOVES = ["open", "lease", "deliver", "release", "refute", "settle", "accept", "refund"] as const;
type Move = (typeof MOVES)[number];
const MOVE_OF: Readonly<Record<EscrowAction, Move>> = {
  open: "open",
  lease: "lease",
  deliver: "deliver",
  release: "release",
  refute: "refute",
  "verify-final": "settle",
  "verify-pending": "settle",
  accept: "accept",
  "window-ends": "settle",
  "refund-unleased": "refund",
  "refund-unsettled": "refund",
};

const JOBS = 3;
const BACKWARD: ReadonlySet<Move> = new Set(["release", "refund"]);
const RIGHT_OUTPUT = 42n;
const WRONG_OUTPUT = 41n;
const RIGHT_HASH = keccak256(toBeHex(RIGHT_OUTPUT, 32));
/** Whom the lease of a replicated job names, who computes right; anybody else who has a stake would sign anything. */
const SECOND = { provider: "rival", rival: "provider" } as const;

type Step =
  | { readonly do: "withdraw"; readonly who: "provider" | "rival" | "prover" | "buyer" | "owner" }
  | { readonly do: "time"; readonly seconds: number }
  | {
      readonly do: "move";
      readonly job: number;
      /** Picks among the moves that the job's state knows, or among all of them when `stray`. */
      readonly pick: number;
      readonly stray: boolean;
      readonly stale: boolean;
      readonly rival: boolean;
      readonly wrong: boolean;
    };

const seldom = fc.nat({ max: 5 }).map((value) => value === 0);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant("move" as const),
      job: fc.nat({ max: JOBS - 1 }),
      pick: fc.nat({ max: 1_000 }),
      stray: seldom,
      stale: seldom,
      rival: seldom,
      wrong: fc.nat({ max: 3 }).map((value) => value === 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("withdraw" as const),
      who: fc.constantFrom("provider", "rival", "prover", "buyer", "owner"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("time" as const),
      seconds: fc.constantFrom(10, 61, 61, 121, 301, 601),
    }),
  },
);

interface Snapshot {
  readonly states: readonly EscrowState[];
  readonly fencingTokens: readonly bigint[];
  readonly heldWei: bigint;
  readonly owedWei: bigint;
  readonly escrowedWei: bigint;
  readonly supplyWei: bigint;
  readonly backingWei: bigint;
}

let chain: TestChain;
let protocol: TestProtocol;
let probe: TestContract;
const seen = new Set<string>();
let runs = 0;
let settledByTwo = 0;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
  await protocol.wrap("owner", 10n ** 18n);
  await protocol.register("owner");
  const deployed = await new ContractFactory(probeAbi, probeCode, protocol.wallets.stranger).deploy();
  await deployed.waitForDeployment();
  probe = new TestContract(await deployed.getAddress(), probeAbi, protocol.wallets.stranger);
});
afterAll(() => chain?.stop());

class Run {
  readonly paid = new Map<string, bigint>();
  readonly ended = new Map<string, number>();
  /** Ids of the jobs that nobody's word settles. */
  readonly certified: ReadonlySet<string>;
  readonly seconds = new Map<string, "provider" | "rival">();
  #now: Snapshot;

  private constructor(
    readonly orders: readonly Order[],
    readonly start: Snapshot,
  ) {
    this.#now = start;
    const { Groth16ResultVerifier, ReplicatedResultVerifier } = protocol.deployment.contracts;
    const certifying = [Groth16ResultVerifier, ReplicatedResultVerifier];
    this.certified = new Set(
      orders.filter(({ verifier }) => certifying.includes(verifier)).map((order) => protocol.jobId(order)),
    );
  }

  /** The first job is settled by proof or by two, the second by acceptance or time, the third by any but two. */
  static async start(first: "Groth16ResultVerifier" | "ReplicatedResultVerifier"): Promise<Run> {
    const orders: Order[] = [];
    const proven = await protocol.provenOrder();
    const own = () => ({ nonce: protocol.nonce(), maxPriceWei: CAP });
    orders.push({ ...proven, ...own(), verifier: protocol.deployment.contracts[first] });
    orders.push(await protocol.order(own()));
    const sampled = { ...proven, ...own(), verifier: protocol.deployment.contracts.SampledResultVerifier };
    orders.push(sampled);
    await protocol.putAtRisk("provider", sampled, 700n);
    return new Run(orders, await snapshotOf(orders));
  }

  async take(step: Step): Promise<void> {
    const sent = await this.attempt(step).catch((error: unknown) => {
      if (error instanceof Reverted) return undefined;
      throw error;
    });
    if (sent !== undefined) this.count(sent);
    const before = this.#now;
    this.#now = await snapshotOf(this.orders);
    this.checkTransitions(before.states, this.#now.states, step);
    this.checkMoney(this.#now);
  }

  private async attempt(step: Step): Promise<Sent | undefined> {
    if (step.do === "time") return chain.advance(step.seconds).then(() => undefined);
    if (step.do === "withdraw") {
      return protocol.escrow.send(protocol.wallets.relayer, "withdrawFor", [protocol.address(step.who)]);
    }
    const order = this.orders[step.job] as Order;
    const jobId = protocol.jobId(order);
    const liveToken = this.#now.fencingTokens[step.job] ?? 0n;
    const known = JOB_TRANSITIONS.filter(({ from }) => from === this.#now.states[step.job]).map(
      ({ action }) => MOVE_OF[action],
    );
    // What brings a job forward is tried more often than what takes it back.
    const forward = known.filter((move) => !BACKWARD.has(move));
    const moves = step.stray || known.length === 0 ? MOVES : [...known, ...forward, ...forward];
    switch (moves[step.pick % moves.length] as Move) {
      case "open":
        return protocol.open(order);
      case "release":
        return protocol.escrow.send(protocol.wallets[step.wrong ? "stranger" : "matcher"], "release", [
          jobId,
        ]);
      case "refund":
        return protocol.escrow.send(protocol.wallets.stranger, "refund", [jobId]);
      case "settle":
        return protocol.settle(jobId, await this.settlement(order, step), "stranger");
      case "refute":
        return protocol.escrow.send(protocol.wallets.stranger, "refute", [
          jobId,
          RIGHT_OUTPUT,
          await this.evidence(order, !step.wrong),
        ]);
      case "lease": {
        const provider = step.rival ? "rival" : "provider";
        const second = SECOND[provider];
        await ensureStaked(provider);
        if (isReplicated(order)) await ensureStaked(second);
        const fencingToken = liveToken + (step.stale ? 0n : 1n);
        const terms = {
          fencingToken,
          prover: protocol.address(isReplicated(order) ? second : "prover"),
          providerPriceWei: 4_000n,
          proverFeeWei: 501n,
        };
        const leased = await protocol.lease(jobId, terms, provider, step.wrong ? "stranger" : "matcher");
        this.seconds.set(jobId, second);
        return leased;
      }
      case "deliver": {
        const fencingToken = liveToken - (step.stale ? 1n : 0n);
        const delivery = {
          fencingToken: fencingToken < 0n ? 0n : fencingToken,
          // A wrong output is what a sampled job's window is for: most are wrong there.
          output: step.wrong !== isSampled(order) ? WRONG_OUTPUT : RIGHT_OUTPUT,
        };
        return protocol.deliver(jobId, delivery, step.rival ? "rival" : "provider");
      }
      case "accept": {
        const fencingToken = liveToken + (step.stale ? 1n : 0n);
        return protocol.accept(jobId, { fencingToken }, step.wrong ? "stranger" : "buyer");
      }
    }
  }

  /**
   * A sampled job is mostly settled without a proof, so that its window is seen; a replicated one by the second signature,
   * or by that of an accomplice with a stake of its own for what was not computed right.
   */
  private async settlement(order: Order, step: { wrong: boolean; rival: boolean }): Promise<string> {
    if (isReplicated(order)) {
      const jobId = protocol.jobId(order);
      if (step.wrong) return protocol.replica(jobId, WRONG_OUTPUT, "owner");
      return protocol.replica(jobId, RIGHT_OUTPUT, this.seconds.get(jobId) ?? "owner");
    }
    return isSampled(order) && !step.rival ? "0x" : this.evidence(order, !step.wrong);
  }

  private isOfTwo(jobId: string): boolean {
    return this.orders.some((order) => isReplicated(order) && protocol.jobId(order) === jobId);
  }

  private async evidence(order: Order, good: boolean): Promise<string> {
    return order.modelId === 0n ? "0x" : protocol.evidence(order, good ? 42n : 43n);
  }

  private count({ events }: Sent): void {
    for (const { name, args } of events) {
      const jobId = String(args["jobId"]);
      if (name === "JobPayment" && args["kind"] !== 0n) {
        this.paid.set(jobId, (this.paid.get(jobId) ?? 0n) + BigInt(String(args["amountWei"])));
      }
      if (name === "JobSettled" && this.certified.has(jobId)) expect(args["outputHash"]).toBe(RIGHT_HASH);
      if (name === "JobSettled" && this.isOfTwo(jobId)) settledByTwo += 1;
      if (name === "JobSettled" || name === "JobRefunded")
        this.ended.set(jobId, (this.ended.get(jobId) ?? 0) + 1);
    }
  }

  private checkTransitions(before: readonly EscrowState[], after: readonly EscrowState[], step: Step): void {
    for (const [index, from] of before.entries()) {
      const to = after[index] as EscrowState;
      if (from === to) continue;
      expect(step.do === "move" && step.job === index, "only the named job moves").toBe(true);
      const rows = JOB_TRANSITIONS.filter((row) => row.from === from && row.to === to);
      expect(rows, `${from} -> ${to}`).not.toEqual([]);
      expect(isTerminal(from)).toBe(false);
      seen.add(`${from} -> ${to}`);
    }
  }

  private checkMoney({ states, heldWei, owedWei, escrowedWei, supplyWei, backingWei }: Snapshot): void {
    expect(heldWei).toBe(owedWei + escrowedWei);
    expect(backingWei).toBe(supplyWei);
    for (const [index, state] of states.entries()) {
      const jobId = protocol.jobId(this.orders[index] as Order);
      expect(this.ended.get(jobId) ?? 0).toBe(isTerminal(state) ? 1 : 0);
      expect(this.paid.get(jobId) ?? 0n).toBe(isTerminal(state) ? CAP : 0n);
    }
    const open = states.filter((state) => state !== "None" && !isTerminal(state)).length;
    expect(escrowedWei - this.start.escrowedWei).toBe(BigInt(open) * CAP);
  }
}

/** A refuted provider may have too little stake left: it adds some. */
async function ensureStaked(party: "provider" | "rival"): Promise<void> {
  if ((await protocol.providers.read("isActive", [protocol.address(party)])) !== true)
    await protocol.register(party);
}

/** Stakes taken and paid out: what is left is what the registry says. */
async function expectStakesConserved(): Promise<void> {
  expect(await protocol.balance(protocol.providers.address)).toBe(
    await protocol.providers.readBigInt("totalStakedWei"),
  );
}

async function snapshotOf(orders: readonly Order[]): Promise<Snapshot> {
  const jobIds = orders.map((order) => protocol.jobId(order));
  const raw = (await probe.read("probe", [protocol.escrow.address, jobIds])) as Snapshot & {
    readonly states: readonly bigint[];
  };
  return {
    states: [...raw.states].map((state) => JOB_STATES[Number(state)] ?? "None"),
    fencingTokens: [...raw.fencingTokens],
    heldWei: raw.heldWei,
    owedWei: raw.owedWei,
    escrowedWei: raw.escrowedWei,
    supplyWei: raw.supplyWei,
    backingWei: raw.backingWei,
  };
}

describe("the escrow under random sequences", () => {
  it("keeps its invariants", async () => {
    expect(splitJobPayment(TERMS, CAP).refundWei).toBeGreaterThan(0n);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 50 }), async (steps) => {
        const run = await Run.start(runs++ % 2 === 0 ? "Groth16ResultVerifier" : "ReplicatedResultVerifier");
        for (const item of steps) await run.take(item);
        await expectStakesConserved();
      }),
      {
        numRuns: Number(process.env["INVARIANT_RUNS"] ?? 12),
        seed: Number(process.env["INVARIANT_SEED"] ?? 20_261),
        endOnFailure: true,
      },
    );
    // A generator that never gets anywhere would test nothing: these sequences go every way there is.
    expect([...seen].sort()).toEqual(
      [...new Set(JOB_TRANSITIONS.map(({ from, to }) => `${from} -> ${to}`))].sort(),
    );
    expect(settledByTwo).toBeGreaterThan(0);
  }, 300_000);
});

function isReplicated(order: Order): boolean {
  return order.verifier === protocol.deployment.contracts.ReplicatedResultVerifier;
}

function isSampled(order: Order): boolean {
  return order.verifier === protocol.deployment.contracts.SampledResultVerifier;
}
