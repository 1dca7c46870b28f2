import type { Address } from "@aios/kernel/identifiers";
import { eventually } from "@aios/testkit/eventually";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Job } from "../../src/domain/job.js";
import type { ChainWriter, SignedRegistration, TransactionOutcome } from "../../src/domain/ports.js";

export interface ChainWriterUnderTest {
  /** Opens the adapter as a process does that has just started. */
  open(): ChainWriter;
  readonly peer: Peer;
  readonly chainId: number;
  readonly jobEscrow: Address;
  readonly matcher: Address;
  /** A signed registration of a provider with the money for its stake, and of one without. */
  registration(provider: "rich" | "poor"): Promise<SignedRegistration>;
  /** A signed job of a buyer with the money for it, and of one without. */
  job(buyer: "rich" | "poor"): Promise<Job>;
  close(): Promise<void>;
}

/** What every `ChainWriter` of compute does; the tests follow one chain. */
export function chainWriterConformance(name: string, start: () => Promise<ChainWriterUnderTest>): void {
  describe(`${name} as ChainWriter`, () => {
    let subject: ChainWriterUnderTest;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject?.close());

    const ended = (transactionId: string): Promise<TransactionOutcome> =>
      eventually(async () => {
        const outcome = await subject.open().outcome(transactionId);
        if (outcome.state === "running") throw new Error("it still runs");
        return outcome;
      }, 30_000);

    it("knows the protocol, and keeps knowing it while economy is away", async () => {
      const writer = subject.open();
      const facts = await writer.protocol();
      const { chainId, jobEscrow, matcher } = subject;
      expect(facts).toMatchObject({ chainId, jobEscrow, matcher, protocolFeeBps: 500 });
      expect(facts.contracts["JobEscrow"]?.toLowerCase()).toBe(jobEscrow);
      await subject.peer.kill();
      expect(await writer.protocol()).toEqual(facts);
      await expect(subject.open().protocol()).rejects.toMatchObject({ code: "peer-unavailable" });
      await subject.peer.restart();
      expect(await eventually(() => subject.open().protocol())).toEqual(facts);
    });

    it("says before what the registry would refuse", async () => {
      const [rich, poor] = [await subject.registration("rich"), await subject.registration("poor")];
      expect(await subject.open().simulateRegistration(rich)).toBeUndefined();
      expect(await subject.open().simulateRegistration(poor)).toMatchObject({ code: "reverted" });
    });

    it("writes once, however often it is asked under one key, and nothing else under it", async () => {
      const registration = await subject.registration("rich");
      const asked = await Promise.all(
        [1, 2, 3].map(() => subject.open().register(registration, "register:1")),
      );
      const ids = new Set(asked.map(({ transactionId }) => transactionId));
      expect(ids.size).toBe(1);
      const outcome = await ended([...ids][0] ?? "");
      expect(outcome).toMatchObject({ state: "succeeded", error: undefined });
      expect(outcome.transactionHash).toMatch(/^0x[0-9a-f]{64}$/);
      expect((await subject.open().register(registration, "register:1")).transactionHash).toBe(
        outcome.transactionHash,
      );
      const other = { ...registration, capabilitiesHash: `0x${"01".repeat(32)}` };
      await expect(subject.open().register(other, "register:1")).rejects.toMatchObject({
        code: "idempotency-key-reused",
      });
    });

    it("opens a job whose buyer can pay, and says before what the escrow would refuse", async () => {
      const [rich, poor] = [await subject.job("rich"), await subject.job("poor")];
      expect(await subject.open().simulateOpen(rich)).toBeUndefined();
      expect(await subject.open().simulateOpen(poor)).toMatchObject({ code: "insufficient-funds" });
      const { transactionId } = await subject.open().submit(rich, "open", 0, `open:${rich.jobId}:1`);
      expect(await ended(transactionId)).toMatchObject({ state: "succeeded" });
    });

    it("says why the chain refused a write", async () => {
      const unopened = await subject.job("poor");
      const { transactionId } = await subject
        .open()
        .submit(unopened, "refund", 0, `refund:${unopened.jobId}:1`);
      const outcome = await ended(transactionId);
      expect(outcome).toMatchObject({ state: "failed", error: { code: "reverted" } });
      expect(JSON.parse(outcome.error?.detailsJson ?? "")).toMatchObject({
        error: expect.stringMatching(/./) as string,
      });
    });

    it("knows no write that it was not asked for", async () => {
      await expect(subject.open().outcome("0b5b3ff0-6f5c-4f0b-9d9e-000000000000")).rejects.toMatchObject({
        code: "transaction-not-found",
      });
    });

    it("loses no write that was taken when economy is killed", async () => {
      const job = await subject.job("rich");
      const submit = () => subject.open().submit(job, "open", 0, `open:${job.jobId}:1`);
      const { transactionId } = await submit();
      expect(await ended(transactionId)).toMatchObject({ state: "succeeded" });
      await expectOutageSurvived(subject.peer, async () => (await submit()).transactionId);
      expect(await subject.open().outcome(transactionId)).toMatchObject({ state: "succeeded" });
    });
  });
}
