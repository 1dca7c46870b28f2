import { JOB_KIND } from "@aios/core-settlement/typed-data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectRevert } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { TestProtocol } from "../support/protocol.js";
import { ToyGroth16 } from "../support/toy-groth16.js";

type Order = Awaited<ReturnType<TestProtocol["provenOrder"]>>;

const HONEST = 42n;
const FORGED = 41n;
const AT_RISK = 700n;

let chain: TestChain;
let protocol: TestProtocol;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
});
afterAll(() => chain?.stop());

const sampled = (overrides: Partial<Order> = {}) =>
  protocol.provenOrder({ verifier: protocol.deployment.contracts.SampledResultVerifier, ...overrides });

/** What the owner of the key's secret can prove of any job: whatever it likes. `protocol.key` knows its own secret. */
async function refute(order: Order, provenOutput = FORGED, by: "owner" | "buyer" = "owner") {
  const evidence = await protocol.evidence(order, provenOutput);
  return protocol.escrow.send(protocol.wallets[by], "refute", [
    protocol.jobId(order),
    provenOutput,
    evidence,
  ]);
}

async function holdings() {
  const accounts = [
    ...(["owner", "buyer", "matcher", "stranger"] as const).map((party) => protocol.address(party)),
  ];
  return Promise.all([...accounts, protocol.treasury].map((account) => protocol.balance(account)));
}

describe("a model's owner that knows the secret of the key it published", () => {
  it("refutes an honest delivery, and takes nothing from the stake: the provider put none at risk", async () => {
    for (const verifier of [
      "Groth16ResultVerifier",
      "SampledResultVerifier",
      "ReplicatedResultVerifier",
    ] as const) {
      const order = await sampled({ verifier: protocol.deployment.contracts[verifier] });
      const jobId = await protocol.delivered(order, {}, { output: HONEST });
      const [stakeWei, before] = [await protocol.stakeOf("provider"), await holdings()];
      await refute(order);
      expect(await protocol.state(jobId), verifier).toBe("Funded");
      expect(await protocol.stakeOf("provider"), verifier).toBe(stakeWei);
      expect(await holdings(), verifier).toEqual(before);
    }
  });

  it("takes nothing by another model under a key that the provider trusts for one", async () => {
    const trusted = await sampled();
    await protocol.putAtRisk("provider", trusted, AT_RISK);
    const lure = await sampled();
    const [keyOf, keyOfLure] = await Promise.all(
      [trusted, lure].map(({ modelId }) => protocol.models.read("verifyingKeyHash", [modelId])),
    );
    expect(keyOfLure).toBe(keyOf);
    await protocol.delivered(lure, {}, { output: HONEST });
    const stakeWei = await protocol.stakeOf("provider");
    await refute(lure);
    expect(await protocol.stakeOf("provider")).toBe(stakeWei);
  });

  it("takes nothing by another key for a model that the provider trusts under one", async () => {
    const trusted = await sampled();
    await protocol.putAtRisk("provider", trusted, AT_RISK);
    const modelCommitment = await protocol.models.read("modelCommitment", [trusted.modelId]);
    const other = new ToyGroth16(99n);
    await expectRevert(protocol.publish({ modelCommitment: String(modelCommitment) }), "AlreadyPublished");
    const statement = [trusted.verifier, modelCommitment, other.verifyingKeyHash];
    expect(
      await protocol.providers.readBigInt("atRiskWei", [protocol.address("provider"), ...statement]),
    ).toBe(0n);
  });

  it("takes nothing by another verifier than the one that the provider named", async () => {
    const order = await sampled();
    await protocol.putAtRisk("provider", order, AT_RISK);
    const { ReplicatedResultVerifier } = protocol.deployment.contracts;
    const elsewhere = { ...order, nonce: protocol.nonce(), verifier: ReplicatedResultVerifier };
    await protocol.delivered(elsewhere, {}, { output: HONEST });
    const stakeWei = await protocol.stakeOf("provider");
    await refute(elsewhere);
    expect(await protocol.stakeOf("provider")).toBe(stakeWei);
  });

  it("refutes no training, whose output no proof speaks of", async () => {
    const order = await sampled({ jobKind: JOB_KIND.training });
    await protocol.putAtRisk("provider", order, AT_RISK);
    await protocol.delivered(order, {}, { output: HONEST });
    expect((await expectRevert(refute(order), "NotRefuted"))["reason"]).toBe("not-an-inference");
  });
});

describe("a provider that put stake at risk under a key", () => {
  it("loses as much to a proof that it delivered a wrong output, and nobody gets it", async () => {
    const order = await sampled();
    await protocol.putAtRisk("provider", order, AT_RISK);
    const jobId = protocol.jobId(order);
    await protocol.open(order);
    const { events } = await protocol.lease(jobId);
    expect(events.find(({ name }) => name === "LeaseStakeAtRisk")?.args["maximumWei"]).toBe(AT_RISK);
    await protocol.deliver(jobId, { output: 40n });
    const [stakeWei, before] = [await protocol.stakeOf("provider"), await holdings()];
    const supplyWei = await protocol.token.readBigInt("totalSupply");
    await refute(order, HONEST, "buyer");
    expect(stakeWei - (await protocol.stakeOf("provider"))).toBe(AT_RISK);
    expect(await holdings()).toEqual(before);
    expect(supplyWei - (await protocol.token.readBigInt("totalSupply"))).toBe(AT_RISK);

    // What was at risk was so for that lease: the next provider put nothing there.
    await protocol.lease(jobId, { fencingToken: 2n }, "rival");
    await protocol.deliver(jobId, { fencingToken: 2n, output: 40n }, "rival");
    const rivalWei = await protocol.stakeOf("rival");
    await refute(order, HONEST);
    expect(await protocol.stakeOf("rival")).toBe(rivalWei);
  });

  it("is bound for a lease by what it said before it: what it says later holds for later ones", async () => {
    const order = await sampled();
    await protocol.putAtRisk("rival", order, AT_RISK);
    const before = protocol.jobId(order);
    await protocol.open(order);
    await protocol.lease(before, {}, "rival");
    await protocol.putAtRisk("rival", order, 0n);
    await protocol.deliver(before, { output: 40n }, "rival");

    const later = { ...order, nonce: protocol.nonce() };
    await protocol.open(later);
    await protocol.lease(protocol.jobId(later), {}, "rival");
    await protocol.putAtRisk("rival", order, AT_RISK);
    await protocol.deliver(protocol.jobId(later), { output: 40n }, "rival");

    const stakeWei = await protocol.stakeOf("rival");
    await refute(later, HONEST);
    expect(await protocol.stakeOf("rival")).toBe(stakeWei);
    await refute(order, HONEST);
    expect(stakeWei - (await protocol.stakeOf("rival"))).toBe(AT_RISK);
  });
});
