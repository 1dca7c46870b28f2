import { type Address, address } from "@aios/kernel/identifiers";
import { networkNotPinned } from "./errors.js";

/** Contracts that this program signs for. */
export const PINNED_CONTRACTS = ["JobEscrow", "ProviderRegistry", "ReceiptRegistry", "WrappedAios"] as const;
export type PinnedContract = (typeof PINNED_CONTRACTS)[number];

/** The one network that a provider works for, as its operator named it: what compute says is compared with it. */
export interface PinnedNetwork {
  readonly chainId: bigint;
  /** Lower case. */
  readonly contracts: Readonly<Record<PinnedContract, Address>>;
}

/** Says which network it is. Throws `chain-unavailable`, `network-not-pinned`. */
export interface NetworkPin {
  network(signal: AbortSignal): Promise<PinnedNetwork>;
}

/** Whether a welcome is into the pinned network. Throws `network-not-pinned`. */
export function requirePinned(
  pinned: PinnedNetwork,
  named: { readonly chainId: number; readonly contracts: Readonly<Record<string, string>> },
): void {
  if (BigInt(named.chainId) !== pinned.chainId) {
    throw networkNotPinned("chain", pinned.chainId.toString(), named.chainId.toString());
  }
  for (const name of PINNED_CONTRACTS) {
    const given = named.contracts[name]?.toLowerCase() ?? "none";
    if (given !== pinned.contracts[name]) throw networkNotPinned(name, pinned.contracts[name], given);
  }
}

/** `JobEscrow=0x…,ProviderRegistry=0x…,…` with every pinned contract once. Throws a `RangeError` that says what is wrong. */
export function parseContracts(text: string): PinnedNetwork["contracts"] {
  const entries = text.split(",").map((entry) => {
    const [name = "", value] = entry.trim().split("=");
    return [name, value] as const;
  });
  const given = new Map(entries);
  const missing = PINNED_CONTRACTS.filter((name) => !given.has(name));
  if (missing.length > 0 || given.size !== entries.length || given.size !== PINNED_CONTRACTS.length) {
    throw new RangeError(`expected ${PINNED_CONTRACTS.map((name) => `${name}=0x…`).join(",")}`);
  }
  return Object.fromEntries(PINNED_CONTRACTS.map((name) => [name, address(given.get(name), name)])) as Record<
    PinnedContract,
    Address
  >;
}
