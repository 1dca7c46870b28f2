import type { Address } from "@aios/kernel/identifiers";

export interface ProtocolTerms {
  readonly treasury: Address;
  readonly protocolFeeBps: number;
  readonly challengeWindowSeconds: number;
}

export interface AccountBalances {
  readonly nativeWei: bigint;
  readonly wrappedWei: bigint;
  /** Credited by settlements and licence sales, waiting to be withdrawn. */
  readonly withdrawableWei: bigint;
  readonly stakedWei: bigint;
  readonly atBlock: bigint;
}

/** Reads the contracts' own words, at one block. Throws `chain-unavailable` or `contracts-not-deployed`. */
export interface ProtocolReader {
  terms(): Promise<ProtocolTerms>;
  balances(account: Address): Promise<AccountBalances>;
}
