import { setImmediate as nextTurn } from "node:timers/promises";
import type { SenderRecovery, SignatureToRecover } from "@aios/consensus/domain/ports";
import { keccak256 } from "@aios/core-keccak/keccak";
import { fromHex } from "@aios/core-rlp/hex";
import { isCodedError } from "@aios/kernel/coded-error";
import { computeAddress, SigningKey } from "ethers";
import { afterAll, describe, expect, it } from "vitest";

export interface SenderRecoveryUnderTest extends SenderRecovery {
  close(): Promise<void>;
}

/** Ends what works for those that were opened, as a crash would; answers how many there were. */
export type CrashBackend = () => Promise<number>;

function signed(seed: number): { readonly signature: SignatureToRecover; readonly sender: string } {
  const key = new SigningKey(keccak256(Uint8Array.of(1, seed & 255, seed >> 8)));
  const messageHash = keccak256(Uint8Array.of(2, seed & 255, seed >> 8));
  const { r, s, yParity } = key.sign(messageHash);
  const compact = Uint8Array.of(...fromHex(r), ...fromHex(s));
  return {
    signature: { messageHash, compact, recoveryId: yParity },
    sender: computeAddress(key).toLowerCase(),
  };
}

const INVALID: SignatureToRecover = {
  messageHash: new Uint8Array(32).fill(1),
  compact: new Uint8Array(64).fill(0),
  recoveryId: 0,
};

/** What every `SenderRecovery` does. `open` makes one that lets at most so many signatures wait; `crash` where it has threads. */
export function senderRecoveryConformance(
  name: string,
  open: (maxQueued: number) => SenderRecoveryUnderTest,
  crash?: CrashBackend,
): void {
  describe(`${name} as SenderRecovery`, () => {
    const opened: SenderRecoveryUnderTest[] = [];
    const recoveryOf = (maxQueued: number): SenderRecoveryUnderTest => {
      const recovery = open(maxQueued);
      opened.push(recovery);
      return recovery;
    };
    afterAll(async () => {
      for (const each of opened) await each.close();
    });

    it("gives every request its own answer", async () => {
      const recovery = recoveryOf(1_000);
      const all = Array.from({ length: 100 }, (_, seed) => signed(seed));
      const results = await Promise.allSettled(
        all.flatMap(({ signature }) => [recovery.recover(signature), recovery.recover(INVALID)]),
      );
      results.forEach((result, index) => {
        const expected = all[index >> 1];
        if (index % 2 === 1)
          expect(result).toMatchObject({ status: "rejected", reason: { code: "invalid-signature" } });
        else expect(result).toEqual({ status: "fulfilled", value: expected?.sender });
      });
    });

    it("refuses what is beyond its queue and answers the rest", async () => {
      const recovery = recoveryOf(50);
      const results = await Promise.allSettled(
        Array.from({ length: 80 }, (_, seed) => recovery.recover(signed(seed).signature)),
      );
      expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(50);
      for (const result of results.slice(50))
        expect(result).toMatchObject({ status: "rejected", reason: { code: "recovery-busy" } });
    });

    if (crash !== undefined)
      it("answers all that its backend has taken when that dies, and what is asked afterwards", async () => {
        const recovery = recoveryOf(1_000);
        const all = Array.from({ length: 100 }, (_, seed) => signed(seed));
        const ask = () => Promise.all(all.map(({ signature }) => recovery.recover(signature)));
        const senders = all.map(({ sender }) => sender);
        for (let death = 0; death < 2; death++) {
          // The first death meets threads that have not come up yet, the second one those that have.
          const asked = ask();
          await nextTurn();
          expect(await crash()).toBeGreaterThan(0);
          expect(await asked).toEqual(senders);
          expect(await ask()).toEqual(senders);
        }
      });

    it("refuses what waits when it is closed, and everything afterwards", async () => {
      const recovery = recoveryOf(1_000);
      const waiting = Promise.allSettled(
        Array.from({ length: 40 }, (_, seed) => recovery.recover(signed(seed).signature)),
      );
      await recovery.close();
      for (const result of await waiting)
        expect(result.status === "rejected" && isCodedError(result.reason) && result.reason.code).toBe(
          "node-stopping",
        );
      await expect(recovery.recover(signed(1).signature)).rejects.toMatchObject({ code: "node-stopping" });
    });
  });
}
