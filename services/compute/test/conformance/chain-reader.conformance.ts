import type { Address } from "@aios/kernel/identifiers";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChainReader } from "../../src/domain/ports.js";

export interface ChainReaderUnderTest {
  readonly reader: ChainReader;
  readonly peer: Peer;
  readonly token: Address;
  readonly registry: Address;
  readonly escrow: Address;
  /** A provider with an active stake. */
  readonly provider: Address;
  /** Never did anything. */
  readonly stranger: Address;
  close(): Promise<void>;
}

/** What every `ChainReader` of compute does. */
export function chainReaderConformance(name: string, open: () => Promise<ChainReaderUnderTest>): void {
  describe(`${name} as ChainReader`, () => {
    let subject: ChainReaderUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("reads what an account holds, signed and allowed", async () => {
      const { reader, token, escrow, stranger } = subject;
      expect(await reader.balanceWei(stranger, token)).toBe(0n);
      expect(await reader.permitNonce(stranger, token)).toBe(0n);
      expect(await reader.allowanceWei(stranger, token, escrow)).toBe(0n);
    });

    it("reads who has a stake, and the least that counts", async () => {
      const { reader, registry, provider, stranger } = subject;
      const minimum = await reader.minimumStakeWei(registry);
      expect(minimum).toBeGreaterThan(0n);
      const stake = await reader.stake(provider, registry);
      expect(stake.active).toBe(true);
      expect(stake.stakedWei).toBeGreaterThanOrEqual(minimum);
      expect(await reader.stake(stranger, registry)).toEqual({ active: false, stakedWei: 0n });
    });

    it("reads the hash of a block, each its own, and says of one that is not there that it cannot", async () => {
      const { reader } = subject;
      const first = await reader.blockHash(0);
      expect(first).toMatch(/^0x[0-9a-f]{64}$/);
      expect(await reader.blockHash(0)).toBe(first);
      expect(await reader.blockHash(1)).not.toBe(first);
      await expect(reader.blockHash(4_000_000_000)).rejects.toMatchObject({ code: "chain-unavailable" });
    });

    it("says when the node is away, and reads the same when it is back", async () => {
      const { reader, peer, registry, provider } = subject;
      await expectOutageSurvived(peer, () => reader.stake(provider, registry), "chain-unavailable");
    });
  });
}
