import type { JobPayment, Protocol } from "@aios/sdk/api-types";
import { expect, it } from "vitest";
import { balanceTable } from "./balance-table.js";

const AIOS = 10n ** 18n;
const [BUYER, PROVIDER, PROVER, DEVELOPER, TREASURY, SINK] = [1, 2, 3, 4, 5, 6].map(
  (digit) => `0x${String(digit).repeat(40)}`,
) as [string, string, string, string, string, string];
const CONTRACTS = { WrappedAios: "0xa", JobEscrow: "0xb", ModelLicence: "0xc" };

const paid = (kind: JobPayment["kind"], account: string, blockNumber: number): JobPayment => ({
  kind,
  account,
  amountWei: "1",
  transactionHash: "0x",
  blockNumber,
});

/** Each account's wrapped AIOS, what it may withdraw, in tenths, by block. */
const HELD: Readonly<Record<string, Readonly<Record<number, readonly [bigint, bigint]>>>> = {
  [BUYER]: { 9: [500n, 0n], 12: [450n, 48n] },
  [PROVIDER]: { 9: [10n, 0n], 12: [10n, 1n] },
  [PROVER]: { 9: [0n, 0n], 12: [0n, 1n] },
  [DEVELOPER]: { 9: [0n, 250n], 12: [0n, 250n] },
  [TREASURY]: { 9: [0n, 1n], 12: [0n, 2n] },
};

function heldTenths(contract: string, account: string, block: number): bigint {
  const [wrapped, withdrawable] = HELD[account]?.[block] ?? [0n, 0n];
  if (contract === CONTRACTS.WrappedAios) return wrapped;
  return contract === CONTRACTS.JobEscrow ? withdrawable : 0n;
}

const chain = {
  protocol: { contracts: CONTRACTS } as unknown as Protocol,
  rpc: {
    ethCall: async (contract: string, data: string, block: number | "latest" = "latest") =>
      `0x${((heldTenths(contract, `0x${data.slice(-40)}`, Number(block)) * AIOS) / 10n).toString(16)}`,
    call: async <T>(_method: string, [, block]: readonly unknown[] = []) =>
      (Number(block) === 9 ? "0x0" : `0x${(AIOS / 10n).toString(16)}`) as T,
  },
};

it("tells of everyone what was held before the escrow and after the last payment, by the chain", async () => {
  const payments = [
    paid("escrow", BUYER, 10),
    paid("provider", PROVIDER, 12),
    paid("royalty", DEVELOPER, 12),
    paid("prover", PROVER, 12),
    paid("refund", BUYER, 12),
    paid("protocol-fee-burned", SINK, 12),
    paid("protocol-fee-treasury", TREASURY, 12),
    paid("withdrawal", BUYER, 20),
  ];
  const facts = await balanceTable(chain, payments);
  expect(facts.map(({ name, value }) => `${name.padEnd(19)}${value}`)).toEqual([
    "balance of         in block 9  in block 12  change in AIOS",
    "business           50          49.8         -0.2",
    "provider            1           1.1         +0.1",
    "prover              0           0.1         +0.1",
    "developer          25          25            0",
    "protocol, treasury  0.1         0.2         +0.1",
    "protocol, burned    0           0.1         +0.1",
  ]);
});
