import { fromHex, toHex } from "@aios/core-rlp/hex";
import { decodeRlp, encodeRlp, type RlpItem } from "@aios/core-rlp/rlp";
import { isCodedError } from "@aios/kernel/coded-error";
import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import { createTxFromRLP } from "@ethereumjs/tx";
import { computeAddress, Transaction as EthersTransaction } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KEY, recoverPublicKey, sign } from "../test/signing.js";
import { transactionFields } from "../test/transaction-arbitraries.js";
import { checkTransaction, SECP256K1_ORDER } from "./check-transaction.js";
import { decodeAnyTransaction, decodeTransaction } from "./decode-transaction.js";
import { encodeTransaction, type TransactionFields } from "./encode-transaction.js";
import type { TransactionRules } from "./fork-rules.js";
import { floorGas, intrinsicGas } from "./intrinsic-gas.js";
import { readPlainTransaction } from "./read-plain.js";
import { recoverSender, signingHash, transactionHash } from "./sender.js";
import type { Transaction, TransactionType } from "./transaction.js";

const TYPES: readonly TransactionType[] = [0, 1, 2, 3, 4];
const OSAKA: TransactionRules = { fork: "osaka", chainId: 1n };
// The peer wants a KZG library to be there for every blob transaction; decoding never calls it.
const common = new Common({ chain: Mainnet, hardfork: Hardfork.Prague, customCrypto: { kzg: {} as never } });
const sender = computeAddress(toHex(KEY)).toLowerCase();

const PLAIN: TransactionFields = {
  type: 2,
  chainId: 1n,
  nonce: 7n,
  to: "0x1111111111111111111111111111111111111111" as TransactionFields["to"],
  value: 5n,
  gasLimit: 100_000n,
  data: Uint8Array.of(1, 0, 2),
  maxFeePerGas: 20n,
  maxPriorityFeePerGas: 3n,
  accessList: [],
  authorizationList: [],
  maxFeePerBlobGas: 0n,
  blobVersionedHashes: [],
  signature: { v: 0n, r: 1n, s: 1n },
};

function codeOf(action: () => unknown): string {
  try {
    action();
    return "accepted";
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return error.code;
  }
}

/** The list of a signed transaction with one item replaced, encoded again. */
function withItem(transaction: Transaction, index: number, item: RlpItem): Uint8Array {
  const items = [...(decodeRlp(transaction.raw.subarray(transaction.type === 0 ? 0 : 1)) as RlpItem[])];
  items[index] = item;
  const list = encodeRlp(items);
  return transaction.type === 0 ? list : Uint8Array.of(transaction.type, ...list);
}

describe.each(TYPES)("a transaction of type %i", (type) => {
  it("is decoded, hashed, signed and priced as @ethereumjs/tx does", () => {
    fc.assert(
      fc.property(transactionFields(type), (fields) => {
        const transaction = sign(fields);
        const peer = createTxFromRLP(transaction.raw, { common });
        checkTransaction(transaction, { fork: "prague", chainId: 1n });
        expect(transactionHash(transaction)).toBe(toHex(peer.hash()));
        expect(signingHash(transaction)).toEqual(peer.getHashedMessageToSign());
        expect(recoverSender(transaction, recoverPublicKey)).toBe(sender);
        expect(peer.getSenderAddress().toString()).toBe(sender);
        expect(intrinsicGas(transaction, OSAKA)).toBe(peer.getIntrinsicGas());
        expect(encodeTransaction(transaction)).toEqual(transaction.raw);
        expect(transaction).toMatchObject({ ...fields, signature: expect.anything() });
      }),
      { numRuns: 40 },
    );
  });

  it("either is refused with a coded error or has exactly these bytes, whatever they are", () => {
    const mutated = fc
      .tuple(
        transactionFields(type),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
      )
      .map(([fields, changes]) => {
        const raw = sign(fields).raw.slice();
        for (const [at, byte] of changes) raw[at % raw.length] = byte;
        return raw;
      });
    fc.assert(
      fc.property(mutated, (raw) => {
        const code = codeOf(() => {
          const transaction = decodeTransaction(raw);
          expect(encodeTransaction(transaction)).toEqual(raw);
          checkTransaction(transaction, OSAKA);
          recoverSender(transaction, recoverPublicKey);
        });
        expect(code).toMatch(/^[a-z][a-z0-9-]+$/);
      }),
      { numRuns: 300 },
    );
  });
});

describe("decodeTransaction", () => {
  it("refuses arbitrary bytes with a coded error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(-1, 1, 2, 3, 4), (bytes, prefix) => {
        const raw = prefix < 0 ? bytes : Uint8Array.of(prefix, ...bytes);
        expect(codeOf(() => decodeTransaction(raw))).toMatch(/^[a-z][a-z0-9-]+$/);
      }),
      { numRuns: 5_000 },
    );
  });

  it("names what is wrong", () => {
    const transaction = sign(PLAIN);
    const changed = (index: number, item: RlpItem) =>
      codeOf(() => decodeTransaction(withItem(transaction, index, item)));
    expect(changed(1, Uint8Array.of(0, 7))).toBe("non-canonical-integer");
    expect(changed(1, Uint8Array.of(0))).toBe("non-canonical-integer");
    expect(changed(1, new Uint8Array(9).fill(1))).toBe("integer-overflow");
    expect(changed(6, new Uint8Array(33).fill(1))).toBe("integer-overflow");
    expect(changed(5, new Uint8Array(19))).toBe("wrong-field-length");
    expect(changed(5, [])).toBe("malformed-transaction");
    expect(changed(8, Uint8Array.of(1))).toBe("malformed-transaction");
    expect(changed(8, [[new Uint8Array(20)]])).toBe("malformed-transaction");
    expect(changed(8, [[new Uint8Array(20), [new Uint8Array(31)]]])).toBe("wrong-field-length");
    expect(codeOf(() => decodeTransaction(new Uint8Array(0)))).toBe("malformed-transaction");
    expect(codeOf(() => decodeTransaction(Uint8Array.of(...transaction.raw, 0)))).toBe(
      "malformed-transaction",
    );
    expect(codeOf(() => decodeTransaction(transaction.raw.subarray(0, -1)))).toBe("malformed-transaction");
    expect(codeOf(() => decodeTransaction(Uint8Array.of(5, 0xc0)))).toBe("transaction-type-not-supported");
    expect(codeOf(() => decodeTransaction(Uint8Array.of(0x80, 0xc0)))).toBe("malformed-transaction");
  });
});

describe("checkTransaction", () => {
  const check = (change: Partial<TransactionFields>, rules = OSAKA) =>
    codeOf(() => checkTransaction(decodeTransaction(encodeTransaction({ ...PLAIN, ...change })), rules));

  it.each<[string, Partial<TransactionFields>]>([
    ["accepted", {}],
    ["high-s", { signature: { v: 0n, r: 1n, s: SECP256K1_ORDER / 2n + 1n } }],
    ["accepted", { signature: { v: 1n, r: 1n, s: SECP256K1_ORDER / 2n } }],
    ["invalid-y-parity", { signature: { v: 2n, r: 1n, s: 1n } }],
    ["invalid-y-parity", { signature: { v: 27n, r: 1n, s: 1n } }],
    ["invalid-signature", { signature: { v: 0n, r: 0n, s: 1n } }],
    ["invalid-signature", { signature: { v: 0n, r: 1n, s: 0n } }],
    ["invalid-signature", { signature: { v: 0n, r: SECP256K1_ORDER, s: 1n } }],
    ["wrong-chain-id", { chainId: 2n }],
    ["wrong-chain-id", { type: 0, signature: { v: 39n, r: 1n, s: 1n } }],
    ["invalid-signature-v", { type: 0, signature: { v: 34n, r: 1n, s: 1n } }],
    ["accepted", { type: 0, maxPriorityFeePerGas: 20n, signature: { v: 28n, r: 1n, s: 1n } }],
    ["nonce-at-maximum", { nonce: 2n ** 64n - 1n }],
    ["accepted", { nonce: 2n ** 64n - 2n }],
    ["tip-above-fee-cap", { maxPriorityFeePerGas: 21n }],
    ["cost-overflow", { maxFeePerGas: 2n ** 240n }],
    ["gas-limit-exceeded", { gasLimit: 2n ** 24n + 1n }],
    ["accepted", { gasLimit: 2n ** 24n }],
    ["intrinsic-gas-too-low", { gasLimit: 21_000n }],
    ["init-code-too-large", { to: null, data: new Uint8Array(49_153), gasLimit: 10_000_000n }],
    ["accepted", { to: null, data: new Uint8Array(49_152), gasLimit: 10_000_000n }],
    ["empty-authorization-list", { type: 4 }],
    ["creation-not-allowed", { type: 4, to: null }],
    ["invalid-blobs", { type: 3 }],
    ["invalid-blobs", { type: 3, blobVersionedHashes: [`0x02${"00".repeat(31)}`] as never }],
    ["invalid-blobs", { type: 3, blobVersionedHashes: new Array(7).fill(`0x01${"00".repeat(31)}`) as never }],
  ])("says %s for %o", (code, change) => {
    expect(check(change)).toBe(code);
  });

  it("knows what a fork does not have yet", () => {
    const at = (fork: TransactionRules["fork"], change: Partial<TransactionFields>) =>
      check(change, { fork, chainId: 1n });
    expect(at("berlin", {})).toBe("transaction-type-not-supported");
    expect(at("london", {})).toBe("accepted");
    expect(at("istanbul", { type: 1, maxPriorityFeePerGas: 20n })).toBe("transaction-type-not-supported");
    expect(at("cancun", { type: 4 })).toBe("transaction-type-not-supported");
    const protectedLegacy = { type: 0, signature: { v: 37n, r: 1n, s: 1n } } as const;
    expect(at("homestead", protectedLegacy)).toBe("invalid-signature-v");
    expect(at("spurious-dragon", protectedLegacy)).toBe("accepted");
    const high = { type: 0, signature: { v: 27n, r: 1n, s: SECP256K1_ORDER - 1n } } as const;
    expect(at("frontier", high)).toBe("accepted");
    expect(at("homestead", high)).toBe("high-s");
  });

  it("charges the floor of EIP-7623 from Prague on", () => {
    const data = new Uint8Array(1_000).fill(1);
    const fields = { ...PLAIN, data };
    expect(floorGas(fields, { fork: "cancun", chainId: 1n })).toBe(0n);
    expect(floorGas(fields, OSAKA)).toBe(61_000n);
    expect(check({ data, gasLimit: 60_999n })).toBe("intrinsic-gas-too-low");
    expect(check({ data, gasLimit: 61_000n })).toBe("accepted");
  });
});

describe("recoverSender", () => {
  it("agrees with ethers about a transaction before and after EIP-155", () => {
    for (const chainId of [0n, 1n]) {
      const peer = EthersTransaction.from({
        type: 0,
        chainId,
        nonce: 3,
        gasPrice: 9n,
        gasLimit: 21_000n,
        to: PLAIN.to,
        value: 1n,
      });
      const unsigned = { ...PLAIN, type: 0, nonce: 3n, maxFeePerGas: 9n, maxPriorityFeePerGas: 9n } as const;
      const fields = { ...unsigned, gasLimit: 21_000n, value: 1n, data: new Uint8Array(0) };
      const v = chainId === 0n ? 27n : 37n;
      const draft = decodeTransaction(encodeTransaction({ ...fields, signature: { v, r: 1n, s: 1n } }));
      expect(toHex(signingHash(draft))).toBe(peer.unsignedHash);
    }
  });

  it("refuses an r that is no point of the curve", () => {
    const transaction = sign(PLAIN);
    // x = 5 has no point on secp256k1.
    expect(
      codeOf(() => recoverSender({ ...transaction, signature: { v: 0n, r: 5n, s: 1n } }, recoverPublicKey)),
    ).toBe("invalid-signature");
    expect(fromHex(recoverSender(transaction, recoverPublicKey))).toHaveLength(20);
  });
});

describe("the reader of plain transactions", () => {
  const plain = (type: 0 | 2) =>
    transactionFields(type).map((fields) => sign({ ...fields, accessList: [] }).raw);

  it("reads every legacy and EIP-1559 transaction without access list as the general decoder does", () => {
    fc.assert(
      fc.property(fc.oneof(plain(0), plain(2)), (raw) => {
        expect(readPlainTransaction(raw)).toStrictEqual(decodeAnyTransaction(raw));
      }),
      { numRuns: 200 },
    );
  });

  it("takes nothing that the general decoder refuses or reads in another way, whatever the bytes", () => {
    const broken = fc
      .tuple(
        fc.oneof(plain(0), plain(2)),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
        fc.nat(3),
      )
      .map(([raw, changes, cut]) => {
        const out = raw.slice(0, raw.length - cut);
        // Most of what can go wrong is in the first bytes: headers, lengths, leading zeros.
        for (const [at, byte] of changes) out[at % (at % 2 === 0 ? out.length : 16)] = byte;
        return out;
      });
    fc.assert(
      fc.property(fc.oneof(broken, fc.uint8Array({ maxLength: 40 })), (raw) => {
        const read = readPlainTransaction(raw);
        if (read !== undefined) expect(read).toStrictEqual(decodeAnyTransaction(raw));
      }),
      { numRuns: 3_000 },
    );
  });

  it("leaves access lists, other types and very long data to the general decoder", () => {
    const entry = { address: PLAIN.to as NonNullable<TransactionFields["to"]>, storageKeys: [] };
    expect(readPlainTransaction(sign({ ...PLAIN, accessList: [entry] }).raw)).toBeUndefined();
    expect(readPlainTransaction(sign({ ...PLAIN, type: 1 }).raw)).toBeUndefined();
    expect(readPlainTransaction(sign({ ...PLAIN, data: new Uint8Array(70_000) }).raw)).toBeUndefined();
    expect(decodeTransaction(sign({ ...PLAIN, data: new Uint8Array(70_000) }).raw).data).toHaveLength(70_000);
  });
});
