import { orderedOf } from "@aios/consensus/application/honor/ordered-transaction";
import type { TransactionOpener } from "@aios/consensus/domain/honor-ports";
import type { SignedTransaction } from "@aios/consensus/domain/transaction";
import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import { CodedError } from "@aios/kernel/coded-error";
import { describe, expect, it } from "vitest";
import { sampleTransfer } from "../support/sample-blocks.js";

export interface TransactionOpenerUnderTest {
  /** As another node has it, which may have seen other transactions before. */
  open(seen: readonly SignedTransaction[]): TransactionOpener;
  /** One that it cannot open, and by what code it says so. */
  readonly closed: { readonly transaction: OrderedTransaction; readonly code: string };
}

/** What every `TransactionOpener` does. */
export function transactionOpenerConformance(
  name: string,
  { open, closed }: TransactionOpenerUnderTest,
): void {
  describe(`${name} as TransactionOpener`, () => {
    it("opens each as what its sender signed, in order, also where it was never seen before", async () => {
      const signed = await Promise.all([0, 1, 2].map((nonce) => sampleTransfer(nonce)));
      for (const seen of [[], signed.slice(1), signed])
        expect(await open(seen).open(7, signed.map(orderedOf))).toEqual(signed);
      expect(await open([]).open(7, [])).toEqual([]);
    });

    it("says by name what it cannot open, the same on every node, and opens the others", async () => {
      const [first, last] = [await sampleTransfer(0), await sampleTransfer(1)];
      const order = [orderedOf(first), closed.transaction, orderedOf(last)];
      for (const seen of [[], [first, last]]) {
        const answers = await open(seen).open(8, order);
        expect(answers).toEqual([first, expect.any(CodedError), last]);
        expect(answers[1]).toMatchObject({ code: closed.code });
      }
    });

    it("gives up with the reason of who asked", async () => {
      const why = new Error("stopping");
      const asked = open([]).open(9, [orderedOf(await sampleTransfer(0))], AbortSignal.abort(why));
      await expect(asked).rejects.toBe(why);
    });
  });
}
