import { isActive, type TransactionRules } from "./fork-rules.js";
import type { Transaction } from "./transaction.js";

const BASE = 21_000n;
const CREATION = 32_000n;
const ZERO_BYTE = 4n;
const NON_ZERO_BYTE_FRONTIER = 68n;
const NON_ZERO_BYTE_ISTANBUL = 16n;
const INIT_CODE_WORD = 2n;
const ACCESS_LIST_ADDRESS = 2_400n;
const ACCESS_LIST_KEY = 1_900n;
const AUTHORIZATION = 25_000n;
const FLOOR_PER_TOKEN = 10n;
const TOKENS_PER_NON_ZERO_BYTE = 4n;

/** The fields that gas before execution depends on. */
export type IntrinsicFields = Pick<Transaction, "to" | "data" | "accessList" | "authorizationList">;

function nonZeroBytes(data: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) count++;
  return count;
}

/**
 * Gas that a transaction uses before its code runs: yellow paper g0, EIP-2 (creation), EIP-2028 (data), EIP-2930
 * (access list), EIP-3860 (init code), EIP-7702 (authorizations). Cost: one pass over the data.
 */
export function intrinsicGas(transaction: IntrinsicFields, rules: TransactionRules): bigint {
  const { data, to } = transaction;
  const nonZero = BigInt(nonZeroBytes(data));
  const perNonZero = isActive(rules, "istanbul") ? NON_ZERO_BYTE_ISTANBUL : NON_ZERO_BYTE_FRONTIER;
  let gas = BASE + (BigInt(data.length) - nonZero) * ZERO_BYTE + nonZero * perNonZero;
  if (to === null && isActive(rules, "homestead")) gas += CREATION;
  if (to === null && isActive(rules, "shanghai")) gas += BigInt(Math.ceil(data.length / 32)) * INIT_CODE_WORD;
  for (const entry of transaction.accessList)
    gas += ACCESS_LIST_ADDRESS + BigInt(entry.storageKeys.length) * ACCESS_LIST_KEY;
  return gas + BigInt(transaction.authorizationList.length) * AUTHORIZATION;
}

/** The least that a transaction pays for its data from Prague on (EIP-7623); 0 before. */
export function floorGas(transaction: IntrinsicFields, rules: TransactionRules): bigint {
  if (!isActive(rules, "prague")) return 0n;
  const nonZero = BigInt(nonZeroBytes(transaction.data));
  const tokens = BigInt(transaction.data.length) - nonZero + nonZero * TOKENS_PER_NON_ZERO_BYTE;
  return BASE + tokens * FLOOR_PER_TOKEN;
}

/** The least gas limit that the rules accept. */
export function minimumGas(transaction: IntrinsicFields, rules: TransactionRules): bigint {
  const intrinsic = intrinsicGas(transaction, rules);
  const floor = floorGas(transaction, rules);
  return intrinsic > floor ? intrinsic : floor;
}
