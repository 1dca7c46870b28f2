import { address } from "@aios/kernel/identifiers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StakeLedger } from "../../src/domain/ports.js";

export interface StakeLedgerUnderTest {
  /** Opens the ledger as a process does that has just started, on the same data each time. */
  open(): StakeLedger;
  close(): void;
}

const TOKEN = { chainId: 7n, address: address(`0x${"a1".repeat(20)}`) };
const OTHERS = [
  { ...TOKEN, chainId: 8n },
  { ...TOKEN, address: address(`0x${"b2".repeat(20)}`) },
];

/** What every `StakeLedger` does. */
export function stakeLedgerConformance(name: string, start: () => StakeLedgerUnderTest): void {
  describe(`${name} as StakeLedger`, () => {
    let subject: StakeLedgerUnderTest;
    beforeEach(() => {
      subject = start();
    });
    afterEach(() => subject?.close());

    it("counts a stake for its token on its chain alone, the larger one under each permit nonce", async () => {
      expect(await subject.open().signed(TOKEN)).toEqual([]);
      for (const stakeWei of [6n, 9n, 5n]) await subject.open().add(TOKEN, { permitNonce: 0n, stakeWei });
      for (const other of OTHERS) {
        expect(await subject.open().signed(other)).toEqual([]);
        await subject.open().add(other, { permitNonce: 0n, stakeWei: 20n });
      }
      await subject.open().add(TOKEN, { permitNonce: 1n, stakeWei: 1n });
      expect(await subject.open().signed(TOKEN)).toEqual([
        { permitNonce: 0n, stakeWei: 9n },
        { permitNonce: 1n, stakeWei: 1n },
      ]);
    });
  });
}
