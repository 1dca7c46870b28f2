import { fromHex, toHex } from "@aios/core-rlp/hex";
import { encodeRlp } from "@aios/core-rlp/rlp";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { createBlockHeader } from "@ethereumjs/block";
import { createCustomCommon, Hardfork, Mainnet } from "@ethereumjs/common";
import { MerklePatriciaTrie as ReferenceTrie } from "@ethereumjs/mpt";
import { encodeReceipt } from "@ethereumjs/vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Receipt } from "./block.js";
import {
  decodeHeader,
  decodeReceipts,
  encodeHeader,
  encodeReceipts,
  type HeaderFields,
  receiptsRoot,
  sealHeader,
} from "./block-codec.js";
import { logsBloom } from "./bloom.js";

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes) as Bytes32);
const account = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => toHex(bytes) as Address);
const amount = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });

const header: fc.Arbitrary<HeaderFields> = fc.record({
  parentHash: hash,
  number: fc.nat(),
  timestamp: fc.nat(),
  stateRoot: hash,
  transactionsRoot: hash,
  receiptsRoot: hash,
  withdrawalsRoot: hash,
  requestsHash: hash,
  parentBeaconBlockRoot: hash,
  logsBloom: fc.uint8Array({ minLength: 256, maxLength: 256 }),
  feeRecipient: account,
  prevRandao: hash,
  extraData: fc.uint8Array({ maxLength: 32 }),
  gasLimit: amount,
  gasUsed: fc.constant(0n),
  baseFeePerGas: amount,
  blobGasUsed: fc.constant(0n),
  excessBlobGas: amount,
});

const receipts: fc.Arbitrary<Receipt[]> = fc.array(
  fc.record({
    succeeded: fc.boolean(),
    gasUsed: amount,
    cumulativeGasUsed: fc.bigInt({ min: 21_000n, max: 2n ** 40n }),
    contractAddress: fc.option(account),
    logs: fc.array(
      fc.record({
        address: account,
        topics: fc.array(hash, { maxLength: 4 }),
        data: fc.uint8Array({ maxLength: 70 }),
      }),
      { maxLength: 3 },
    ),
  }),
  { maxLength: 5 },
);

describe("block codec", () => {
  it("hashes headers as @ethereumjs/block does and reads back what it wrote", () => {
    const common = createCustomCommon({ chainId: 1 }, Mainnet, { hardfork: Hardfork.Osaka });
    fc.assert(
      fc.property(header, (fields) => {
        const sealed = sealHeader(fields, []);
        const reference = createBlockHeader(
          {
            parentHash: fromHex(fields.parentHash),
            coinbase: fromHex(fields.feeRecipient),
            stateRoot: fromHex(fields.stateRoot),
            transactionsTrie: fromHex(fields.transactionsRoot),
            receiptTrie: fromHex(fields.receiptsRoot),
            logsBloom: fields.logsBloom,
            number: fields.number,
            gasLimit: fields.gasLimit,
            gasUsed: fields.gasUsed,
            timestamp: fields.timestamp,
            extraData: fields.extraData,
            mixHash: fromHex(fields.prevRandao),
            baseFeePerGas: fields.baseFeePerGas,
            withdrawalsRoot: fromHex(fields.withdrawalsRoot),
            blobGasUsed: fields.blobGasUsed,
            excessBlobGas: fields.excessBlobGas,
            parentBeaconBlockRoot: fromHex(fields.parentBeaconBlockRoot),
            requestsHash: fromHex(fields.requestsHash),
          },
          { common, skipConsensusFormatValidation: true },
        );
        expect(sealed.hash).toBe(toHex(reference.hash()));
        expect(decodeHeader(encodeHeader(sealed))).toEqual(sealed);
      }),
    );
  });

  it("hashes receipts as @ethereumjs/vm encodes them and reads back what it wrote", async () => {
    await fc.assert(
      fc.asyncProperty(receipts, async (list) => {
        expect(decodeReceipts(encodeReceipts(list))).toEqual(list);
        const types = list.map((_, index) => ({ type: ([0, 1, 2, 4] as const)[index % 4] ?? 0 }));
        const reference = new ReferenceTrie();
        for (const [index, receipt] of list.entries()) {
          const encoded = encodeReceipt(
            {
              status: receipt.succeeded ? 1 : 0,
              cumulativeBlockGasUsed: receipt.cumulativeGasUsed,
              bitvector: logsBloom(receipt.logs),
              logs: receipt.logs.map((log) => [fromHex(log.address), log.topics.map(fromHex), log.data]),
            },
            types[index]?.type ?? 0,
          );
          await reference.put(encodeRlp(index === 0 ? new Uint8Array(0) : Uint8Array.of(index)), encoded);
        }
        expect(receiptsRoot(list, types)).toBe(toHex(reference.root()));
      }),
    );
  });
});
