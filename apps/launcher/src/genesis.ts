import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { STAKERS_RESERVE } from "@aios/consensus/testnet/staking-genesis";
import { aios } from "@aios/kernel/units";
import type { AccountName, Identities } from "./identities.js";

/** "AiOS" in ASCII. */
export const LOCAL_CHAIN_ID = 0x41_69_4f_53;

/** Shares of the fixed supply of 1,000,000,000 AIOS, in AIOS. The community's part funds the local parties. */
const SUPPLY_AIOS: readonly (readonly [AccountName, number])[] = [
  ["ecosystem", 350_000_000],
  ["investors", 250_000_000],
  ["team", 150_000_000],
  ["foundation", 150_000_000],
];
const COMMUNITY_AIOS = 100_000_000;
const PARTY_AIOS: readonly (readonly [AccountName, number])[] = [
  ["relayer", 1_000_000],
  ["matcher", 1_000_000],
  ["anchor", 1_000_000],
  ["developer", 100_000],
  ["business", 100_000],
  ["provider-1", 100_000],
  ["provider-2", 100_000],
];
const BURNED_BPS = 2_000;
const STAKERS_BPS = 3_000;
const TREASURY_BPS = 5_000;

/** The genesis of this installation's own chain, without an honor set. */
export function localGenesis({ accounts }: Identities, nowSeconds: number): Record<string, unknown> {
  const given = PARTY_AIOS.reduce((sum, [, amount]) => sum + amount, 0);
  const balances: [AccountName, number][] = [
    ...SUPPLY_AIOS.map(([name, amount]): [AccountName, number] => [name, amount]),
    ...PARTY_AIOS.map(([name, amount]): [AccountName, number] => [name, amount]),
    ["deployer", COMMUNITY_AIOS - given],
  ];
  return {
    name: "AiOS local network",
    chainId: LOCAL_CHAIN_ID,
    hardfork: "osaka",
    timestampSeconds: nowSeconds,
    gasLimit: "60000000",
    baseFeePerGasWei: "1000000000",
    minimumBaseFeePerGasWei: "1000000",
    feeRecipient: accounts.producer.address,
    baseFeeSplit: {
      burnedBps: BURNED_BPS,
      recipients: [
        { name: "stakers", address: STAKERS_RESERVE, shareBps: STAKERS_BPS },
        { name: "treasury", address: accounts.treasury.address, shareBps: TREASURY_BPS },
      ],
    },
    alloc: Object.fromEntries(
      balances.map(([name, amount]) => [
        accounts[name].address,
        { name, balanceWei: aios(amount).toString() },
      ]),
    ),
  };
}

/** The genesis of a chain whose blocks one node makes, written once: two nodes with another file are another network. */
export function ensureGenesis(file: string, identities: Identities, nowSeconds: number): void {
  if (!existsSync(file)) writeGenesis(file, localGenesis(identities, nowSeconds));
}

export function writeGenesis(file: string, genesis: Readonly<Record<string, unknown>>): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(genesis, null, 2)}\n`);
}

/** Seats of the chain of an existing genesis file; 0 where one node makes its blocks. */
export function seatsOf(file: string): number {
  const { honor } = JSON.parse(readFileSync(file, "utf8")) as { honor?: { members: unknown[] } };
  return honor?.members.length ?? 0;
}

/** Chain id of an existing genesis file. */
export function chainIdOf(file: string): number {
  return (JSON.parse(readFileSync(file, "utf8")) as { chainId: number }).chainId;
}
