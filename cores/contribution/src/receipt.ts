/** Kinds of work a receipt may speak of; the number is the EIP-712 message's `kind`. */
export const RECEIPT_KINDS = {
  lease: 1,
  "storage-audit": 2,
  retrieval: 3,
  proof: 4,
  inference: 5,
  "training-round": 6,
  moderation: 7,
  "block-production": 8,
} as const;

export type ReceiptKind = keyof typeof RECEIPT_KINDS;

/**
 * Who did what for whom, how much, when and at what price: the EIP-712 message "Receipt". Hex is lower case with 0x;
 * times are milliseconds since the Unix epoch.
 */
export interface Receipt {
  readonly kind: number;
  readonly jobId: string;
  readonly provider: string;
  readonly counterparty: string;
  readonly modelCommitment: string;
  readonly inputCommitment: string;
  readonly outputHash: string;
  readonly startedAtMs: bigint;
  readonly finishedAtMs: bigint;
  /** How long the provider said it would take, or how long it said it would serve. */
  readonly promisedMs: bigint;
  /** Units of the kind: multiply-accumulates of an inference, examples of a training round, constraints of a proof. */
  readonly workUnits: bigint;
  /** Bytes held or produced; 0 where the work leaves none. */
  readonly storedBytes: bigint;
  readonly priceWei: bigint;
}

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
