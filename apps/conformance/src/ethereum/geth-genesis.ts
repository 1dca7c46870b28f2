import { fromHex, unpad } from "@aios/core-rlp/hex";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { ChainFileError, isRecord } from "./chain-folder.js";
import type { BlobSchedule, ChainConfig } from "./ethereum-rules.js";

const FILE = "genesis.json";

/** An account of the allocation. */
export interface GenesisAccount {
  readonly balance: bigint;
  readonly nonce: bigint;
  readonly code: Uint8Array;
  /** Big-endian values without leading zeros; none is zero. */
  readonly storage: ReadonlyMap<Bytes32, Uint8Array>;
}

/** A genesis file of Geth, as far as it decides the chain. `undefined`: the fork's own value. */
export interface GethGenesis {
  readonly config: ChainConfig;
  readonly nonce: bigint;
  readonly timestamp: number;
  readonly extraData: Uint8Array;
  readonly gasLimit: bigint;
  readonly difficulty: bigint | undefined;
  readonly mixHash: Bytes32;
  readonly coinbase: Address;
  readonly baseFeePerGas: bigint | undefined;
  readonly blobGasUsed: bigint;
  readonly excessBlobGas: bigint;
  readonly alloc: ReadonlyMap<Address, GenesisAccount>;
}

function malformed(field: string, what: string): ChainFileError {
  return new ChainFileError(FILE, `${field} has to be ${what}`);
}

/** Numbers stand there as numbers, as decimal strings and as hexadecimal ones. */
function quantity(value: unknown, field: string): bigint {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === "string" && /^(0x[0-9a-fA-F]*|[0-9]+)$/.test(value))
    return value === "0x" ? 0n : BigInt(value);
  throw malformed(field, "a number");
}

function orElse<T>(value: unknown, fallback: T, read: (value: unknown) => T): T {
  return value === undefined || value === null ? fallback : read(value);
}

function smallNumber(value: unknown, field: string): number {
  const found = quantity(value, field);
  if (found > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed(field, "a number below 2^53");
  return Number(found);
}

function bytes(value: unknown, field: string): Uint8Array {
  if (typeof value !== "string" || !/^(0x)?([0-9a-fA-F]{2})*$/.test(value))
    throw malformed(field, "hexadecimal bytes");
  return fromHex(value.startsWith("0x") ? value : `0x${value}`);
}

/** Of at most `length` bytes, with zeros in front. */
function padded(value: unknown, length: number, field: string): string {
  const digits = typeof value === "string" ? value.replace(/^0x/, "").toLowerCase() : "?";
  if (!/^[0-9a-f]*$/.test(digits) || digits.length > 2 * length)
    throw malformed(field, `at most ${length} hexadecimal bytes`);
  return `0x${digits.padStart(2 * length, "0")}`;
}

function record(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw malformed(field, "an object");
  return value;
}

function blobSchedule(value: unknown, field: string): BlobSchedule {
  const entry = record(value, field);
  const part = (name: keyof BlobSchedule): number => smallNumber(entry[name], `${field}.${name}`);
  return { target: part("target"), max: part("max"), baseFeeUpdateFraction: part("baseFeeUpdateFraction") };
}

function configOf(value: unknown): ChainConfig {
  const entries: [string, unknown][] = [];
  for (const [key, entry] of Object.entries(record(value, "config"))) {
    if (entry === null) continue;
    const field = `config.${key}`;
    const isNumber = /(Block|Time)$/.test(key) || key === "chainId";
    if (isNumber) entries.push([key, smallNumber(entry, field)]);
    else if (key === "blobSchedule") {
      const schedules = Object.entries(record(entry, field)).filter(([, schedule]) => schedule !== null);
      const read = ([fork, schedule]: [string, unknown]) =>
        [fork, blobSchedule(schedule, `${field}.${fork}`)] as const;
      entries.push([key, Object.fromEntries(schedules.map(read))]);
    } else if (key === "depositContractAddress") entries.push([key, padded(entry, 20, field)]);
    else entries.push([key, entry]);
  }
  const config: Readonly<Record<string, unknown>> = Object.fromEntries(entries);
  const chainId = config["chainId"];
  if (typeof chainId !== "number") throw malformed("config.chainId", "a number");
  return { ...config, chainId };
}

function accountOf(value: unknown, field: string): GenesisAccount {
  const entry = record(value, field);
  const slots = Object.entries(orElse(entry["storage"], {}, (found) => record(found, `${field}.storage`)));
  const storage = slots.map(
    ([slot, content]) =>
      [
        padded(slot, 32, `${field}.storage`) as Bytes32,
        unpad(fromHex(padded(content, 32, `${field}.storage.${slot}`))),
      ] as const,
  );
  return {
    balance: orElse(entry["balance"], 0n, (found) => quantity(found, `${field}.balance`)),
    nonce: orElse(entry["nonce"], 0n, (found) => quantity(found, `${field}.nonce`)),
    code: orElse(entry["code"], new Uint8Array(0), (found) => bytes(found, `${field}.code`)),
    storage: new Map(storage.filter(([, content]) => content.length > 0)),
  };
}

/** Reads what `genesis.json` says. Throws `ChainFileError` with the name of the field that is wrong. */
export function parseGenesis(json: unknown): GethGenesis {
  const root = record(json, "the file");
  const number = (field: string): bigint => quantity(root[field], field);
  const numberOr = (field: string, fallback: bigint): bigint =>
    orElse(root[field], fallback, (found) => quantity(found, field));
  const optional = (field: string): bigint | undefined =>
    root[field] === undefined || root[field] === null ? undefined : number(field);
  const alloc = Object.entries(record(root["alloc"], "alloc")).map(
    ([key, entry]) => [padded(key, 20, "alloc") as Address, accountOf(entry, `alloc.${key}`)] as const,
  );
  return {
    config: configOf(root["config"]),
    nonce: numberOr("nonce", 0n),
    timestamp: orElse(root["timestamp"], 0, (found) => smallNumber(found, "timestamp")),
    extraData: orElse(root["extraData"], new Uint8Array(0), (found) => bytes(found, "extraData")),
    gasLimit: number("gasLimit"),
    difficulty: optional("difficulty"),
    mixHash: padded(root["mixHash"] ?? "0x", 32, "mixHash") as Bytes32,
    coinbase: padded(root["coinbase"] ?? "0x", 20, "coinbase") as Address,
    baseFeePerGas: optional("baseFeePerGas"),
    blobGasUsed: numberOr("blobGasUsed", 0n),
    excessBlobGas: numberOr("excessBlobGas", 0n),
    alloc: new Map(alloc),
  };
}
