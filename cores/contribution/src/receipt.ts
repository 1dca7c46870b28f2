import type { Receipt } from "@aios/core-settlement/order-digest";
import { RECEIPT_KINDS, type ReceiptKind } from "@aios/core-settlement/typed-data";

/** A receipt that passed every check, under its EIP-712 digest. */
export interface CountedReceipt {
  readonly digest: string;
  readonly receipt: Receipt;
}

/** The kind's name, or `undefined` for a number that is none. */
export function receiptKindName(kind: number): ReceiptKind | undefined {
  return (Object.entries(RECEIPT_KINDS) as [ReceiptKind, number][]).find(([, value]) => value === kind)?.[0];
}

const HEX_FIELDS = {
  jobId: 32,
  provider: 20,
  counterparty: 20,
  modelCommitment: 32,
  inputCommitment: 32,
  outputHash: 32,
} as const;
const UINT64_FIELDS = ["startedAtMs", "finishedAtMs", "promisedMs", "workUnits", "storedBytes"] as const;

/**
 * Reads the message from parsed JSON whose integers are numbers or decimal strings. Returns `undefined` unless every
 * field is there and in range, and nothing else is.
 */
export function parseReceipt(value: unknown): Receipt | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  if (Object.keys(fields).length !== 13) return undefined;
  const kind = uint(fields["kind"], 8);
  const priceWei = uint(fields["priceWei"], 256);
  if (kind === undefined || priceWei === undefined) return undefined;
  const hexes: Record<string, string> = {};
  for (const [name, bytes] of Object.entries(HEX_FIELDS)) {
    const text = fields[name];
    if (typeof text !== "string" || !new RegExp(`^0x[0-9a-fA-F]{${bytes * 2}}$`).test(text)) return undefined;
    hexes[name] = text.toLowerCase();
  }
  const integers: Record<string, bigint> = {};
  for (const name of UINT64_FIELDS) {
    const integer = uint(fields[name], 64);
    if (integer === undefined) return undefined;
    integers[name] = integer;
  }
  return { kind: Number(kind), priceWei, ...hexes, ...integers } as unknown as Receipt;
}

function uint(value: unknown, bits: number): bigint | undefined {
  let integer: bigint;
  if (typeof value === "number" && Number.isSafeInteger(value)) integer = BigInt(value);
  else if (typeof value === "bigint") integer = value;
  else if (typeof value === "string" && /^(0|[1-9][0-9]{0,77})$/.test(value)) integer = BigInt(value);
  else return undefined;
  return integer >= 0n && integer < 1n << BigInt(bits) ? integer : undefined;
}
