import type { Address } from "@aios/kernel/identifiers";
import type { Withdrawal } from "../../domain/block.js";
import type {
  BlockOverrides,
  SimulatedBlockRequest,
  SimulatedCall,
  SimulationRequest,
} from "../../domain/simulation.js";
import type { TransactionType } from "../../domain/transaction.js";
import {
  accountOverrides,
  addressParam,
  asList,
  asObject,
  callArguments,
  flag,
  hash,
  quantity,
  smallNumber,
} from "./parameters.js";
import { invalidParams, RpcError } from "./rpc-error.js";

const MAX_BLOCKS = 256;
const MAX_CALLS = 1_000;
const MAX_WITHDRAWALS = 1_000;
const MAX_NONCE = 2n ** 64n - 1n;
const TOO_MANY_BLOCKS = -38026;
const ZERO_ADDRESS = `0x${"00".repeat(20)}` as Address;

type Fields = Readonly<Record<string, unknown>>;

function optional<T>(fields: Fields, key: string, parse: (value: unknown, name: string) => T): T | undefined {
  const value = fields[key];
  return value === undefined || value === null ? undefined : parse(value, key);
}

/** The type that the given fields ask for, as Geth chooses it. */
function typeOf(fields: Fields): TransactionType {
  const given = (key: string): boolean => fields[key] !== undefined && fields[key] !== null;
  if (given("gasPrice")) return given("accessList") ? 1 : 0;
  if (given("authorizationList")) return 4;
  return given("blobVersionedHashes") ? 3 : 2;
}

/** A call of a simulated block, or a transaction to be filled in: with its own nonce and type. */
export function simulatedCall(value: unknown): SimulatedCall {
  const fields = asObject(value, "call");
  const args = callArguments(fields);
  const nonce = optional(fields, "nonce", quantity);
  if (nonce !== undefined && nonce > MAX_NONCE) throw invalidParams("nonce is larger than 2^64 - 1");
  return {
    ...args,
    type: typeOf(fields),
    nonce,
    gasLimit: args.gasLimit,
    from: args.from ?? ZERO_ADDRESS,
    to: args.to ?? null,
    data: args.data ?? new Uint8Array(0),
    value: args.value ?? 0n,
    maxFeePerGas: args.maxFeePerGas ?? 0n,
    maxPriorityFeePerGas: args.maxPriorityFeePerGas ?? 0n,
    accessList: args.accessList ?? [],
    authorizationList: args.authorizationList ?? [],
  };
}

function withdrawal(value: unknown): Withdrawal {
  const fields = asObject(value, "withdrawal");
  return {
    index: quantity(fields["index"], "index"),
    validatorIndex: quantity(fields["validatorIndex"], "validatorIndex"),
    address: addressParam(fields["address"], "address"),
    amount: quantity(fields["amount"], "amount"),
  };
}

function blockOverrides(value: unknown): BlockOverrides {
  const fields = value === undefined || value === null ? {} : asObject(value, "blockOverrides");
  return {
    number: optional(fields, "number", smallNumber),
    timestamp: optional(fields, "time", smallNumber),
    gasLimit: optional(fields, "gasLimit", quantity),
    feeRecipient: optional(fields, "feeRecipient", addressParam),
    prevRandao: optional(fields, "prevRandao", (item, name) =>
      hash(`0x${quantity(item, name).toString(16).padStart(64, "0")}`, name),
    ),
    baseFeePerGas: optional(fields, "baseFeePerGas", quantity),
    blobBaseFeePerGas: optional(fields, "blobBaseFee", quantity),
    parentBeaconBlockRoot: optional(fields, "parentBeaconBlockRoot", hash),
    withdrawals: (
      optional(fields, "withdrawals", (item, name) => asList(item, name, MAX_WITHDRAWALS)) ?? []
    ).map(withdrawal),
  };
}

function block(value: unknown): SimulatedBlockRequest {
  const fields = asObject(value, "blockStateCalls entry");
  return {
    overrides: blockOverrides(fields["blockOverrides"]),
    stateOverrides: optional(fields, "stateOverrides", accountOverrides) ?? new Map(),
    calls: (optional(fields, "calls", (item, name) => asList(item, name, MAX_CALLS)) ?? []).map(
      simulatedCall,
    ),
  };
}

/** The first parameter of `eth_simulateV1`, and whether whole transactions are wanted back. */
export function simulationRequest(
  value: unknown,
  gasCap: bigint,
): { readonly request: SimulationRequest; readonly full: boolean } {
  const fields = asObject(value, "payload");
  const blocks = fields["blockStateCalls"];
  if (!Array.isArray(blocks) || blocks.length === 0) throw invalidParams("empty input");
  if (blocks.length > MAX_BLOCKS) throw new RpcError(TOO_MANY_BLOCKS, "too many blocks");
  return {
    request: {
      blocks: blocks.map(block),
      validation: flag(fields["validation"], "validation"),
      traceTransfers: flag(fields["traceTransfers"], "traceTransfers"),
      gasCap,
    },
    full: flag(fields["returnFullTransactions"], "returnFullTransactions"),
  };
}
