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
  readonly alloc: ReadonlyMap<Address, GenesisAccount>;
  /** Who makes the chain together; absent where one node does. */
  readonly honor?: HonorGenesis;
}

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
    { balance: 0n, nonce: 1n, code: fromHex(code), storage: new Map() },
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

function parseAccount(value: unknown, field: string): GenesisAccount {
  const account = record(value, field);
  onlyFields(account, ["balanceWei", "nonce", "code", "storage", "name"], field);
  const storage = new Map<Bytes32, Uint8Array>();
  for (const [slot, content] of Object.entries(
    account["storage"] === undefined ? {} : record(account["storage"], `${field}.storage`),
  )) {
    const slotField = `${field}.storage.${slot}`;
    const trimmed = unpad(fromHex(bytes32(content, slotField)));
    if (trimmed.length > 0) storage.set(bytes32(slot, slotField), trimmed);
  }
  return {
    balance: account["balanceWei"] === undefined ? 0n : decimal(account["balanceWei"], `${field}.balanceWei`),
    nonce:
      account["nonce"] === undefined
        ? 0n
        : BigInt(integer(account["nonce"], `${field}.nonce`, 0, Number.MAX_SAFE_INTEGER)),
    code: account["code"] === undefined ? new Uint8Array(0) : bytes(account["code"], `${field}.code`),
    storage,
  };
}

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
export function parseGenesis(json: unknown): Genesis {
  const root = record(json, "genesis");
  onlyFields(root, FIELDS, "genesis");
  const hardfork = root["hardfork"] ?? "osaka";
  if (hardfork !== "prague" && hardfork !== "osaka")
    throw invalidGenesis("hardfork", "must be prague or osaka");
  const alloc = new Map<Address, GenesisAccount>();
  for (const [key, value] of Object.entries(record(root["alloc"], "alloc"))) {
    const owner = address(key, `alloc.${key}`);
    if (alloc.has(owner)) throw invalidGenesis(`alloc.${key}`, "appears twice");
    alloc.set(owner, parseAccount(value, `alloc.${key}`));
  }
  for (const [owner, contract] of SYSTEM_CONTRACTS) if (!alloc.has(owner)) alloc.set(owner, contract);
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
    alloc,
    ...(root["honor"] === undefined ? {} : { honor: parseHonorGenesis(root["honor"]) }),
  };
}

const NO_ACCOUNTS: Genesis["alloc"] = new Map();

/** The rules alone: once block 0 is stored, nobody needs the accounts, of which there may be millions. */
export function withoutAllocation(genesis: Genesis): Genesis {
  return { ...genesis, alloc: NO_ACCOUNTS };
}
