import { fromHex, unpad } from "@aios/core-rlp/hex";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { CallArguments } from "../../application/call-contract.js";
import type { LogQuery } from "../../application/query-logs.js";
import type { BlockSelector, BlockTag } from "../../domain/block-tag.js";
import type { StateOverride, StateOverrides } from "../../domain/state-override.js";
import type { AccessListEntry, Authorization } from "../../domain/transaction.js";
import { invalidParams } from "./rpc-error.js";

const TAGS: ReadonlySet<string> = new Set<BlockTag>(["earliest", "finalized", "safe", "latest", "pending"]);
const MAX_TOPICS = 4;
const MAX_ALTERNATIVES = 1_000;
const MAX_LIST = 10_000;
const MAX_BLOBS = 128;
const MAX_STORAGE_VALUES = 1_024;

type Fields = Readonly<Record<string, unknown>>;

export function asObject(value: unknown, name: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalidParams(`${name} must be an object`);
  return value as Fields;
}

export function asList(value: unknown, name: string, limit = MAX_LIST): readonly unknown[] {
  if (!Array.isArray(value)) throw invalidParams(`${name} must be a list`);
  if (value.length > limit) throw invalidParams(`${name} has more than ${limit} entries`);
  return value;
}

/** A quantity: `0x` and 1 to 64 hex digits. Leading zeros are tolerated, as most nodes do. */
export function quantity(value: unknown, name: string): bigint {
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]{1,64}$/.test(value))
    throw invalidParams(`${name} must be a 0x-prefixed quantity`);
  return BigInt(value);
}

export function smallNumber(value: unknown, name: string): number {
  const number = quantity(value, name);
  if (number > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidParams(`${name} is too large`);
  return Number(number);
}

const MAX_NONCE = (1n << 64n) - 1n;

function nonce(value: unknown, name: string): bigint {
  const given = quantity(value, name);
  if (given > MAX_NONCE) throw invalidParams(`${name} has more than 64 bits`);
  return given;
}

export function data(value: unknown, name: string): Uint8Array {
  const out = typeof value === "string" && value.startsWith("0x") ? bytesOf(value) : undefined;
  if (out === undefined) throw invalidParams(`${name} must be 0x-prefixed hex of whole bytes`);
  return out;
}

/** Node stops at the first character that is no hex digit: then bytes are missing. */
function bytesOf(hex: string): Uint8Array | undefined {
  const bytes = Buffer.from(hex.slice(2), "hex");
  // Bytes of their own: small buffers share one slab, which would live as long as the last of them.
  return bytes.length * 2 === hex.length - 2 ? new Uint8Array(bytes) : undefined;
}

export function addressParam(value: unknown, name: string): Address {
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(value))
    throw invalidParams(`${name} must be a 20-byte address`);
  return value.toLowerCase() as Address;
}

export function hash(value: unknown, name: string): Bytes32 {
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]{64}$/.test(value))
    throw invalidParams(`${name} must be a 32-byte hash`);
  return value.toLowerCase() as Bytes32;
}

/** A storage slot: 32 bytes, or a quantity as many tools send it. */
export function slot(value: unknown, name: string): Bytes32 {
  return `0x${quantity(value, name).toString(16).padStart(64, "0")}` as Bytes32;
}

export function flag(value: unknown, name: string): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== "boolean") throw invalidParams(`${name} must be a boolean`);
  return value;
}

/** Tag, height, or an EIP-1898 object. Absent means `fallback`. */
export function blockSelector(value: unknown, name: string, fallback: BlockTag = "latest"): BlockSelector {
  if (value === undefined || value === null) return { kind: "tag", tag: fallback };
  if (typeof value === "object") {
    const object = asObject(value, name);
    if (object["blockHash"] !== undefined)
      return { kind: "hash", hash: hash(object["blockHash"], `${name}.blockHash`) };
    return blockSelector(object["blockNumber"] ?? "", `${name}.blockNumber`);
  }
  if (typeof value === "string" && TAGS.has(value)) return { kind: "tag", tag: value as BlockTag };
  if (typeof value === "string" && /^0x[0-9a-fA-F]{64}$/.test(value))
    return { kind: "hash", hash: hash(value, name) };
  return { kind: "height", height: smallNumber(value, name) };
}

function accessList(value: unknown): readonly AccessListEntry[] {
  return asList(value, "accessList").map((item, index) => {
    const entry = asObject(item, `accessList.${index}`);
    return {
      address: addressParam(entry["address"], `accessList.${index}.address`),
      storageKeys: asList(entry["storageKeys"] ?? [], `accessList.${index}.storageKeys`).map((key) =>
        hash(key, "storageKeys"),
      ),
    };
  });
}

/** 0 or 1, also as 27 or 28. What else it is is left for the authorization's own check to refuse. */
function parity(value: unknown, name: string): number {
  const given = smallNumber(value, name);
  return given === 27 || given === 28 ? given - 27 : given;
}

function authorizations(value: unknown): readonly Authorization[] {
  return asList(value, "authorizationList", 256).map((item, index) => {
    const name = `authorizationList.${index}`;
    const entry = asObject(item, name);
    return {
      chainId: quantity(entry["chainId"], `${name}.chainId`),
      address: addressParam(entry["address"], `${name}.address`),
      nonce: quantity(entry["nonce"], `${name}.nonce`),
      yParity: parity(entry["yParity"] ?? entry["v"], `${name}.yParity`),
      r: quantity(entry["r"], `${name}.r`),
      s: quantity(entry["s"], `${name}.s`),
    };
  });
}

function blobHashes(value: unknown, name: string): readonly Bytes32[] {
  return asList(value, name, MAX_BLOBS).map((item, index) => hash(item, `${name}.${index}`));
}

/** Accounts and slots of `eth_getStorageValues`. */
export function storageRequests(value: unknown): (readonly [Address, readonly Bytes32[]])[] {
  let total = 0;
  const out = Object.entries(asObject(value, "requests")).map(([key, keys]) => {
    const slots = asList(keys, key, MAX_STORAGE_VALUES).map((item) => slot(item, key));
    total += slots.length;
    return [addressParam(key, "requests"), slots] as const;
  });
  if (out.length === 0) throw invalidParams("requests must name at least one account");
  if (total > MAX_STORAGE_VALUES) throw invalidParams(`requests names more than ${MAX_STORAGE_VALUES} slots`);
  return out;
}

/** The transaction object of `eth_call` and its relatives. */
export function callArguments(value: unknown): CallArguments {
  const object = asObject(value, "transaction");
  const optional = <T>(key: string, parse: (value: unknown, name: string) => T): T | undefined => {
    const field = object[key];
    return field === undefined || field === null ? undefined : parse(field, key);
  };
  const input = optional("input", data);
  const legacyInput = optional("data", data);
  if (input !== undefined && legacyInput !== undefined && Buffer.compare(input, legacyInput) !== 0) {
    throw invalidParams('both "data" and "input" are set and not equal; "input" is preferred');
  }
  const gasPrice = optional("gasPrice", quantity);
  const maxFee = optional("maxFeePerGas", quantity);
  if (gasPrice !== undefined && maxFee !== undefined)
    throw invalidParams("both gasPrice and maxFeePerGas are set");
  const tip = optional("maxPriorityFeePerGas", quantity);
  const fee = gasPrice ?? maxFee;
  if (fee !== undefined && tip !== undefined && tip > fee)
    throw invalidParams("maxPriorityFeePerGas is higher than maxFeePerGas");
  const fields = {
    from: optional("from", addressParam),
    to: optional("to", addressParam),
    data: input ?? legacyInput,
    value: optional("value", quantity),
    gasLimit: optional("gas", quantity) ?? optional("gasLimit", quantity),
    maxFeePerGas: fee,
    maxPriorityFeePerGas: gasPrice ?? tip,
    accessList: optional("accessList", accessList),
    authorizationList: optional("authorizationList", authorizations),
    blobVersionedHashes: optional("blobVersionedHashes", blobHashes),
    maxFeePerBlobGas: optional("maxFeePerBlobGas", quantity),
    namesFeeMarket: maxFee === undefined && tip === undefined ? undefined : (true as const),
  };
  const out: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) if (field !== undefined) out[key] = field;
  return out as CallArguments;
}

function slots(value: unknown, name: string): Map<Bytes32, Uint8Array> {
  const out = new Map<Bytes32, Uint8Array>();
  for (const [key, content] of Object.entries(asObject(value, name))) {
    out.set(hash(key, `${name} slot`), unpad(fromHex(hash(content, `${name}.${key}`))));
  }
  return out;
}

/** State overrides of `eth_call` (Geth's third parameter). */
export function stateOverrides(value: unknown): StateOverrides | undefined {
  if (value === undefined || value === null) return undefined;
  const overrides = accountOverrides(value);
  for (const override of overrides.values())
    if (override.movePrecompileTo !== undefined)
      throw invalidParams("movePrecompileToAddress is for eth_simulateV1");
  return overrides;
}

/** State overrides of a simulated block, which may move precompiled contracts. */
export function accountOverrides(value: unknown): StateOverrides {
  const out = new Map<Address, StateOverride>();
  for (const [key, item] of Object.entries(asObject(value, "stateOverrides"))) {
    const entry = asObject(item, `stateOverrides.${key}`);
    const optional = <T>(field: string, parse: (value: unknown, name: string) => T): T | undefined =>
      entry[field] === undefined || entry[field] === null ? undefined : parse(entry[field], field);
    const [state, stateDiff] = [optional("state", slots), optional("stateDiff", slots)];
    if (state !== undefined && stateDiff !== undefined)
      throw invalidParams("both state and stateDiff are set");
    const target = optional("movePrecompileToAddress", addressParam);
    out.set(addressParam(key, "stateOverrides"), {
      balance: optional("balance", quantity),
      nonce: optional("nonce", nonce),
      code: optional("code", data),
      state,
      stateDiff,
      ...(target === undefined ? {} : { movePrecompileTo: target }),
    });
  }
  if (out.size > 1_000) throw invalidParams("stateOverrides names more than 1000 accounts");
  return out;
}

function oneOrMany<T>(
  value: unknown,
  name: string,
  parse: (value: unknown, name: string) => T,
): readonly T[] {
  return Array.isArray(value)
    ? asList(value, name, MAX_ALTERNATIVES).map((item) => parse(item, name))
    : [parse(value, name)];
}

/** Alternatives of which one is `null` leave a topic open, as Geth has it. */
function isAnything(alternatives: unknown): boolean {
  return Array.isArray(alternatives) && alternatives.includes(null);
}

/** Filter object of `eth_getLogs`, `eth_newFilter` and `logs` subscriptions. */
export function logQuery(value: unknown): LogQuery {
  const object = value === undefined || value === null ? {} : asObject(value, "filter");
  const addresses =
    object["address"] === undefined || object["address"] === null
      ? []
      : oneOrMany(object["address"], "address", addressParam);
  const topics = asList(object["topics"] ?? [], "topics", MAX_TOPICS).map((item) =>
    item === null || item === undefined || isAnything(item) ? null : oneOrMany(item, "topics", hash),
  );
  const blockHash = object["blockHash"];
  if (blockHash !== undefined && blockHash !== null) {
    if (object["fromBlock"] !== undefined || object["toBlock"] !== undefined) {
      throw invalidParams("blockHash cannot be combined with fromBlock or toBlock");
    }
    return {
      addresses,
      topics,
      from: { kind: "hash", hash: hash(blockHash, "blockHash") },
      to: { kind: "hash", hash: hash(blockHash, "blockHash") },
    };
  }
  return {
    addresses,
    topics,
    from: blockSelector(object["fromBlock"], "fromBlock"),
    to: blockSelector(object["toBlock"], "toBlock"),
  };
}
