import { abi as receiptRegistryAbi } from "@aios/contracts/abi/receipt-registry";
import { isIncluded } from "@aios/core-contribution/receipt-tree";
import { EconomyBesideOthers } from "@aios/economy/test/support/economy-beside-others";
import { economyClient } from "@aios/economy/test/support/economy-platform";
import { EscrowScenario, type OpenJob } from "@aios/economy/test/support/escrow-scenario";
import { ACCOUNTS } from "@aios/economy/test/support/test-chain";
import { ScoringServiceService } from "@aios/proto/aios/scoring/v1/scoring";
import { topics } from "@aios/proto/topics";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import { eventually } from "@aios/testkit/eventually";
import type { ServiceProcess } from "@aios/testkit/service-process";
import { Contract, getBytes, hexlify } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

describe("scoring on our own chain", () => {
  let platform: EconomyBesideOthers;
  let scoring: ServiceProcess;
  let client: GrpcClient<typeof ScoringServiceService>;
  let first: OpenJob;

  beforeAll(async () => {
    platform = await EconomyBesideOthers.start();
    scoring = await platform.startService("scoring", { ANCHOR_RETRY_INTERVAL: "300ms" });
    client = await platform.clientOf(ScoringServiceService, "scoring", scoring);
    await withScenario((scenario) => scenario.registerProvider());
  });

  afterAll(() => platform?.stop());

  async function withScenario<T>(work: (scenario: EscrowScenario) => Promise<T>): Promise<T> {
    const compute = await economyClient(platform.foundation, platform.economy.ports.grpcPort, "compute");
    return await work(new EscrowScenario(compute, platform.chain.provider, platform.contracts));
  }

  function issue(
    job: OpenJob,
    change: { message?: Readonly<Record<string, unknown>>; signature?: string } = {},
  ) {
    return platform.recorder.publish(topics.computeReceiptIssued, {
      jobId: job.jobId,
      kind: "training-round",
      receiptJson: JSON.stringify({ ...job.receipt, ...change.message }),
      providerSignature: getBytes(change.signature ?? job.receiptSignature),
      settlementTransactionHash: "",
    });
  }

  const receiptsOf = async (jobId: string) => (await client.listReceipts({ account: "", jobId })).receipts;

  async function settledJob(): Promise<OpenJob> {
    return withScenario(async (scenario) => {
      const job = await scenario.deliverJob();
      await scenario.accept(job);
      return job;
    });
  }

  async function untilAnchored(job: OpenJob): Promise<void> {
    await eventually(async () => {
      const [receipt] = await receiptsOf(job.jobId);
      expect(receipt?.state).toBe("anchored");
    });
  }

  it("anchors a settled job's receipt, provable against the contract", async () => {
    first = await settledJob();
    await issue(first);
    await untilAnchored(first);
    const [receipt] = await receiptsOf(first.jobId);
    expect(receipt).toMatchObject({ receiptId: first.receiptDigest, kind: "training-round" });
    expect(receipt?.countersignedBy).toMatch(/^settlement:0x[0-9a-f]{64}$/);
    const proof = await client.getReceiptProof({ receiptId: first.receiptDigest });
    const siblings = proof.siblings.map((sibling) => hexlify(sibling));
    expect(isIncluded(hexlify(proof.root), first.receiptDigest, siblings)).toBe(true);
    const registry = new Contract(
      platform.contracts["ReceiptRegistry"] ?? "",
      receiptRegistryAbi,
      platform.chain.provider,
    );
    const onChain: unknown = await registry.getFunction("isAnchoredReceipt")(
      proof.batch,
      first.receipt,
      first.receiptSignature,
      siblings,
    );
    expect(onChain).toBe(true);
    const contribution = await client.getContribution({ account: ACCOUNTS.provider.address });
    expect(contribution).toMatchObject({ level: 0, countedReceipts: 1 });
    expect(contribution.features).toHaveLength(7);
    expect(contribution.features.find((one) => one.name === "first-data-contribution")?.value).toBe("400000");
  });

  it("waits for the settlement, and refuses what is forged, replayed or not what was delivered", async () => {
    const job = await withScenario((scenario) => scenario.deliverJob());
    await issue(job);
    const forged = await ACCOUNTS.business.signMessage("not a receipt");
    await issue(job, { message: { workUnits: 8_000 }, signature: forged });
    await eventually(async () => expect(await receiptsOf(job.jobId)).toHaveLength(2));
    expect((await receiptsOf(job.jobId)).every((receipt) => receipt.state === "pending")).toBe(true);
    await withScenario((scenario) => scenario.accept(job));
    await untilFirstIs(job, "anchored");
    const forgedReceipt = (await receiptsOf(job.jobId)).find(
      (receipt) => receipt.receiptId !== job.receiptDigest,
    );
    expect(forgedReceipt).toMatchObject({
      state: "refused",
      refusedBecause: "forged: The signature is not the provider's.",
    });
    const early = { id: forgedReceipt?.receiptId ?? "" };
    await expect(client.getReceiptProof({ receiptId: early.id })).rejects.toMatchObject({
      code: "receipt-not-anchored",
    });
    await issue(job);
    await issue(first, { message: { workUnits: 9_999 } });
    await eventually(async () => {
      const refused = (await receiptsOf(first.jobId)).filter((receipt) => receipt.state === "refused");
      expect(refused).toHaveLength(1);
    });
    expect(await receiptsOf(job.jobId)).toHaveLength(2);
  });

  async function untilFirstIs(job: OpenJob, state: string): Promise<void> {
    await eventually(async () => {
      const receipt = (await receiptsOf(job.jobId)).find((one) => one.receiptId === job.receiptDigest);
      expect(receipt?.state).toBe(state);
    });
  }

  it("judges each by itself where many waited while it was away", async () => {
    const job = await settledJob();
    await scoring.stop();
    await issue(job, { message: { kind: "no such kind" } });
    await issue(job, { message: { workUnits: 6_000 } });
    await issue(job);
    await issue(job);
    await scoring.restart();
    await untilFirstIs(job, "anchored");
    const receipts = await receiptsOf(job.jobId);
    const because = receipts.map(({ refusedBecause }) => refusedBecause.split(":")[0]).toSorted();
    expect(because).toEqual(["", "forged", "malformed"]);
  });

  it.each([
    "scoring.receive.after-store",
    "scoring.judge.after-store",
    "scoring.anchor.after-store",
    "scoring.anchor.after-submit",
  ])("anchors every receipt once when killed at %s", async (point) => {
    const registry = new Contract(
      platform.contracts["ReceiptRegistry"] ?? "",
      receiptRegistryAbi,
      platform.chain.provider,
    );
    const before = Number(await registry.getFunction("batchCount")());
    const job = await settledJob();
    await scoring.restart({ AIOS_CRASH_AT: `${point}=${platform.foundation.directory}/${point}` });
    const ended = scoring.ended();
    await issue(job);
    expect((await ended).signal).toBe("SIGKILL");
    await scoring.restart();
    await untilAnchored(job);
    expect(Number(await registry.getFunction("batchCount")())).toBe(before + 1);
  });
});
