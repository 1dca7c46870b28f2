import { addressOf, bytes32Of, bytesToBigint, fromHex } from "@aios/core-rlp/hex";
import { decodeRlp, type RlpItem, rlpList } from "@aios/core-rlp/rlp";
import type { Common } from "@ethereumjs/common";
import { createTxFromRLP, isEOACode7702Tx, isLegacyTx, type TypedTransaction } from "@ethereumjs/tx";
import { Address as EvmAddress } from "@ethereumjs/util";
import {
  gasLimitExceeded,
  invalidSignature,
  malformedTransaction,
  notReplayProtected,
  tipAboveFeeCap,
  transactionTypeNotAdmitted,
  wrongChainId,
} from "../../domain/errors.js";
import { keccak256 } from "../../domain/keccak.js";
import type { TransactionCodec } from "../../domain/ports.js";
import type {
  AccessListEntry,
  Authorization,
  SignedTransaction,
  TransactionType,
} from "../../domain/transaction.js";

const decoded = new WeakMap<SignedTransaction, TypedTransaction>();

interface Envelope {
  readonly type: TransactionType;
  readonly chainId: bigint | undefined;
  readonly gasLimit: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

const FIELD_COUNTS: Readonly<Record<TransactionType, number>> = { 0: 9, 1: 11, 2: 12, 3: 14, 4: 13 };

function readEnvelope(raw: Uint8Array): Envelope {
  const first = raw[0];
  if (first === undefined) throw malformedTransaction("the transaction is empty");
  const type = first >= 0xc0 ? 0 : first;
  if (type !== 0 && type !== 1 && type !== 2 && type !== 4) throw transactionTypeNotAdmitted(type);
  let fields: readonly RlpItem[];
  try {
    fields = rlpList(decodeRlp(type === 0 ? raw : raw.subarray(1)));
  } catch (cause) {
    throw malformedTransaction(cause instanceof Error ? cause.message : "undecodable");
  }
  if (fields.length !== FIELD_COUNTS[type])
    throw malformedTransaction(`a type ${type} transaction has ${FIELD_COUNTS[type]} fields`);
  const integer = (index: number): bigint => {
    const item = fields[index];
    if (!(item instanceof Uint8Array) || item.length > 32)
      throw malformedTransaction(`field ${index} is not an integer`);
    if (item[0] === 0) throw malformedTransaction(`field ${index} has leading zeros`);
    return bytesToBigint(item);
  };
  if (type === 0) {
    const v = integer(6);
    const price = integer(1);
    const chainId = v >= 35n ? (v - 35n) / 2n : undefined;
    return { type, chainId, gasLimit: integer(2), maxFeePerGas: price, maxPriorityFeePerGas: price };
  }
  if (type === 1) {
    return {
      type,
      chainId: integer(0),
      gasLimit: integer(3),
      maxFeePerGas: integer(2),
      maxPriorityFeePerGas: integer(2),
    };
  }
  return {
    type,
    chainId: integer(0),
    gasLimit: integer(4),
    maxFeePerGas: integer(3),
    maxPriorityFeePerGas: integer(2),
  };
}

function accessListOf(transaction: TypedTransaction): AccessListEntry[] {
  if (isLegacyTx(transaction)) return [];
  return transaction.accessList.map(([owner, slots]) => ({
    address: addressOf(owner),
    storageKeys: slots.map(bytes32Of),
  }));
}

function authorizationsOf(transaction: TypedTransaction): Authorization[] {
  if (!isEOACode7702Tx(transaction)) return [];
  return transaction.authorizationList.map(([chainId, owner, nonce, yParity, r, s]) => ({
    chainId: bytesToBigint(chainId),
    address: addressOf(owner),
    nonce: bytesToBigint(nonce),
    yParity: Number(bytesToBigint(yParity)),
    r: bytesToBigint(r),
    s: bytesToBigint(s),
  }));
}

function dataAndTo(transaction: TypedTransaction): Pick<SignedTransaction, "to" | "data"> {
  return {
    to: transaction.to === undefined ? null : addressOf(transaction.to.bytes),
    data: transaction.data,
  };
}

/** EIP-7825, active from Osaka. */
export const TRANSACTION_GAS_CAP = 2n ** 24n;

/** Decoding and signature recovery by `@ethereumjs/tx`, behind checks that name what is wrong. */
export class EthereumJsTransactionCodec implements TransactionCodec {
  constructor(
    private readonly common: Common,
    private readonly chainId: number,
  ) {}

  decode(raw: Uint8Array): SignedTransaction {
    const envelope = readEnvelope(raw);
    if (envelope.chainId === undefined) throw notReplayProtected();
    if (envelope.chainId !== BigInt(this.chainId)) throw wrongChainId(this.chainId, envelope.chainId);
    if (envelope.maxPriorityFeePerGas > envelope.maxFeePerGas) throw tipAboveFeeCap();
    if (this.common.isActivatedEIP(7825) && envelope.gasLimit > TRANSACTION_GAS_CAP)
      throw gasLimitExceeded(TRANSACTION_GAS_CAP);
    const transaction = this.#parse(raw);
    let sender: EvmAddress;
    try {
      sender = transaction.getSenderAddress();
    } catch {
      throw invalidSignature();
    }
    return this.#convert(transaction, envelope, raw, sender);
  }

  /** Decodes a transaction of a stored block; its sender was recovered when it was admitted. */
  decodeTrusted(raw: Uint8Array, sender: Uint8Array): SignedTransaction {
    const out = this.#convert(this.#parse(raw), readEnvelope(raw), raw, new EvmAddress(sender.slice()));
    decoded.delete(out);
    return out;
  }

  /** The library's own form of a transaction that this or another codec decoded. */
  typed(transaction: SignedTransaction): TypedTransaction {
    const known = decoded.get(transaction);
    if (known !== undefined) return known;
    const parsed = this.#parse(transaction.raw);
    const sender = new EvmAddress(fromHex(transaction.sender));
    parsed.getSenderAddress = () => sender;
    decoded.set(transaction, parsed);
    return parsed;
  }

  /** Forgets the library's form of a transaction that will hardly run again. */
  release(transaction: SignedTransaction): void {
    decoded.delete(transaction);
  }

  #parse(raw: Uint8Array): TypedTransaction {
    try {
      return createTxFromRLP(raw, { common: this.common, freeze: false });
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : "undecodable";
      if (/signature|s-value/i.test(message)) throw invalidSignature();
      throw malformedTransaction(message.split(" (")[0] as string);
    }
  }

  #convert(
    transaction: TypedTransaction,
    envelope: Envelope,
    raw: Uint8Array,
    sender: EvmAddress,
  ): SignedTransaction {
    const { v, r, s } = transaction;
    if (v === undefined || r === undefined || s === undefined) throw invalidSignature();
    // Recovery costs more than a transfer: the engine finds the sender already known.
    transaction.getSenderAddress = () => sender;
    const out: SignedTransaction = {
      hash: bytes32Of(keccak256(raw)),
      type: envelope.type,
      sender: addressOf(sender.bytes),
      nonce: transaction.nonce,
      ...dataAndTo(transaction),
      value: transaction.value,
      gasLimit: transaction.gasLimit,
      maxFeePerGas: envelope.maxFeePerGas,
      maxPriorityFeePerGas: envelope.maxPriorityFeePerGas,
      chainId: envelope.chainId,
      accessList: accessListOf(transaction),
      authorizationList: authorizationsOf(transaction),
      minimumGas: transaction.getMinimumGasLimit(),
      signature: { v, r, s },
      raw,
    };
    decoded.set(out, transaction);
    return out;
  }
}
