import { isActive, type TransactionRules } from "./fork-rules.js";
import type { Transaction } from "./transaction.js";

const BASE = 21_000;
const CREATION = 32_000;
const ZERO_BYTE = 4;
const NON_ZERO_BYTE_FRONTIER = 68;
const NON_ZERO_BYTE_ISTANBUL = 16;
const INIT_CODE_WORD = 2;
const ACCESS_LIST_ADDRESS = 2_400;
const ACCESS_LIST_KEY = 1_900;
const AUTHORIZATION = 25_000;
const FLOOR_PER_TOKEN = 10;
const TOKENS_PER_NON_ZERO_BYTE = 4;

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
  return BigInt(intrinsic(transaction, rules, nonZeroBytes(transaction.data)));
}

/** The least that a transaction pays for its data from Prague on (EIP-7623); 0 before. */
export function floorGas(transaction: IntrinsicFields, rules: TransactionRules): bigint {
  return BigInt(floor(transaction, rules, nonZeroBytes(transaction.data)));
}

/** The least gas limit that the rules accept. */
export function minimumGas(transaction: IntrinsicFields, rules: TransactionRules): bigint {
  const nonZero = nonZeroBytes(transaction.data);
  return BigInt(Math.max(intrinsic(transaction, rules, nonZero), floor(transaction, rules, nonZero)));
}

// What fits into a transaction keeps these sums far below 2^53.
function intrinsic(
  { data, to, accessList, authorizationList }: IntrinsicFields,
  rules: TransactionRules,
  nonZero: number,
): number {
  const perNonZero = isActive(rules, "istanbul") ? NON_ZERO_BYTE_ISTANBUL : NON_ZERO_BYTE_FRONTIER;
  let gas = BASE + (data.length - nonZero) * ZERO_BYTE + nonZero * perNonZero;
  if (to === null && isActive(rules, "homestead")) gas += CREATION;
  if (to === null && isActive(rules, "shanghai")) gas += Math.ceil(data.length / 32) * INIT_CODE_WORD;
  for (const { storageKeys } of accessList) gas += ACCESS_LIST_ADDRESS + storageKeys.length * ACCESS_LIST_KEY;
  return gas + authorizationList.length * AUTHORIZATION;
}

function floor({ data }: IntrinsicFields, rules: TransactionRules, nonZero: number): number {
  if (!isActive(rules, "prague")) return 0;
  const tokens = data.length - nonZero + nonZero * TOKENS_PER_NON_ZERO_BYTE;
  return BASE + tokens * FLOOR_PER_TOKEN;
}
