import { signedBytes } from "@aios/core-finality/messages";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Reverted } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { CHAIN_NAME, DAY_SECONDS, TestStaking, UNIT, VotingKey } from "../support/honor-staking.js";
import { TestProtocol } from "../support/protocol.js";

/**
 * Random sequences of everything that anyone can try. After each step the contract holds exactly what its nodes have
 * deposited.
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
  "time",
] as const;
const RUNS = Number(process.env["INVARIANT_RUNS"] ?? 1);
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

async function attempt(
  staking: TestStaking,
  keys: Map<string, VotingKey>,
  { move, who, whose, amountWei }: Step,
) {
  const wallet = protocol.wallets[who];
  const account = protocol.address(whose);
  const yesterday = (await staking.today()) - 1;
  const fresh = (): VotingKey => {
    nextKey += 1;
    const key = new VotingKey(nextKey % 110 === 0 ? 1 : nextKey % 110);
    keys.set(who, key);
    return key;
  };
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
      const keys = new Map<string, VotingKey>();
      for (const [index, name] of PARTIES.entries())
        await attempt(staking, keys, {
          move: "register",
          who: name,
          whose: name,
          amountWei: (120_000n + BigInt(index)) * UNIT,
        }).catch(ignore);
      let succeeded = 0;
      for (const one of steps) {
        if (await attempt(staking, keys, one).then(() => true, ignore)) succeeded += 1;
        let depositedWei = 0n;
        for (const name of PARTIES) depositedWei += await staking.depositOf(protocol.address(name));
        expect(await staking.contract.readBigInt("totalDepositedWei")).toBe(depositedWei);
        expect(await staking.held(staking.contract.address)).toBe(depositedWei);
      }
      expect(succeeded).toBeGreaterThan(5);
    }),
    { numRuns: RUNS, seed: SEED },
  );
});

/** Most of what is tried is refused. */
function ignore(error: unknown): false {
  if (error instanceof Reverted) return false;
  throw error;
}
