import type { Address } from "@aios/kernel/identifiers";
import { eventually } from "@aios/testkit/eventually";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChainWriter } from "../../src/domain/ports.js";
import type { SigningContext } from "../../src/domain/typed-data.js";

export interface ChainWriterUnderTest {
  /** Opens the adapter as a process does that has just started. */
  open(): ChainWriter;
  readonly peer: Peer;
  readonly context: SigningContext;
  readonly funded: { readonly account: Address; readonly wrappedWei: bigint };
  readonly poor: Address;
  /** A signed call of `publish`, and of `purchase`, that the contract takes. */
  publication(): Promise<Uint8Array>;
  purchase(): Promise<Uint8Array>;
  /** How many models and licences are on chain. */
  onChain(): Promise<{ readonly models: number; readonly licences: number }>;
  close(): Promise<void>;
}

/** What every `ChainWriter` of the marketplace does; the tests follow one chain. */
export function chainWriterConformance(name: string, start: () => Promise<ChainWriterUnderTest>): void {
  describe(`${name} as ChainWriter`, () => {
    let subject: ChainWriterUnderTest;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject?.close());

    it("knows what is signed for, and what an account has", async () => {
      const writer = subject.open();
      expect(await writer.signingContext()).toEqual(subject.context);
      expect(await writer.wrappedBalanceWei(subject.funded.account)).toBe(subject.funded.wrappedWei);
      expect(await writer.wrappedBalanceWei(subject.poor)).toBe(0n);
    });

    it("publishes once, however often it is asked under one key, and nothing else under it", async () => {
      const data = await subject.publication();
      await Promise.all([1, 2, 3].map(() => subject.open().publishModel("publish:1", data)));
      await eventually(async () => expect((await subject.onChain()).models).toBe(1), 30_000);
      await subject.open().publishModel("publish:1", data);
      const other = subject.open().publishModel("publish:1", Uint8Array.of(...data, 0));
      await expect(other).rejects.toMatchObject({ code: "idempotency-key-reused" });
    });

    it("loses no purchase that was taken when economy is killed, and makes it once", async () => {
      const data = await subject.purchase();
      await subject.open().purchaseLicence("purchase:1", data);
      await expectOutageSurvived(subject.peer, () => subject.open().purchaseLicence("purchase:1", data));
      await eventually(async () => expect((await subject.onChain()).licences).toBe(1), 30_000);
      expect(await subject.onChain()).toEqual({ models: 1, licences: 1 });
    });

    it("says so when economy is away, but for what it knows already", async () => {
      const writer = subject.open();
      const context = await writer.signingContext();
      await subject.peer.kill();
      expect(await writer.signingContext()).toEqual(context);
      const away = { code: "peer-unavailable", kind: "unavailable" };
      await expect(subject.open().signingContext()).rejects.toMatchObject(away);
      await expect(writer.wrappedBalanceWei(subject.poor)).rejects.toMatchObject(away);
      await subject.peer.restart();
      await eventually(() => writer.wrappedBalanceWei(subject.poor));
    });
  });
}
