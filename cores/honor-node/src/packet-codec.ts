import { decodeRlp, encodeRlp, type RlpItem } from "@aios/core-rlp/rlp";
import { CodedError } from "@aios/kernel/coded-error";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { SHORT_ID_BYTES, SHORT_ID_DIGITS } from "./compact-block.js";
import type { BlockFacts, BlockHeader, DagBlock } from "./dag-block.js";
import {
  certificateItem,
  certificateOf,
  decisionItem,
  decisionOf,
  honorSetItem,
  honorSetOf,
  messageItem,
  messageOf,
  optionalItem,
  optionalOf,
  SIGNATURE_BYTES,
} from "./finality-fields.js";
import type { Packet } from "./node-protocol.js";
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

/**
 * Version of this encoding: the first byte of every packet. A build knows the kinds up to `snapshot-part`, or all: which, its
 * peers learn when the stream is made, and what it does not know is not sent to it (`NEEDS_PULL`).
 */
export const WIRE_VERSION = 1;
/** Lists in lists: a checkpoint in a message in a packet, a member in a set in one. */
const MAX_DEPTH = 5;
/** What a frame holds bounds it. */
const ANY = Number.MAX_SAFE_INTEGER;
const KINDS = [
  "vote",
  "block",
  "want",
  "transactions",
  "status",
  "decision",
  "range",
  "snapshot-request",
  "snapshot-index",
  "snapshot-part-request",
  "snapshot-part",
  "compact-block",
  "want-transactions",
  "block-transactions",
  "announce",
  "want-announced",
] as const;

/** Most items of each list; a packet with more is refused. */
export const MAX_PARENTS = 64;
export const MAX_WANTED_IDS = 64;
export const MAX_TIPS = 64;
export const MAX_TRANSACTIONS = 20_000;
export const MAX_ANNOUNCED = 1_024;

/** Kinds that builds without pull do not know. */
export const NEEDS_PULL: ReadonlySet<WirePacket["kind"]> = new Set([
  "compact-block",
  "want-transactions",
  "block-transactions",
  "announce",
  "want-announced",
]);

/** A block as it travels: id, sender and nonce of a transaction are the receiver's to derive. */
export type WireBlock = Omit<DagBlock, "transactions"> & { readonly transactions: readonly Uint8Array[] };

/** What a new node and its peers say of snapshots; no business of the protocol's. */
export type SnapshotPacket =
  /** Asks for the index of the latest. */
  | { readonly kind: "snapshot-request" }
  /** No bytes where there is none. */
  | { readonly kind: "snapshot-index"; readonly index: Uint8Array }
  | { readonly kind: "snapshot-part-request"; readonly height: number; readonly part: number }
  | {
      readonly kind: "snapshot-part";
      readonly height: number;
      readonly part: number;
      readonly bytes: Uint8Array;
    };

/** A packet as it travels. Its signatures and transactions are not checked. */
export type WirePacket =
  | Exclude<Packet, { kind: "block" | "transactions" | "block-transactions" }>
  | { readonly kind: "block"; readonly block: WireBlock }
  | { readonly kind: "transactions"; readonly transactions: readonly Uint8Array[] }
  | {
      readonly kind: "block-transactions";
      readonly block: string;
      readonly transactions: readonly Uint8Array[];
    }
  | SnapshotPacket;

/** Whether a packet is about snapshots. */
export function isSnapshotPacket(packet: WirePacket): packet is SnapshotPacket {
  return packet.kind.startsWith("snapshot-");
}

/** What of a packet travels. */
export function toWire(packet: Packet): WirePacket {
  if (packet.kind === "transactions")
    return { kind: packet.kind, transactions: packet.transactions.map(({ payload }) => payload) };
  if (packet.kind === "block-transactions")
    return { ...packet, transactions: packet.transactions.map(({ payload }) => payload) };
  if (packet.kind !== "block") return packet;
  const { block } = packet;
  return {
    kind: "block",
    block: { ...block, transactions: block.transactions.map(({ payload }) => payload) },
  };
}

/** Version, kind, and the fields in RLP: one encoding for each packet. */
export function encodePacket(packet: WirePacket): Uint8Array {
  const fields = encodeRlp(itemOf(packet));
  const bytes = new Uint8Array(2 + fields.length);
  bytes[0] = WIRE_VERSION;
  bytes[1] = KINDS.indexOf(packet.kind);
  bytes.set(fields, 2);
  return bytes;
}

/**
 * Reads a packet strictly: exact lengths, minimal numbers, bounded lists, nothing left over. Throws `unsupported-packet`
 * for another version or kind and `malformed-packet` with the field. Payloads are copies. Cost: linear in the bytes.
 */
export function decodePacket(bytes: Uint8Array): WirePacket {
  const kind = KINDS[bytes[1] ?? KINDS.length];
  if (bytes[0] !== WIRE_VERSION || kind === undefined)
    throw new CodedError({
      code: "unsupported-packet",
      kind: "invalid",
      field: bytes[0] === WIRE_VERSION ? "kind" : "version",
      message: "The packet is of a version or kind that this node does not know.",
    });
  return decoding(kind, () => packetOf(kind, decodeRlp(bytes.subarray(2), MAX_DEPTH)));
}

function itemOf(packet: WirePacket): RlpItem {
  switch (packet.kind) {
    case "vote":
      return [
        messageItem(packet.message),
        hexToBytes(packet.signature),
        optionalItem(packet.nextSet, honorSetItem),
        optionalItem(packet.parentCertificate, certificateItem),
      ];
    case "block":
      return blockItem(packet.block);
    case "want":
      return packet.ids.map(idItem);
    case "transactions":
      return packet.transactions;
    case "status":
      return [integerItem(packet.height), packet.tips.map(idItem)];
    case "decision":
      return decisionItem(packet.decision);
    case "range":
      return [integerItem(packet.fromHeight)];
    case "snapshot-request":
      return [];
    case "snapshot-index":
      return [packet.index];
    case "snapshot-part-request":
      return [integerItem(packet.height), integerItem(packet.part)];
    case "snapshot-part":
      return [integerItem(packet.height), integerItem(packet.part), packet.bytes];
    case "compact-block":
      return [headerItem(packet.block.header), shortIdsItem(packet.block.shortIds)];
    case "want-transactions":
      return [idItem(packet.block), packet.places.map(integerItem)];
    case "block-transactions":
      return [idItem(packet.block), packet.transactions];
    case "announce":
    case "want-announced":
      return [shortIdsItem(packet.shortIds)];
  }
}

function packetOf(kind: (typeof KINDS)[number], item: RlpItem): WirePacket {
  switch (kind) {
    case "vote":
      return voteOf(item);
    case "block":
      return { kind, block: blockOf(item) };
    case "want":
      return { kind, ids: listOf(item, "want", MAX_WANTED_IDS).map((id) => idOf(id, "want.id")) };
    case "transactions":
      return { kind, transactions: payloadsOf(item) };
    case "status": {
      const [height, tips] = listOf(item, kind, 2, 2);
      const ids = listOf(tips, "status.tips", MAX_TIPS).map((id) => idOf(id, "status.tip"));
      return { kind, height: integerOf(height, "status.height"), tips: ids };
    }
    case "decision":
      return { kind, decision: decisionOf(item) };
    case "range":
      return { kind, fromHeight: integerOf(listOf(item, kind, 1, 1)[0], "range.fromHeight") };
    case "snapshot-request":
      listOf(item, kind, 0);
      return { kind };
    case "snapshot-index":
      return { kind, index: copyOf(listOf(item, kind, 1, 1)[0], "snapshot.index", ANY) };
    case "snapshot-part-request":
    case "snapshot-part": {
      const fields = listOf(item, kind, kind === "snapshot-part" ? 3 : 2, kind === "snapshot-part" ? 3 : 2);
      const height = integerOf(fields[0], "snapshot.height");
      const part = integerOf(fields[1], "snapshot.part");
      if (kind === "snapshot-part-request") return { kind, height, part };
      return { kind, height, part, bytes: copyOf(fields[2], "snapshot.bytes", ANY) };
    }
    case "compact-block": {
      const [header, shortIds] = listOf(item, kind, 2, 2);
      return {
        kind,
        block: { header: headerOf(header), shortIds: shortIdsOf(shortIds, MAX_TRANSACTIONS) },
      };
    }
    case "want-transactions": {
      const [block, places] = listOf(item, kind, 2, 2);
      return { kind, block: hashOf(block, "want.block"), places: placesOf(places) };
    }
    case "block-transactions": {
      const [block, transactions] = listOf(item, kind, 2, 2);
      return {
        kind,
        block: hashOf(block, "transactions.block"),
        transactions: payloadsOf(transactions),
      };
    }
    case "announce":
    case "want-announced":
      return { kind, shortIds: shortIdsOf(listOf(item, kind, 1, 1)[0], MAX_ANNOUNCED) };
  }
}

function voteOf(item: RlpItem): WirePacket {
  const [content, signature, set, certificate] = listOf(item, "vote", 4, 4);
  const message = messageOf(content);
  const nextSet = optionalOf(set, honorSetOf);
  const parentCertificate = optionalOf(certificate, certificateOf);
  if (message.kind !== "proposal" && (nextSet !== undefined || parentCertificate !== undefined))
    throw malformed("vote.nextSet");
  return {
    kind: "vote",
    message,
    signature: hexOf(signature, "vote.signature", SIGNATURE_BYTES),
    nextSet,
    parentCertificate,
  };
}

function blockItem(block: WireBlock): RlpItem {
  return factItems(block, block.transactions);
}

function headerItem(header: BlockHeader): RlpItem {
  return factItems(header, hexToBytes(header.transactionsHash));
}

function factItems({ setNumber, seat, tick, parents, signature }: BlockFacts, content: RlpItem): RlpItem {
  return [
    integerItem(setNumber),
    integerItem(seat),
    integerItem(tick),
    parents.map(idItem),
    content,
    hexToBytes(signature),
  ];
}

function blockOf(item: RlpItem): WireBlock {
  const fields = listOf(item, "block", 6, 6);
  return { ...factsOf(fields), transactions: payloadsOf(fields[4]) };
}

function headerOf(item: RlpItem | undefined): BlockHeader {
  const fields = listOf(item, "block", 6, 6);
  return { ...factsOf(fields), transactionsHash: hashOf(fields[4], "block.transactionsHash") };
}

function factsOf(fields: readonly RlpItem[]): BlockFacts {
  return {
    setNumber: integerOf(fields[0], "block.setNumber"),
    seat: integerOf(fields[1], "block.seat"),
    tick: integerOf(fields[2], "block.tick"),
    parents: listOf(fields[3], "block.parents", MAX_PARENTS).map((id) => idOf(id, "block.parent")),
    signature: hexOf(fields[5], "block.signature", SIGNATURE_BYTES),
  };
}

/** One after the other, in one item: each is as long as the next. */
function shortIdsItem(shortIds: readonly string[]): Uint8Array {
  return hexToBytes(shortIds.join(""));
}

function shortIdsOf(item: RlpItem | undefined, most: number): string[] {
  const bytes = bytesOf(item, "shortIds", most * SHORT_ID_BYTES);
  if (bytes.length % SHORT_ID_BYTES !== 0) throw malformed("shortIds");
  const digits = bytesToHex(bytes);
  return Array.from({ length: bytes.length / SHORT_ID_BYTES }, (_, at) =>
    digits.slice(at * SHORT_ID_DIGITS, (at + 1) * SHORT_ID_DIGITS),
  );
}

function placesOf(item: RlpItem | undefined): number[] {
  const places = listOf(item, "want.places", MAX_TRANSACTIONS).map((place) => integerOf(place, "want.place"));
  if (places.some((place, at) => at > 0 && place <= (places[at - 1] as number)))
    throw malformed("want.places");
  return places;
}

function payloadsOf(item: RlpItem | undefined): Uint8Array[] {
  return listOf(item, "transactions", MAX_TRANSACTIONS).map((payload) =>
    copyOf(payload, "transaction", Number.MAX_SAFE_INTEGER, 1),
  );
}
