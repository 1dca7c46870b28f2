import { fromHex, toHex } from "@aios/core-rlp/hex";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { Bloom } from "@ethereumjs/vm";
import fc from "fast-check";
import { expect, it } from "vitest";
import { bloomTest, combineBlooms, logsBloom, receiptBlooms } from "./bloom.js";

const account = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => toHex(bytes) as Address);
const topic = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes) as Bytes32);

it("equals Ethereum's filter and never denies what it holds", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(account, fc.array(topic, { maxLength: 4 })), { maxLength: 5 }),
      (entries) => {
        const reference = new Bloom();
        const logs = entries.map(([address, topics]) => ({ address, topics, data: new Uint8Array(0) }));
        for (const log of logs) for (const item of [log.address, ...log.topics]) reference.add(fromHex(item));
        const bloom = combineBlooms(logs.map((log) => logsBloom([log])));
        expect(bloom).toEqual(reference.bitvector);
        // Many receipts share what is known of an item.
        const receipts = [...logs, ...logs].map((log) => ({ logs: [log] }));
        expect(receiptBlooms([{ logs: [] }, ...receipts])).toEqual([
          logsBloom([]),
          ...receipts.map((receipt) => logsBloom(receipt.logs)),
        ]);
        for (const log of logs)
          for (const item of [log.address, ...log.topics]) expect(bloomTest(item)(bloom)).toBe(true);
      },
    ),
  );
  expect(bloomTest(`0x${"11".repeat(20)}`)(new Uint8Array(256))).toBe(false);
});
