import { fromHex, unpad } from "@aios/core-rlp/hex";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { address, bytes32 } from "@aios/kernel/identifiers";
import { invalidGenesis } from "./errors.js";
import { bytes, decimal, integer, onlyFields, record } from "./genesis-fields.js";
import { type HonorGenesis, parseHonorGenesis } from "./honor-genesis.js";

export type Hardfork = "prague" | "osaka";

export interface GenesisAccount {
  readonly balance: bigint;
  readonly nonce: bigint;
  readonly code: Uint8Array;
  /** Big-endian values without leading zeros. */
  readonly storage: ReadonlyMap<Bytes32, Uint8Array>;
}

export interface BaseFeeShare {
  readonly name: string;
  readonly address: Address;
  readonly shareBps: number;
}

/** The accounts of block 0, of which there may be millions: they need not be in memory together. */
export type GenesisAllocation = Iterable<readonly [Address, GenesisAccount]>;

/** Everything that two nodes must agree on before the first block. */
export interface Genesis {
  readonly chainId: number;
  readonly hardfork: Hardfork;
  readonly timestamp: number;
  /** Gas of one block, constant. */
  readonly gasLimit: bigint;
  readonly baseFeePerGas: bigint;
  /** EIP-1559's fee never falls below it; 0 leaves Ethereum's rule untouched. */
  readonly minimumBaseFeePerGas: bigint;
  /** Receives the tips. */
  readonly feeRecipient: Address;
  /** What is not shared is burned. Shares sum to at most 10,000. */
  readonly baseFeeShares: readonly BaseFeeShare[];
  readonly alloc: GenesisAllocation;
  /** SHA-256 of the file that it was read from. */
  readonly fileDigest?: Uint8Array;
  /** Who makes the chain together; absent where one node does. */
  readonly honor?: HonorGenesis;
}

/** A genesis whose accounts are all in memory. */
export interface LoadedGenesis extends Genesis {
  readonly alloc: ReadonlyMap<Address, GenesisAccount>;
}

const NO_CODE = new Uint8Array(0);
const NO_STORAGE: GenesisAccount["storage"] = new Map();

/** Contracts that every chain of the network has from the start; an entry of the allocation replaces one. */
const SYSTEM_CONTRACTS: ReadonlyMap<Address, GenesisAccount> = new Map(
  (
    [
      // EIP-2935: the last 8,191 block hashes.
      [
        "0x0000f90827f1c53a10cb7a02335b175320002935",
        "0x3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500",
      ],
      // Deterministic deployment proxy (https://github.com/Arachnid/deterministic-deployment-proxy), which Foundry and
      // many deployment scripts expect at this address.
      [
        "0x4e59b44847b379578588920ca78fbf26c0b4956c",
        "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3",
      ],
    ] as const
  ).map(([owner, code]) => [
    owner as Address,
    { balance: 0n, nonce: 1n, code: fromHex(code), storage: NO_STORAGE },
  ]),
);

function parseShares(value: unknown): BaseFeeShare[] {
  const split = record(value, "baseFeeSplit");
  onlyFields(split, ["burnedBps", "recipients"], "baseFeeSplit");
  const burned = integer(split["burnedBps"], "baseFeeSplit.burnedBps", 0, 10_000);
  if (!Array.isArray(split["recipients"])) throw invalidGenesis("baseFeeSplit.recipients", "must be a list");
  const shares = split["recipients"].map((item: unknown, index): BaseFeeShare => {
    const field = `baseFeeSplit.recipients.${index}`;
    const entry = record(item, field);
    onlyFields(entry, ["name", "address", "shareBps"], field);
    if (typeof entry["name"] !== "string") throw invalidGenesis(`${field}.name`, "must be a string");
    return {
      name: entry["name"],
      address: address(entry["address"], `${field}.address`),
      shareBps: integer(entry["shareBps"], `${field}.shareBps`, 1, 10_000),
    };
  });
  const total = shares.reduce((sum, share) => sum + share.shareBps, burned);
  if (total !== 10_000)
    throw invalidGenesis("baseFeeSplit", `must add up to 10000 basis points, not ${total}`);
  return shares;
}

function parseStorage(value: unknown, field: string): GenesisAccount["storage"] {
  const storage = new Map<Bytes32, Uint8Array>();
  for (const [slot, content] of Object.entries(record(value, field))) {
    const slotField = `${field}.${slot}`;
    const trimmed = unpad(fromHex(bytes32(content, slotField)));
    if (trimmed.length > 0) storage.set(bytes32(slot, slotField), trimmed);
  }
  return storage;
}

function parseAccount(value: unknown, field: string): GenesisAccount {
  const account = record(value, field);
  onlyFields(account, ["balanceWei", "nonce", "code", "storage", "name"], field);
  const { balanceWei, nonce, code, storage } = account;
  return {
    balance: balanceWei === undefined ? 0n : decimal(balanceWei, `${field}.balanceWei`),
    nonce: nonce === undefined ? 0n : BigInt(integer(nonce, `${field}.nonce`, 0, Number.MAX_SAFE_INTEGER)),
    code: code === undefined ? NO_CODE : bytes(code, `${field}.code`),
    storage: storage === undefined ? NO_STORAGE : parseStorage(storage, `${field}.storage`),
  };
}

/**
 * Reads the JSON form of accounts, and adds the contracts that every chain has. An account that is named twice comes
 * twice. Throws `invalid-genesis` naming the field.
 */
export function* parseAllocation(
  entries: Iterable<readonly [string, unknown]>,
): Iterable<readonly [Address, GenesisAccount]> {
  const missing = new Map(SYSTEM_CONTRACTS);
  for (const [key, value] of entries) {
    const owner = address(key, `alloc.${key}`);
    missing.delete(owner);
    yield [owner, parseAccount(value, `alloc.${key}`)];
  }
  yield* missing;
}

/** Throws where an account of the allocation appears a second time. */
export const accountTwice = (owner: string) => invalidGenesis(`alloc.${owner}`, "appears twice");

const FIELDS = [
  "name",
  "chainId",
  "hardfork",
  "timestampSeconds",
  "gasLimit",
  "baseFeePerGasWei",
  "minimumBaseFeePerGasWei",
  "feeRecipient",
  "baseFeeSplit",
  "alloc",
  "honor",
] as const;

/** Reads the JSON form; unknown fields are refused. Throws `invalid-genesis` or `invalid-hex` naming the field. */
export function parseGenesis(json: unknown): LoadedGenesis {
  const rules = parseRules(json);
  const alloc = new Map<Address, GenesisAccount>();
  const accounts = record(record(json, "genesis")["alloc"], "alloc");
  for (const [owner, account] of parseAllocation(Object.entries(accounts))) {
    if (alloc.has(owner)) throw accountTwice(owner);
    alloc.set(owner, account);
  }
  return { ...rules, alloc };
}

/** All of the JSON form but the accounts. Throws as `parseGenesis`. */
export function parseRules(json: unknown): Omit<Genesis, "alloc"> {
  const root = record(json, "genesis");
  onlyFields(root, FIELDS, "genesis");
  const hardfork = root["hardfork"] ?? "osaka";
  if (hardfork !== "prague" && hardfork !== "osaka")
    throw invalidGenesis("hardfork", "must be prague or osaka");
  const gasLimit = decimal(root["gasLimit"] ?? "60000000", "gasLimit");
  if (gasLimit < 1_000_000n || gasLimit > 2n ** 40n)
    throw invalidGenesis("gasLimit", "must be from 1000000 to 2^40");
  return {
    chainId: integer(root["chainId"], "chainId", 1, 2 ** 48),
    hardfork,
    timestamp: integer(root["timestampSeconds"], "timestampSeconds", 0, 2 ** 40),
    gasLimit,
    baseFeePerGas: decimal(root["baseFeePerGasWei"] ?? "1000000000", "baseFeePerGasWei"),
    minimumBaseFeePerGas: decimal(root["minimumBaseFeePerGasWei"] ?? "0", "minimumBaseFeePerGasWei"),
    feeRecipient: address(root["feeRecipient"], "feeRecipient"),
    baseFeeShares: parseShares(root["baseFeeSplit"]),
    ...(root["honor"] === undefined ? {} : { honor: parseHonorGenesis(root["honor"]) }),
  };
}

/** The rules alone: once block 0 is stored, nobody needs the accounts. */
export function withoutAllocation({ alloc, fileDigest, ...rules }: Genesis): LoadedGenesis {
  return { ...rules, alloc: new Map() };
}
