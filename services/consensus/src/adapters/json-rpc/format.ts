import { keccak256 } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import { EMPTY_UNCLES_HASH } from "@aios/core-trie/empty-hashes";
import type { Block, BlockHeader, BlockWithReceipts, HeaderForm, Receipt } from "../../domain/block.js";
import { BLOOM_BYTES, logsBloom } from "../../domain/bloom.js";
import type { StoredLog } from "../../domain/ports.js";
import type { AccountProof } from "../../domain/state.js";
import { effectiveGasPrice, type SignedTransaction } from "../../domain/transaction.js";

export type RpcValue =
  | null
  | boolean
  | string
  | number
  | readonly RpcValue[]
  | { readonly [key: string]: RpcValue | undefined };

export function hexNumber(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

const ZERO_NONCE = "0x0000000000000000";
const EMPTY_BLOOM = `0x${"00".repeat(BLOOM_BYTES)}`;
const ZERO_HASH = `0x${"00".repeat(32)}`;

const FORMS: readonly HeaderForm[] = ["frontier", "london", "shanghai", "cancun", "prague"];
const GAS_PER_BLOB = 131_072;

function has(header: BlockHeader, form: HeaderForm): boolean {
  return FORMS.indexOf(header.earlierForm?.form ?? "prague") >= FORMS.indexOf(form);
}

/** Header as in `eth_getBlockBy…` and `newHeads`. A pending block has no hash, nonce or place yet. */
export function formatHeader(header: BlockHeader, pending = false): { [key: string]: RpcValue } {
  const { earlierForm } = header;
  const out: { [key: string]: RpcValue } = {
    number: hexNumber(header.number),
    hash: pending ? null : header.hash,
    parentHash: header.parentHash,
    sha3Uncles: earlierForm?.unclesHash ?? EMPTY_UNCLES_HASH,
    miner: header.feeRecipient,
    stateRoot: header.stateRoot,
    transactionsRoot: header.transactionsRoot,
    receiptsRoot: header.receiptsRoot,
    logsBloom: toHex(header.logsBloom),
    difficulty: hexNumber(earlierForm?.difficulty ?? 0n),
    gasLimit: hexNumber(header.gasLimit),
    gasUsed: hexNumber(header.gasUsed),
    timestamp: hexNumber(header.timestamp),
    extraData: toHex(header.extraData),
    mixHash: header.prevRandao,
    nonce: pending ? null : earlierForm === undefined ? ZERO_NONCE : toHex(earlierForm.nonce),
  };
  if (has(header, "london")) out["baseFeePerGas"] = hexNumber(header.baseFeePerGas);
  if (has(header, "shanghai")) out["withdrawalsRoot"] = header.withdrawalsRoot;
  if (has(header, "cancun")) {
    out["blobGasUsed"] = hexNumber(header.blobGasUsed);
    out["excessBlobGas"] = hexNumber(header.excessBlobGas);
    out["parentBeaconBlockRoot"] = header.parentBeaconBlockRoot;
  }
  if (has(header, "prague")) out["requestsHash"] = header.requestsHash;
  return out;
}

export function formatBlock(block: Block, full: boolean, pending = false): { [key: string]: RpcValue } {
  const withdrawals = (block.withdrawals ?? []).map((withdrawal) => ({
    index: hexNumber(withdrawal.index),
    validatorIndex: hexNumber(withdrawal.validatorIndex),
    address: withdrawal.address,
    amount: hexNumber(withdrawal.amount),
  }));
  return {
    ...formatHeader(block.header, pending),
    size: hexNumber(block.header.sizeBytes),
    uncles: (block.uncles ?? []).map((uncle) => toHex(keccak256(uncle))),
    ...(has(block.header, "shanghai") ? { withdrawals } : {}),
    transactions: block.transactions.map((transaction, index) =>
      full
        ? formatTransaction(transaction, pending ? undefined : { header: block.header, index })
        : transaction.hash,
    ),
  };
}

export interface FormattedPlace {
  readonly header: BlockHeader;
  readonly index: number;
}

export function formatTransaction(
  transaction: SignedTransaction,
  place: FormattedPlace | undefined,
): { [key: string]: RpcValue } {
  const baseFee = place?.header.baseFeePerGas;
  const price = baseFee === undefined ? transaction.maxFeePerGas : effectiveGasPrice(transaction, baseFee);
  const out: { [key: string]: RpcValue } = {
    blockHash: place?.header.hash ?? null,
    blockNumber: place === undefined ? null : hexNumber(place.header.number),
    blockTimestamp: place === undefined ? null : hexNumber(place.header.timestamp),
    transactionIndex: place === undefined ? null : hexNumber(place.index),
    hash: transaction.hash,
    type: hexNumber(transaction.type),
    from: transaction.sender,
    to: transaction.to,
    nonce: hexNumber(transaction.nonce),
    value: hexNumber(transaction.value),
    gas: hexNumber(transaction.gasLimit),
    gasPrice: hexNumber(transaction.type === 0 || transaction.type === 1 ? transaction.maxFeePerGas : price),
    input: toHex(transaction.data),
    v: hexNumber(transaction.signature.v),
    r: hexNumber(transaction.signature.r),
    s: hexNumber(transaction.signature.s),
  };
  if (transaction.chainId !== undefined) out["chainId"] = hexNumber(transaction.chainId);
  if (transaction.type === 0) return out;
  out["yParity"] = hexNumber(transaction.signature.v);
  out["accessList"] = transaction.accessList.map((entry) => ({
    address: entry.address,
    storageKeys: [...entry.storageKeys],
  }));
  if (transaction.type === 1) return out;
  out["maxFeePerGas"] = hexNumber(transaction.maxFeePerGas);
  out["maxPriorityFeePerGas"] = hexNumber(transaction.maxPriorityFeePerGas);
  if (transaction.type === 3) {
    out["maxFeePerBlobGas"] = hexNumber(transaction.maxFeePerBlobGas);
    out["blobVersionedHashes"] = [...transaction.blobVersionedHashes];
  }
  if (transaction.type === 4) {
    out["authorizationList"] = transaction.authorizationList.map((entry) => ({
      chainId: hexNumber(entry.chainId),
      address: entry.address,
      nonce: hexNumber(entry.nonce),
      yParity: hexNumber(entry.yParity),
      r: hexNumber(entry.r),
      s: hexNumber(entry.s),
    }));
  }
  return out;
}

export function formatLog(log: StoredLog): { [key: string]: RpcValue } {
  return {
    address: log.address,
    topics: [...log.topics],
    data: toHex(log.data),
    blockNumber: hexNumber(log.blockNumber),
    blockHash: log.blockHash,
    blockTimestamp: hexNumber(log.timestamp),
    transactionHash: log.transactionHash,
    transactionIndex: hexNumber(log.transactionIndex),
    logIndex: hexNumber(log.logIndex),
    removed: false,
  };
}

/** All receipts of a block. */
export function formatReceipts(block: BlockWithReceipts): { [key: string]: RpcValue }[] {
  let logIndex = 0;
  return block.receipts.map((receipt, index) => {
    const out = receiptAt(block, index, logIndex);
    logIndex += receipt.logs.length;
    return out;
  });
}

/** The receipt of one transaction of a block. */
export function formatReceipt(block: BlockWithReceipts, index: number): { [key: string]: RpcValue } {
  let logIndex = 0;
  for (let earlier = 0; earlier < index; earlier++) logIndex += block.receipts[earlier]?.logs.length ?? 0;
  return receiptAt(block, index, logIndex);
}

function receiptAt(block: BlockWithReceipts, index: number, logIndex: number): { [key: string]: RpcValue } {
  const transaction = block.transactions[index] as SignedTransaction;
  const receipt = block.receipts[index] as Receipt;
  const { header } = block;
  return {
    transactionHash: transaction.hash,
    transactionIndex: hexNumber(index),
    blockHash: header.hash,
    blockNumber: hexNumber(header.number),
    from: transaction.sender,
    to: transaction.to,
    cumulativeGasUsed: hexNumber(receipt.cumulativeGasUsed),
    gasUsed: hexNumber(receipt.gasUsed),
    effectiveGasPrice: hexNumber(effectiveGasPrice(transaction, header.baseFeePerGas)),
    contractAddress: transaction.to === null ? receipt.contractAddress : null,
    logs: receipt.logs.map((log, offset) =>
      formatLog({
        ...log,
        blockNumber: header.number,
        blockHash: header.hash,
        timestamp: header.timestamp,
        transactionHash: transaction.hash,
        transactionIndex: index,
        logIndex: logIndex + offset,
      }),
    ),
    logsBloom: receipt.logs.length === 0 ? EMPTY_BLOOM : toHex(logsBloom(receipt.logs)),
    ...(receipt.postState === undefined
      ? { status: receipt.succeeded ? "0x1" : "0x0" }
      : { root: receipt.postState }),
    type: hexNumber(transaction.type),
    ...(transaction.type !== 3
      ? {}
      : {
          blobGasUsed: hexNumber(transaction.blobVersionedHashes.length * GAS_PER_BLOB),
          blobGasPrice: hexNumber(header.blobBaseFeePerGas ?? 1n),
        }),
  };
}

/** `keys` are the slots as the caller wrote them: a key of 32 bytes comes back so, any other as a quantity. */
export function formatProof(
  address: string,
  keys: readonly string[],
  proof: AccountProof,
): { [key: string]: RpcValue } {
  return {
    address,
    accountProof: proof.accountProof.map(toHex),
    balance: hexNumber(proof.account.balance),
    nonce: hexNumber(proof.account.nonce),
    codeHash: proof.account.codeHash,
    storageHash: proof.account.storageRoot,
    storageProof: proof.storageProof.map((entry, index) => ({
      key: keys[index]?.length === 66 ? entry.slot : hexNumber(BigInt(entry.slot)),
      value: entry.value.length === 0 ? "0x0" : hexNumber(BigInt(toHex(entry.value))),
      proof: entry.proof.map(toHex),
    })),
  };
}

/** A storage word in full width. */
export function formatWord(value: Uint8Array): string {
  return value.length === 0 ? ZERO_HASH : `0x${toHex(value).slice(2).padStart(64, "0")}`;
}
