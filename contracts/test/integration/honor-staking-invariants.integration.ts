import { signedBytes } from "@aios/core-finality/messages";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Reverted } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { CHAIN_NAME, DAY_SECONDS, TestStaking, UNIT, VotingKey } from "../support/honor-staking.js";
import { TestProtocol } from "../support/protocol.js";

/**
 * Random sequences of everything that anyone can try. After each step the contract holds exactly what its nodes have
 * deposited and the income that was not paid out, and each node is owed its share of the latter.
 */
const PARTIES = ["provider", "rival", "stranger"] as const;
const MOVES = [
  "register",
  "deposit",
  "rotate",
  "unbond",
  "withdraw",
  "report",
  "fault",
  "settle",
  "unjail",
  "slash",
  "income",
  "claim",
  "time",
] as const;
const RUNS = Number(process.env["INVARIANT_RUNS"] ?? 1);
/** The first deposit is more than a fifth of it. */
const PURSE_WEI = 500_000n * UNIT;
const FRACTION_BITS = 128n;
/** What waits because it does not divide, at most a wei of each party. */
const ROUNDING_WEI = 3n;
const SEED = Number(process.env["INVARIANT_SEED"] ?? 7);

let chain: TestChain;
let protocol: TestProtocol;
let nextKey = 1;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
});
afterAll(() => chain?.stop());

const step = fc.record({
  move: fc.constantFrom(...MOVES),
  who: fc.constantFrom(...PARTIES),
  whose: fc.constantFrom(...PARTIES),
  amountWei: fc.bigInt({ min: 0n, max: 60_000n }).map((units) => units * UNIT),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What is owed by exact fractions: income goes to the deposits that stand when it comes, or to the first that stand after. */
class Shares {
  /** In 2^-128 of a wei. */
  readonly #owed = new Map<string, bigint>();
  #waiting = 0n;

  /** `stakes`: the deposits that stand. */
  note(incomeWei: bigint, stakes: ReadonlyMap<string, bigint>): void {
    this.#waiting += incomeWei;
    const total = [...stakes.values()].reduce((sum, each) => sum + each, 0n);
    if (total === 0n) return;
    for (const [name, stakeWei] of stakes)
      this.#owed.set(name, this.#of(name) + ((this.#waiting * stakeWei) << FRACTION_BITS) / total);
    this.#waiting = 0n;
  }

  paid(name: string, amountWei: bigint): void {
    this.#owed.set(name, this.#of(name) - (amountWei << FRACTION_BITS));
  }

  /** In wei, rounded down. */
  owedWei(name: string): bigint {
    return this.#of(name) >> FRACTION_BITS;
  }

  #of(name: string): bigint {
    return this.#owed.get(name) ?? 0n;
  }
}

/** Returns the income that came, and what a node was paid of it. */
async function attempt(
  staking: TestStaking,
  keys: Map<string, VotingKey>,
  { move, who, whose, amountWei }: Step,
): Promise<{ readonly incomeWei: bigint; readonly paidWei: bigint }> {
  const wallet = protocol.wallets[who];
  const account = protocol.address(whose);
  const yesterday = (await staking.today()) - 1;
  const fresh = (): VotingKey => {
    nextKey += 1;
    const key = new VotingKey(nextKey % 110 === 0 ? 1 : nextKey % 110);
    keys.set(who, key);
    return key;
  };
  if (move === "income") {
    // Odd amounts, so that nothing divides.
    const incomeWei = amountWei / 1_000n + 7n;
    await staking.contract.send(wallet, "addRewards", [], incomeWei);
    return { incomeWei, paidWei: 0n };
  }
  if (move === "claim") {
    const { events } = await staking.contract.send(wallet, "withdrawRewards", [account]);
    const paid = events.find(({ name }) => name === "RewardsWithdrawn");
    return { incomeWei: 0n, paidWei: BigInt(paid?.args["amountWei"] ?? 0) };
  }
  if (move === "time") await chain.advance(DAY_SECONDS);
  else if (move === "register") await staking.register(wallet, fresh(), amountWei);
  else if (move === "deposit") await staking.deposit(wallet, amountWei);
  else if (move === "unbond" || move === "unjail") await staking.contract.send(wallet, move, []);
  else if (move === "withdraw") await staking.contract.send(wallet, "withdrawDeposit", [account]);
  else if (move === "report") await staking.asAdmin("reportDowntime", yesterday, account, 600);
  else if (move === "fault") await staking.asAdmin("declareFault", yesterday, "test");
  else if (move === "settle") await staking.contract.send(wallet, "settleDowntime", [yesterday - 1, account]);
  else if (move === "rotate") await staking.rotateKey(wallet, fresh());
  else await slash(staking, keys.get(whose) ?? new VotingKey(120), wallet);
  return { incomeWei: 0n, paidWei: 0n };
}

/** The deposits that stand. */
async function stakesOf(staking: TestStaking): Promise<Map<string, bigint>> {
  const stakes = new Map<string, bigint>();
  for (const name of PARTIES) {
    const node = (await staking.contract.read("nodeOf", [protocol.address(name)])) as {
      depositWei: bigint;
      unbondedAt: bigint;
      isJailed: boolean;
    };
    if (node.unbondedAt === 0n && !node.isJailed) stakes.set(name, node.depositWei);
  }
  return stakes;
}

async function slash(staking: TestStaking, key: VotingKey, reporter: (typeof protocol.wallets)["provider"]) {
  const statements = [
    { checkpointId: "0x".padEnd(66, "0"), validRound: 0 },
    { checkpointId: "0x".padEnd(66, "a"), validRound: 0 },
  ];
  const signatures = [undefined, "a".repeat(64)].map((checkpointId) =>
    key.sign(signedBytes(CHAIN_NAME, { kind: "prevote", height: 1, round: 0, checkpointId, sender: 0 })),
  );
  const round = { kind: 1, height: 1, round: 0 };
  await staking.contract.send(reporter, "slashDoubleMessage", [key.encoded, round, statements, signatures]);
}

it("HonorStaking never owes more or less than it holds", { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 30 }), async (steps) => {
      const staking = await TestStaking.deploy(protocol);
      await refill(staking);
      const keys = new Map<string, VotingKey>();
      for (const [index, name] of PARTIES.entries())
        await attempt(staking, keys, {
          move: "register",
          who: name,
          whose: name,
          amountWei: (120_000n + BigInt(index)) * UNIT,
        }).catch(ignore);
      const shares = new Shares();
      let [succeeded, incomeWei, paidWei] = [0, 0n, 0n];
      for (const one of steps) {
        const done = await attempt(staking, keys, one).catch(ignore);
        if (done !== false) {
          succeeded += 1;
          shares.note(done.incomeWei, await stakesOf(staking));
          shares.paid(one.whose, done.paidWei);
          incomeWei += done.incomeWei;
          paidWei += done.paidWei;
        }
        let [depositedWei, owedWei] = [0n, 0n];
        for (const name of PARTIES) {
          const account = protocol.address(name);
          depositedWei += await staking.depositOf(account);
          const rewardsWei = await staking.contract.readBigInt("rewardsOf", [account]);
          owedWei += rewardsWei;
          const differenceWei = shares.owedWei(name) - rewardsWei;
          expect(differenceWei >= -ROUNDING_WEI && differenceWei <= ROUNDING_WEI, `${differenceWei}`).toBe(
            true,
          );
        }
        expect(await staking.contract.readBigInt("totalDepositedWei")).toBe(depositedWei);
        const restWei = (await staking.held(staking.contract.address)) - depositedWei;
        expect(restWei).toBe(incomeWei - paidWei);
        expect(owedWei).toBeLessThanOrEqual(restWei);
      }
      expect(succeeded).toBeGreaterThan(5);
    }),
    { numRuns: RUNS, seed: SEED },
  );
});

/** What a run deposits stays in its contract: the next one begins with as much. */
async function refill(staking: TestStaking): Promise<void> {
  for (const name of PARTIES) {
    const lackWei = PURSE_WEI - (await staking.held(protocol.address(name)));
    if (lackWei <= 0n) continue;
    await (await chain.funder.sendTransaction({ to: protocol.address(name), value: lackWei })).wait();
  }
}

/** Most of what is tried is refused. */
function ignore(error: unknown): false {
  if (error instanceof Reverted) return false;
  throw error;
}
