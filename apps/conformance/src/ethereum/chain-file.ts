import { recoverPublicKey } from "@aios/consensus/adapters/secp256k1/recover-public-key";
import type { Block, BlockHeader, Withdrawal } from "@aios/consensus/domain/block";
import { headerFromItems } from "@aios/consensus/domain/block-codec";
import type { SignedTransaction } from "@aios/consensus/domain/transaction";
import { addressOf, bytesToBigint } from "@aios/core-rlp/hex";
import { decodeRlp, encodeRlp, type RlpItem, rlpBytes, rlpList } from "@aios/core-rlp/rlp";
import { decodeTransaction } from "@aios/core-transactions/decode-transaction";
import { recoverSender, transactionHash } from "@aios/core-transactions/sender";
import type { Transaction } from "@aios/core-transactions/transaction";
import { ChainFileError } from "./chain-folder.js";

const FILE = "chain.rlp";

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
    if (first < 0xc0) throw new ChainFileError(FILE, `no list at byte ${at}`);
    const lengthBytes = first < 0xf8 ? 0 : first - 0xf7;
    const length =
      lengthBytes === 0 ? first - 0xc0 : Number(bytesToBigint(bytes.subarray(at + 1, at + 1 + lengthBytes)));
    const end = at + 1 + lengthBytes + length;
    if (end > bytes.length) throw new ChainFileError(FILE, `ends inside the block at byte ${at}`);
    yield bytes.subarray(at, end);
    at = end;
  }
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

/** The blocks of a file of consecutive RLP blocks (`chain.rlp` of execution-apis). Throws `ChainFileError`. */
export function* readChain(bytes: Uint8Array): Iterable<ImportedBlock> {
  let index = 0;
  for (const rlp of itemsOf(bytes)) yield decoded(rlp, index++);
}

function decoded(rlp: Uint8Array, index: number): ImportedBlock {
  try {
    return blockOf(rlp);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ChainFileError(FILE, `block ${index} of the file cannot be read: ${why}`, { cause });
  }
}

function blockOf(rlp: Uint8Array): ImportedBlock {
  const [header, transactions, uncles, withdrawals] = rlpList(decodeRlp(rlp));
  const uncleItems = rlpList(uncles).map((uncle) => rlpList(uncle));
  return {
    header: headerFromItems(rlpList(header), rlp.length),
    transactions: rlpList(transactions).map(transactionOf),
    uncles: uncleItems.map((uncle) => encodeRlp(uncle)),
    uncleHeaders: uncleItems.map((uncle) => headerFromItems(uncle, 0)),
    withdrawals: withdrawals === undefined ? [] : rlpList(withdrawals).map(withdrawalOf),
  };
}
