import type { SafetyRecord, Step } from "@aios/core-finality/finality-height";
import type { Vote } from "@aios/core-finality/messages";
import { decodeRlp, encodeRlp, type RlpItem } from "@aios/core-rlp/rlp";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { baseItem, baseOf, colouringItem, colouringOf } from "./base-fields.js";
import {
  type BlockFacts,
  type BlockHeader,
  type DagBlock,
  isWhole,
  type OrderedTransaction,
} from "./dag-block.js";
import {
  certificateItem,
  certificateOf,
  checkpointItem,
  checkpointOf,
  decisionItem,
  decisionOf,
  optionalItem,
  optionalOf,
  SIGNATURE_BYTES,
  signedMessageItem,
  signedMessageOf,
} from "./finality-fields.js";
import type { LogEntry } from "./node-protocol.js";
import type { Abstention } from "./past-statements.js";
import {
  bytesOf,
  copyOf,
  decoding,
  hashOf,
  hexOf,
  idItem,
  idOf,
  integerItem,
  integerOf,
  listOf,
  malformed,
} from "./wire-fields.js";

const KINDS = [
  "safety",
  "block",
  "decision",
  "transactions",
  "order",
  "base",
  "header",
  "abstention",
] as const;
const STEPS: readonly Step[] = ["propose", "prevote", "precommit", "decided"];
const MAX_DEPTH = 8;
const ANY = Number.MAX_SAFE_INTEGER;
const ACCOUNT_BYTES = 20;
const RECORD_FIELDS = 9;

/** A log entry as it is stored: kind, and the fields in RLP. Senders of transactions are kept, as they were verified. */
export function encodeLogEntry(entry: LogEntry): Uint8Array {
  const fields = encodeRlp(itemOf(entry));
  const bytes = new Uint8Array(1 + fields.length);
  const kind = entry.kind === "block" && !isWhole(entry.block) ? "header" : entry.kind;
  bytes[0] = KINDS.indexOf(kind);
  bytes.set(fields, 1);
  return bytes;
}

/** Inverse of `encodeLogEntry`. Throws `malformed-packet` for bytes that it did not make. */
export function decodeLogEntry(bytes: Uint8Array): LogEntry {
  const kind = KINDS[bytes[0] ?? KINDS.length];
  if (kind === undefined) throw malformed("log.kind");
  return decoding("log", () => {
    const item = decodeRlp(bytes.subarray(1), MAX_DEPTH);
    if (kind === "safety") return safetyOf(item);
    if (kind === "abstention") return { kind, abstention: abstentionOf(item) };
    if (kind === "block" || kind === "header") return blockEntryOf(item, kind === "block");
    if (kind === "decision") return { kind, decision: decisionOf(item) };
    if (kind === "order") return orderOf(item);
    if (kind === "base") return { kind, base: baseOf(item), gone: [], accepted: [] };
    return { kind, transactions: transactionsOf(item) };
  });
}

/** Whether an encoded entry is a block with its transactions; without decoding it. */
export function isWholeBlockEntry(bytes: Uint8Array): boolean {
  return KINDS[bytes[0] ?? KINDS.length] === "block";
}

function itemOf(entry: LogEntry): RlpItem {
  if (entry.kind === "safety") return safetyItem(entry);
  if (entry.kind === "abstention")
    return [integerItem(entry.abstention.blocksUntil), integerItem(entry.abstention.votesUntil)];
  if (entry.kind === "block") return [blockItem(entry.block), colouringItem(entry.colouring)];
  if (entry.kind === "decision") return decisionItem(entry.decision);
  if (entry.kind === "order") return [integerItem(entry.height), entry.blocks.map(idItem)];
  if (entry.kind === "base") return baseItem(entry.base);
  return entry.transactions.map(transactionItem);
}

function abstentionOf(item: RlpItem): Abstention {
  const [blocksUntil, votesUntil] = listOf(item, "abstention", 2, 2);
  return {
    blocksUntil: integerOf(blocksUntil, "abstention.blocksUntil"),
    votesUntil: integerOf(votesUntil, "abstention.votesUntil"),
  };
}

/** The proofs stand after the record's fields, only where there are some: logs of before have none. */
function safetyItem({ record, parentProofs = [] }: Extract<LogEntry, { kind: "safety" }>): RlpItem {
  const proofs = parentProofs.map(certificateItem);
  return [...recordItems(record), ...(proofs.length === 0 ? [] : [proofs])];
}

function safetyOf(item: RlpItem): LogEntry {
  const fields = listOf(item, "safety", RECORD_FIELDS + 1, RECORD_FIELDS);
  const record = recordOf(fields);
  const proofs = fields[RECORD_FIELDS];
  if (proofs === undefined) return { kind: "safety", record };
  return {
    kind: "safety",
    record,
    parentProofs: listOf(proofs, "safety.parentProofs", ANY).map(certificateOf),
  };
}

function recordItems(record: SafetyRecord): RlpItem[] {
  return [
    integerItem(record.height),
    integerItem(record.round),
    integerItem(STEPS.indexOf(record.step)),
    integerItem(record.lockedRound + 1),
    optionalItem(record.locked, checkpointItem),
    integerItem(record.validRound + 1),
    optionalItem(record.valid, checkpointItem),
    record.justification.map(signedMessageItem),
    record.sent.map(signedMessageItem),
  ];
}

function recordOf(fields: readonly RlpItem[]): SafetyRecord {
  const step = STEPS[integerOf(fields[2], "safety.step")];
  if (step === undefined) throw malformed("safety.step");
  return {
    height: integerOf(fields[0], "safety.height"),
    round: integerOf(fields[1], "safety.round"),
    step,
    lockedRound: integerOf(fields[3], "safety.lockedRound") - 1,
    locked: optionalOf(fields[4], checkpointOf),
    validRound: integerOf(fields[5], "safety.validRound") - 1,
    valid: optionalOf(fields[6], checkpointOf),
    justification: listOf(fields[7], "safety.justification", ANY).map(voteOf),
    sent: listOf(fields[8], "safety.sent", ANY).map(signedMessageOf),
  };
}

function voteOf(item: RlpItem): Vote {
  const message = signedMessageOf(item);
  if (message.kind === "proposal") throw malformed("safety.justification");
  return message;
}

function orderOf(item: RlpItem): LogEntry {
  const [height, blocks] = listOf(item, "order", 2, 2);
  return {
    kind: "order",
    height: integerOf(height, "order.height"),
    blocks: listOf(blocks, "order.blocks", ANY).map((id) => idOf(id, "order.block")),
  };
}

function blockEntryOf(item: RlpItem, isWholeBlock: boolean): LogEntry {
  const [block, colouring] = listOf(item, "block", 2, 2);
  return {
    kind: "block",
    block: isWholeBlock ? blockOf(block) : headerOf(block),
    colouring: colouringOf(colouring),
  };
}

function blockItem(block: DagBlock | BlockHeader): RlpItem {
  return [
    integerItem(block.setNumber),
    integerItem(block.seat),
    integerItem(block.tick),
    block.parents.map(idItem),
    isWhole(block) ? block.transactions.map(transactionItem) : hexToBytes(block.transactionsHash),
    hexToBytes(block.signature),
  ];
}

function factsOf(fields: readonly RlpItem[]): BlockFacts {
  return {
    setNumber: integerOf(fields[0], "block.setNumber"),
    seat: integerOf(fields[1], "block.seat"),
    tick: integerOf(fields[2], "block.tick"),
    parents: listOf(fields[3], "block.parents", ANY).map((id) => idOf(id, "block.parent")),
    signature: bytesToHex(bytesOf(fields[5], "block.signature", SIGNATURE_BYTES)),
  };
}

function blockOf(item: RlpItem | undefined): DagBlock {
  const fields = listOf(item, "block", 6, 6);
  return { ...factsOf(fields), transactions: transactionsOf(fields[4]) };
}

function headerOf(item: RlpItem | undefined): BlockHeader {
  const fields = listOf(item, "block", 6, 6);
  return { ...factsOf(fields), transactionsHash: hashOf(fields[4], "block.transactionsHash") };
}

function transactionItem({ id, sender, nonce, gasLimit, payload }: OrderedTransaction): RlpItem {
  return [hexToBytes(id), hexToBytes(sender.slice(2)), integerItem(nonce), integerItem(gasLimit), payload];
}

function transactionsOf(item: RlpItem | undefined): OrderedTransaction[] {
  return listOf(item, "transactions", ANY).map((one) => {
    const [id, sender, nonce, gasLimit, payload] = listOf(one, "transaction", 5, 5);
    return {
      id: hashOf(id, "transaction.id"),
      sender: `0x${hexOf(sender, "transaction.sender", ACCOUNT_BYTES)}`,
      nonce: integerOf(nonce, "transaction.nonce"),
      gasLimit: integerOf(gasLimit, "transaction.gasLimit"),
      payload: copyOf(payload, "transaction.payload", ANY),
    };
  });
}
