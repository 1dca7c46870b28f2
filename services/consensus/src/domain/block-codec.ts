import { keccak256 } from "@aios/core-keccak/keccak";
import { addressOf, bigintToBytes, bytes32Of, bytesToBigint, concat, fromHex } from "@aios/core-rlp/hex";
import {
  decodeRlp,
  encodeRlp,
  type RlpItem,
  rlpBytes,
  rlpHeaderLength,
  rlpLength,
  rlpList,
} from "@aios/core-rlp/rlp";
import { EMPTY_TRIE_ROOT, EMPTY_UNCLES_HASH } from "@aios/core-trie/empty-hashes";
import { orderedTrieRoot } from "@aios/core-trie/ordered-trie";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { sha256 } from "@noble/hashes/sha2";
import type { Block, BlockHeader, EarlierForm, HeaderForm, Log, Receipt, Withdrawal } from "./block.js";
import { logsBloom, receiptBlooms } from "./bloom.js";
import { corruptStore } from "./errors.js";
import type { SignedTransaction } from "./transaction.js";

const NO_BYTES = new Uint8Array(0);
const SUCCEEDED = Uint8Array.of(1);
const HEADER_FIELDS = 21;
const ZERO_NONCE = new Uint8Array(8);

/** A header before its hash is known. */
export type HeaderFields = Omit<BlockHeader, "hash" | "sizeBytes">;

/** Fields of each form of Ethereum's header; later forms only append. */
const FIELDS_OF: Readonly<Record<HeaderForm, number>> = {
  frontier: 15,
  london: 16,
  shanghai: 17,
  cancun: 20,
  prague: HEADER_FIELDS,
};

const FORMS: readonly HeaderForm[] = ["frontier", "london", "shanghai", "cancun", "prague"];
const ZERO_HASH = `0x${"00".repeat(32)}` as Bytes32;

function headerItems(header: HeaderFields): RlpItem[] {
  const {
    form = "prague",
    difficulty = 0n,
    nonce = ZERO_NONCE,
    unclesHash = EMPTY_UNCLES_HASH,
  } = header.earlierForm ?? {};
  return [
    fromHex(header.parentHash),
    fromHex(unclesHash),
    fromHex(header.feeRecipient),
    fromHex(header.stateRoot),
    fromHex(header.transactionsRoot),
    fromHex(header.receiptsRoot),
    header.logsBloom,
    bigintToBytes(difficulty),
    bigintToBytes(BigInt(header.number)),
    bigintToBytes(header.gasLimit),
    bigintToBytes(header.gasUsed),
    bigintToBytes(BigInt(header.timestamp)),
    header.extraData,
    fromHex(header.prevRandao),
    nonce,
    bigintToBytes(header.baseFeePerGas),
    fromHex(header.withdrawalsRoot),
    bigintToBytes(header.blobGasUsed),
    bigintToBytes(header.excessBlobGas),
    fromHex(header.parentBeaconBlockRoot),
    fromHex(header.requestsHash),
  ].slice(0, FIELDS_OF[form]);
}

function transactionItem(transaction: Pick<SignedTransaction, "type" | "raw">): RlpItem {
  return transaction.type === 0 ? decodeRlp(transaction.raw) : transaction.raw;
}

/** Bytes of the transaction in the encoding of its block: a legacy one is a list there, any other a string. */
function lengthInBlock(transaction: Pick<SignedTransaction, "type" | "raw">): number {
  return transaction.type === 0 ? transaction.raw.length : rlpLength(transaction.raw);
}

function listLength(payload: number): number {
  return rlpHeaderLength(payload) + payload;
}

function hasWithdrawals({ earlierForm }: Pick<BlockHeader, "earlierForm">): boolean {
  return FIELDS_OF[earlierForm?.form ?? "prague"] >= FIELDS_OF.shanghai;
}

/** What the header of a block without work has besides in a form before the network's; nothing in the network's own. */
export function earlierFormOf(form: HeaderForm): { readonly earlierForm?: EarlierForm } {
  if (form === "prague") return {};
  return { earlierForm: { form, difficulty: 0n, nonce: ZERO_NONCE, unclesHash: EMPTY_UNCLES_HASH } };
}

/** Hashes and measures a header. The hash is Ethereum's (yellow paper 4.4, with the fields of EIP-1559 to EIP-7685). */
export function sealHeader(
  fields: HeaderFields,
  transactions: readonly Pick<SignedTransaction, "type" | "raw">[],
  withdrawals: readonly Withdrawal[] = [],
): BlockHeader {
  const items = headerItems(fields);
  const hash = bytes32Of(keccak256(encodeRlp(items)));
  const body = transactions.reduce((sum, transaction) => sum + lengthInBlock(transaction), 0);
  const lists =
    listLength(body) +
    listLength(0) +
    (hasWithdrawals(fields) ? rlpLength(withdrawals.map(withdrawalItem)) : 0);
  return { ...fields, hash, sizeBytes: listLength(rlpLength(items) + lists) };
}

/** The header as it is hashed. */
export function headerRlp(header: HeaderFields): Uint8Array {
  return encodeRlp(headerItems(header));
}

/** The whole block in Ethereum's encoding: header, transactions, uncles, and withdrawals from Shanghai on. */
export function blockRlp(block: Block): Uint8Array {
  const items: RlpItem[] = [
    headerItems(block.header),
    block.transactions.map(transactionItem),
    (block.uncles ?? []).map((uncle) => decodeRlp(uncle)),
  ];
  if (hasWithdrawals(block.header)) items.push((block.withdrawals ?? []).map(withdrawalItem));
  return encodeRlp(items);
}

function withdrawalItem(withdrawal: Withdrawal): RlpItem {
  return [
    bigintToBytes(withdrawal.index),
    bigintToBytes(withdrawal.validatorIndex),
    fromHex(withdrawal.address),
    bigintToBytes(withdrawal.amount),
  ];
}

/** Root over withdrawals (EIP-4895). */
export function withdrawalsRoot(withdrawals: readonly Withdrawal[]): Bytes32 {
  return withdrawals.length === 0
    ? EMPTY_TRIE_ROOT
    : orderedTrieRoot(withdrawals.map((withdrawal) => encodeRlp(withdrawalItem(withdrawal))));
}

/** Header as stored: the RLP that is hashed, and the size of the block. */
export function encodeHeader(header: BlockHeader): Uint8Array {
  return encodeRlp([headerItems(header), bigintToBytes(BigInt(header.sizeBytes))]);
}

/** Inverse of `encodeHeader`. Throws `corrupt-store`. */
export function decodeHeader(rlp: Uint8Array): BlockHeader {
  const outer = rlpList(decodeRlp(rlp));
  const items = rlpList(outer[0]);
  if (items.length !== HEADER_FIELDS) throw corruptStore("a header has the wrong number of fields");
  return headerFromItems(items, Number(bytesToBigint(rlpBytes(outer[1]))));
}

/**
 * The header in a list of RLP items, of any form; what later forms brought is zero in an earlier one. `sizeBytes`: of
 * the encoded block. Throws `corrupt-store` for a number of fields that no form has.
 */
export function headerFromItems(items: readonly RlpItem[], sizeBytes: number): BlockHeader {
  const form = FORMS.find((each) => FIELDS_OF[each] === items.length);
  if (form === undefined) throw corruptStore(`a header has ${items.length} fields`);
  const field = (index: number): Uint8Array => rlpBytes(items[index] ?? NO_BYTES);
  const integer = (index: number): bigint => bytesToBigint(field(index));
  const hash = (index: number, absent: Bytes32): Bytes32 =>
    index < items.length ? bytes32Of(field(index)) : absent;
  const difficulty = integer(7);
  const isOwn = form === "prague" && difficulty === 0n;
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
    ...(isOwn
      ? {}
      : {
          earlierForm: {
            form,
            difficulty,
            nonce: field(14).slice(),
            unclesHash: bytes32Of(field(1)),
          },
        }),
  };
}

function logItem(log: Log): RlpItem {
  return [fromHex(log.address), log.topics.map(fromHex), log.data];
}

/** Receipts as stored: what cannot be derived from the transaction, once each. */
export function encodeReceipts(receipts: readonly Receipt[]): Uint8Array {
  return encodeRlp(
    receipts.map((receipt) => [
      receipt.succeeded ? SUCCEEDED : NO_BYTES,
      bigintToBytes(receipt.gasUsed),
      bigintToBytes(receipt.cumulativeGasUsed),
      receipt.contractAddress === null ? NO_BYTES : fromHex(receipt.contractAddress),
      receipt.logs.map(logItem),
    ]),
  );
}

/** Inverse of `encodeReceipts`. */
export function decodeReceipts(rlp: Uint8Array): Receipt[] {
  return rlpList(decodeRlp(rlp)).map((item) => {
    const [status, gasUsed, cumulative, created, logs] = rlpList(item);
    const contract = rlpBytes(created);
    return {
      succeeded: rlpBytes(status).length === 1,
      gasUsed: bytesToBigint(rlpBytes(gasUsed)),
      cumulativeGasUsed: bytesToBigint(rlpBytes(cumulative)),
      contractAddress: contract.length === 0 ? null : addressOf(contract),
      logs: rlpList(logs).map((log) => {
        const [owner, topics, data] = rlpList(log);
        return {
          address: addressOf(rlpBytes(owner)),
          topics: rlpList(topics).map((topic) => bytes32Of(rlpBytes(topic))),
          data: rlpBytes(data).slice(),
        };
      }),
    };
  });
}

/** Root over the consensus encoding of receipts (EIP-2718, EIP-658). `blooms`: theirs, where they are known already. */
export function receiptsRoot(
  receipts: readonly Receipt[],
  transactions: readonly Pick<SignedTransaction, "type">[],
  blooms: readonly Uint8Array[] = receiptBlooms(receipts),
): Bytes32 {
  if (receipts.length === 0) return EMPTY_TRIE_ROOT;
  return orderedTrieRoot(
    receipts.map((receipt, index) => receiptRlp(receipt, transactions[index]?.type ?? 0, blooms[index])),
  );
}

/** Consensus encoding of a receipt: status or, before Byzantium, state root; gas; bloom; logs. */
export function receiptRlp(
  receipt: Receipt,
  type: number,
  bloom: Uint8Array = logsBloom(receipt.logs),
): Uint8Array {
  const status = receipt.succeeded ? SUCCEEDED : NO_BYTES;
  const fields = [
    receipt.postState === undefined ? status : fromHex(receipt.postState),
    bigintToBytes(receipt.cumulativeGasUsed),
    bloom,
    receipt.logs.map(logItem),
  ];
  return type === 0 ? encodeRlp(fields) : encodeRlp(fields, type);
}

/** Hash of the execution layer's requests, each with its type in front, none of them empty (EIP-7685). */
export function requestsHash(requests: readonly Uint8Array[]): Bytes32 {
  return bytes32Of(sha256(concat(...requests.map((request) => sha256(request)))));
}

/** Root over the canonical encoding of transactions. */
export function transactionsRoot(transactions: readonly Pick<SignedTransaction, "raw">[]): Bytes32 {
  return transactions.length === 0
    ? EMPTY_TRIE_ROOT
    : orderedTrieRoot(transactions.map((transaction) => transaction.raw));
}
