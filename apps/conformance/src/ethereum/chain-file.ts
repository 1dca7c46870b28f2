import { recoverPublicKey } from "@aios/consensus/adapters/secp256k1/recover-public-key";
import type { Block, BlockHeader, HeaderForm, Withdrawal } from "@aios/consensus/domain/block";
import type { SignedTransaction } from "@aios/consensus/domain/transaction";
import { keccak256 } from "@aios/core-keccak/keccak";
import { addressOf, bytes32Of, bytesToBigint } from "@aios/core-rlp/hex";
import { decodeRlp, encodeRlp, type RlpItem, rlpBytes, rlpList } from "@aios/core-rlp/rlp";
import { decodeTransaction } from "@aios/core-transactions/decode-transaction";
import { recoverSender, transactionHash } from "@aios/core-transactions/sender";
import type { Transaction } from "@aios/core-transactions/transaction";
import { EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import type { Bytes32 } from "@aios/kernel/identifiers";

const ZERO_HASH = `0x${"00".repeat(32)}` as Bytes32;
const FORM_OF: Readonly<Record<number, HeaderForm>> = {
  15: "frontier",
  16: "london",
  17: "shanghai",
  20: "cancun",
  21: "prague",
};

/** A block as it lies in the file, with what the reader needs beside the product's form. */
export interface ImportedBlock extends Block {
  readonly uncleHeaders: readonly {
    readonly number: number;
    readonly feeRecipient: BlockHeader["feeRecipient"];
  }[];
}

/** Where each RLP item of a file of blocks ends; lengths only. */
function* itemsOf(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    if (first < 0xc0) throw new Error(`chain.rlp: no list at byte ${at}`);
    const lengthBytes = first < 0xf8 ? 0 : first - 0xf7;
    const length =
      lengthBytes === 0 ? first - 0xc0 : Number(bytesToBigint(bytes.subarray(at + 1, at + 1 + lengthBytes)));
    const end = at + 1 + lengthBytes + length;
    yield bytes.subarray(at, end);
    at = end;
  }
}

/** Header of any fork of Ethereum. Base fee and blob fields are zero before the fork that brought them. */
export function decodeHeader(items: readonly RlpItem[], sizeBytes: number): BlockHeader {
  const form = FORM_OF[items.length];
  if (form === undefined) throw new Error(`a header has ${items.length} fields`);
  const field = (index: number): Uint8Array => rlpBytes(items[index] ?? new Uint8Array(0));
  const integer = (index: number): bigint => bytesToBigint(field(index));
  const hash = (index: number, absent: Bytes32): Bytes32 =>
    index < items.length ? bytes32Of(field(index)) : absent;
  return {
    hash: bytes32Of(keccak256(encodeRlp(items))),
    parentHash: bytes32Of(field(0)),
    feeRecipient: addressOf(field(2)),
    stateRoot: bytes32Of(field(3)),
    transactionsRoot: bytes32Of(field(4)),
    receiptsRoot: bytes32Of(field(5)),
    logsBloom: field(6).slice(),
    number: Number(integer(8)),
    gasLimit: integer(9),
    gasUsed: integer(10),
    timestamp: Number(integer(11)),
    extraData: field(12).slice(),
    prevRandao: bytes32Of(field(13)),
    baseFeePerGas: integer(15),
    withdrawalsRoot: hash(16, EMPTY_TRIE_ROOT),
    blobGasUsed: integer(17),
    excessBlobGas: integer(18),
    parentBeaconBlockRoot: hash(19, ZERO_HASH),
    requestsHash: hash(20, ZERO_HASH),
    sizeBytes,
    earlierForm: {
      form,
      difficulty: integer(7),
      nonce: field(14).slice(),
      unclesHash: bytes32Of(field(1)),
    },
  };
}

export function signedTransaction(transaction: Transaction): SignedTransaction {
  return {
    ...transaction,
    hash: transactionHash(transaction),
    sender: recoverSender(transaction, recoverPublicKey),
    minimumGas: 0n,
  };
}

function transactionOf(item: RlpItem): SignedTransaction {
  return signedTransaction(decodeTransaction(item instanceof Uint8Array ? item.slice() : encodeRlp(item)));
}

function withdrawalOf(item: RlpItem): Withdrawal {
  const [index, validator, address, amount] = rlpList(item).map(rlpBytes);
  const none = new Uint8Array(0);
  return {
    index: bytesToBigint(index ?? none),
    validatorIndex: bytesToBigint(validator ?? none),
    address: addressOf(address ?? none),
    amount: bytesToBigint(amount ?? none),
  };
}

/** The blocks of a file of consecutive RLP blocks (`chain.rlp` of execution-apis). */
export function* readChain(bytes: Uint8Array): Iterable<ImportedBlock> {
  for (const rlp of itemsOf(bytes)) {
    const [header, transactions, uncles, withdrawals] = rlpList(decodeRlp(rlp));
    const uncleItems = rlpList(uncles).map((uncle) => rlpList(uncle));
    yield {
      header: decodeHeader(rlpList(header), rlp.length),
      transactions: rlpList(transactions).map(transactionOf),
      uncles: uncleItems.map((uncle) => encodeRlp(uncle)),
      uncleHeaders: uncleItems.map((uncle) => decodeHeader(uncle, 0)),
      withdrawals: withdrawals === undefined ? [] : rlpList(withdrawals).map(withdrawalOf),
    };
  }
}
