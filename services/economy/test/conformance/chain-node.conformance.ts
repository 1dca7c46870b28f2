import { type Address, address } from "@aios/kernel/identifiers";
import { eventually } from "@aios/testkit/eventually";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChainCall, ChainNode } from "../../src/domain/ports.js";

export interface ChainNodeUnderTest {
  readonly node: ChainNode;
  readonly peer: Peer;
  /** An account with money that sent nothing yet. */
  readonly account: Address;
  /** Signs a transfer of 1 wei from that account, or the given call. */
  sign(nonce: number, call?: Pick<ChainCall, "to" | "data">): Promise<{ hash: string; raw: Uint8Array }>;
  /** A call that a contract answers, with the answer. */
  readonly view: { readonly call: Pick<ChainCall, "to" | "data">; readonly answer: string };
  /** A call that a contract refuses to the account, with the name of its error. */
  readonly refused: { readonly call: Pick<ChainCall, "to" | "data">; readonly error: string };
  close(): Promise<void>;
}

const EMPTY = address(`0x${"fd".repeat(20)}`);
const NOTHING = new Uint8Array(0);

/** What every `ChainNode` does beside what every `ChainBlocks` does; the tests follow one account. */
export function chainNodeConformance(name: string, open: () => Promise<ChainNodeUnderTest>): void {
  describe(`${name} as ChainNode`, () => {
    let subject: ChainNodeUnderTest;
    let node: ChainNode;
    beforeAll(async () => {
      subject = await open();
      node = subject.node;
    });
    afterAll(() => subject?.close());

    const mined = (hash: string) =>
      eventually(async () => {
        const { number } = await node.head();
        for (const block of await node.blocks(0n, Number(number) + 1)) {
          const receipt = block.receipts.find((each) => each.transactionHash === hash);
          if (receipt !== undefined) return { number: block.number, receipt };
        }
        throw new Error(`${hash} is not mined yet`);
      });
    const transfer = (valueWei: bigint, from = subject.account): ChainCall => ({
      from,
      to: EMPTY,
      data: NOTHING,
      valueWei,
    });

    it("takes a signed transaction, knows it from then on, and counts it", async () => {
      const { hash, raw } = await subject.sign(0);
      expect(await node.knows(hash)).toBe(false);
      expect(await node.nonce(subject.account, "latest")).toBe(0n);
      expect(await node.broadcast(raw)).toEqual({ kind: "accepted" });
      expect(await node.knows(hash)).toBe(true);
      expect((await mined(hash)).receipt.succeeded).toBe(true);
      await eventually(async () => expect(await node.nonce(subject.account, "latest")).toBe(1n));
      expect(await node.balanceWei(EMPTY)).toBe(1n);
      await eventually(async () => expect(await node.nonce(subject.account, "finalized")).toBe(1n));
      expect(await node.knows(hash)).toBe(true);
    });

    it("says of what it does not take why, and keeps nothing of it", async () => {
      const used = await subject.sign(0, { to: subject.account, data: NOTHING });
      for (const raw of [used.raw, Uint8Array.of(1, 2, 3)]) {
        expect(await node.broadcast(raw)).toMatchObject({
          kind: "refused",
          reason: expect.stringMatching(/./) as string,
        });
      }
      expect(await node.knows(used.hash)).toBe(false);
    });

    it("says what a call costs and answers, and how it fails", async () => {
      const { view, refused, account } = subject;
      expect(await node.estimateGas(transfer(1n))).toBe(21_000n);
      expect(await node.baseFeePerGasWei()).toBeGreaterThan(0n);
      await node.tryCall(transfer(1n), 21_000n);
      expect(await node.call(view.call)).toBe(view.answer);
      const call = { ...refused.call, from: account, valueWei: 0n };
      const reverted = {
        code: "reverted",
        details: expect.objectContaining({ error: refused.error }) as object,
      };
      await expect(node.estimateGas(call)).rejects.toMatchObject(reverted);
      await expect(node.tryCall(call, 1_000_000n)).rejects.toMatchObject(reverted);
      await expect(
        node.tryCall({ ...view.call, from: account, valueWei: 0n }, 21_500n),
      ).rejects.toMatchObject({
        code: expect.stringMatching(/^(execution-halted|call-refused)$/) as string,
      });
      await expect(node.estimateGas(transfer(10n, address(`0x${"fc".repeat(20)}`)))).rejects.toMatchObject({
        code: "insufficient-gas-funds",
      });
    });

    it("explains a transaction that failed", async () => {
      const { refused, account } = subject;
      const { hash, raw } = await subject.sign(1, refused.call);
      expect(await node.broadcast(raw)).toEqual({ kind: "accepted" });
      const { number, receipt } = await mined(hash);
      expect(receipt.succeeded).toBe(false);
      expect(
        await node.explainFailure({ ...refused.call, from: account, valueWei: 0n }, number),
      ).toMatchObject({
        code: "reverted",
        details: { error: refused.error },
      });
    });

    it("says when it is away, whatever it is asked, and has everything that it took when it is back", async () => {
      const { hash, raw } = await subject.sign(2);
      expect(await node.broadcast(raw)).toEqual({ kind: "accepted" });
      await mined(hash);
      const { view, account } = subject;
      const questions: readonly (() => Promise<unknown>)[] = [
        () => node.knows(hash),
        () => node.nonce(account, "latest"),
        () => node.balanceWei(EMPTY),
        () => node.estimateGas(transfer(1n)),
        () => node.tryCall(transfer(1n), 21_000n),
        () => node.call(view.call),
      ];
      await expectOutageSurvived(
        subject.peer,
        async () => {
          const answers = await Promise.allSettled(questions.map((ask) => ask()));
          const failed = answers.filter((answer) => answer.status === "rejected");
          if (failed.length === 0) return answers;
          expect(
            failed.map(({ reason }: PromiseRejectedResult) => (reason as { code: string }).code),
          ).toEqual(questions.map(() => "chain-unavailable"));
          throw failed[0]?.reason;
        },
        "chain-unavailable",
      );
      const later = await subject.sign(3);
      await subject.peer.kill();
      await expect(node.broadcast(later.raw)).rejects.toMatchObject({ code: "chain-unavailable" });
      await expect(node.baseFeePerGasWei()).rejects.toMatchObject({ code: "chain-unavailable" });
      await subject.peer.restart();
      expect(await node.broadcast(later.raw)).toEqual({ kind: "accepted" });
      await mined(later.hash);
    });
  });
}
