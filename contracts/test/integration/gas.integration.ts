import { ContractFactory, ZeroAddress } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abi as meterAbi, bytecode as meterCode } from "../../generated/test/gas-meter.js";
import { TestContract } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { expectSnapshot } from "../support/gas-snapshot.js";
import { TestProtocol } from "../support/protocol.js";

const VERIFICATION_GOAL = 260_000;
/** `Outcome.Final`. */
const FINAL = 2n;

let chain: TestChain;
let protocol: TestProtocol;
let meter: TestContract;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
  const deployed = await new ContractFactory(meterAbi, meterCode, protocol.wallets.stranger).deploy();
  await deployed.waitForDeployment();
  meter = new TestContract(await deployed.getAddress(), meterAbi, protocol.wallets.stranger);
});
afterAll(() => chain?.stop());

describe("gas", () => {
  it("is what the snapshot says", async () => {
    const measured = await measure();
    expectSnapshot(measured);
    expect(measured["verify (Groth16, alone)"]).toBeLessThanOrEqual(VERIFICATION_GOAL);
  });
});

async function measure(): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const note = (action: string, gas: bigint) => {
    figures[action] = Number(gas);
  };
  // Everyone has been paid and has paid before: what is measured is the usual case, not the first one.
  await fullJob(() => undefined);
  await fullJob(note);
  return figures;
}

async function fullJob(note: (action: string, gas: bigint) => void): Promise<void> {
  const order = await protocol.provenOrder();
  const jobId = protocol.jobId(order);
  note("open", (await protocol.open(order)).gasUsed);
  note(
    "lease",
    (await protocol.lease(jobId, { prover: protocol.address("prover"), proverFeeWei: 500n })).gasUsed,
  );
  note("deliver", (await protocol.deliver(jobId)).gasUsed);
  const evidence = await protocol.evidence(order, 42n);
  const claim = (await protocol.escrow.read("claimOf", [jobId])) as Iterable<unknown>;
  const [gas, outcome] = (await meter.read("measure", [order.verifier, [...claim], evidence])) as [
    bigint,
    bigint,
  ];
  expect(outcome).toBe(FINAL);
  note("verify (Groth16, alone)", gas);
  await newSecond();
  note("settle (Groth16)", (await protocol.settle(jobId, evidence)).gasUsed);

  const second = protocol.address("rival");
  const replicated = await protocol.delivered(
    await protocol.provenOrder({ verifier: protocol.deployment.contracts.ReplicatedResultVerifier }),
    { prover: second, proverFeeWei: 500n },
  );
  const signature = await protocol.replica(replicated, 42n, "rival");
  await newSecond();
  note("settle (two providers)", (await protocol.settle(replicated, signature)).gasUsed);

  const unproven = await protocol.delivered(await protocol.order(), { prover: ZeroAddress });
  note("settle (none, starts the window)", (await protocol.settle(unproven)).gasUsed);
  await newSecond();
  note("accept", (await protocol.accept(unproven)).gasUsed);
  const refunded = await protocol.order({ leaseBy: BigInt(await chain.now()) + 10n });
  await protocol.open(refunded);
  await chain.advance(20);
  note(
    "refund",
    (await protocol.escrow.send(protocol.wallets.relayer, "refund", [protocol.jobId(refunded)])).gasUsed,
  );
  const withdrawal = await protocol.escrow.send(protocol.wallets.relayer, "withdrawFor", [
    protocol.address("provider"),
  ]);
  note("withdrawFor", withdrawal.gasUsed);
  note("register (renewal)", (await protocol.register("provider", { stakeWei: 1n })).gasUsed);
}

/** The first burn of a second appends a checkpoint of the supply, a later one changes it: 22,000 gas apart. */
function newSecond(): Promise<void> {
  return chain.advance(2);
}
