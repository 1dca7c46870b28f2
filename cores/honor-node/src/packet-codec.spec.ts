import type { HonorSet } from "@aios/core-committee/honor-set";
import type { Certificate } from "@aios/core-finality/certificate";
import type { Checkpoint } from "@aios/core-finality/checkpoint";
import type { FinalityMessage } from "@aios/core-finality/messages";
import type { BlockColouring } from "@aios/core-ghostdag/ghostdag";
import { encodeRlp } from "@aios/core-rlp/rlp";
import { isCodedError } from "@aios/kernel/coded-error";
import { bytesToHex } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compactOf } from "./compact-block.js";
import { type DagBlock, headerOf, type OrderedTransaction } from "./dag-block.js";
import { decodeLogEntry, encodeLogEntry } from "./log-codec.js";
import type { Decision, LogEntry } from "./node-protocol.js";
import { decodePacket, encodePacket, toWire, WIRE_VERSION, type WirePacket } from "./packet-codec.js";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const hex = (length: number) => bytes(length).map(bytesToHex);
const integer = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 2 ** 48 - 1 }));
const hash = hex(32);
const id = fc.oneof({ weight: 5, arbitrary: hash }, fc.constant("genesis"));
const signature = hex(96);
const checkpoint: fc.Arbitrary<Checkpoint> = fc.record({
  height: integer,
  parentId: id,
  parentRound: integer,
  tip: id,
  tick: integer,
  attestedRoot: hash,
  nextSetId: hash,
});
const certificate: fc.Arbitrary<Certificate> = fc.record({
  height: integer,
  round: integer,
  checkpointId: hash,
  signers: fc.uint8Array({ maxLength: 8 }),
  signature: bytes(96),
});
const honorSet: fc.Arbitrary<HonorSet> = fc.record({
  number: integer,
  members: fc.array(fc.record({ account: hex(20).map((text) => `0x${text}`), publicKey: hex(48) }), {
    maxLength: 6,
  }),
});
const decision: fc.Arbitrary<Decision> = fc.record({
  checkpoint,
  certificate,
  nextSet: fc.option(honorSet, { nil: undefined }),
});
const step = { height: integer, round: integer, sender: integer };
const vote = fc.record({
  kind: fc.constantFrom("prevote" as const, "precommit" as const),
  ...step,
  checkpointId: fc.option(hash, { nil: undefined }),
});
const proposal = fc.record({
  kind: fc.constant("proposal" as const),
  ...step,
  checkpoint,
  validRound: fc.oneof(
    fc.constant(-1),
    integer.map((value) => Math.floor(value / 2)),
  ),
});
const signedBy = <T extends FinalityMessage>(message: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.tuple(message, fc.option(signature)).map(([one, by]) => (by === null ? one : { ...one, signature: by }));
const transaction: fc.Arbitrary<OrderedTransaction> = fc.record({
  id: hash,
  sender: hex(20).map((text) => `0x${text}`),
  nonce: integer,
  gasLimit: integer,
  payload: fc.uint8Array({ minLength: 1, maxLength: 200 }),
});
const block: fc.Arbitrary<DagBlock> = fc.record({
  setNumber: integer,
  seat: integer,
  tick: integer,
  parents: fc.array(id, { maxLength: 8 }),
  transactions: fc.array(transaction, { maxLength: 6 }),
  signature,
});
const packet: fc.Arbitrary<WirePacket> = fc.oneof(
  fc.record({
    kind: fc.constant("vote" as const),
    message: vote,
    signature,
    nextSet: fc.constant(undefined),
    parentCertificate: fc.constant(undefined),
  }),
  fc.record({
    kind: fc.constant("vote" as const),
    message: proposal,
    signature,
    nextSet: fc.option(honorSet, { nil: undefined }),
    parentCertificate: fc.option(certificate, { nil: undefined }),
  }),
  block.map((one) => toWire({ kind: "block", block: one })),
  fc.array(id, { maxLength: 64 }).map((ids) => ({ kind: "want" as const, ids })),
  fc.array(transaction, { maxLength: 6 }).map((all) => toWire({ kind: "transactions", transactions: all })),
  fc.record({ kind: fc.constant("status" as const), height: integer, tips: fc.array(id, { maxLength: 8 }) }),
  decision.map((one) => ({ kind: "decision" as const, decision: one })),
  integer.map((fromHeight) => ({ kind: "range" as const, fromHeight })),
  block.map((one) => ({ kind: "compact-block" as const, block: compactOf(one) })),
  fc.record({
    kind: fc.constant("want-transactions" as const),
    block: hash,
    places: fc.uniqueArray(fc.nat(20_000), { maxLength: 40 }).map((all) => all.sort((a, b) => a - b)),
  }),
  fc.record({
    kind: fc.constant("block-transactions" as const),
    block: hash,
    transactions: fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 6 }),
  }),
  fc.record({
    kind: fc.constantFrom("announce" as const, "want-announced" as const),
    shortIds: fc.array(hex(8), { maxLength: 40 }),
  }),
  fc.constant({ kind: "snapshot-request" as const }),
  fc.record({ kind: fc.constant("snapshot-index" as const), index: fc.uint8Array({ maxLength: 200 }) }),
  fc.record({ kind: fc.constant("snapshot-part-request" as const), height: integer, part: integer }),
  fc.record({
    kind: fc.constant("snapshot-part" as const),
    height: integer,
    part: integer,
    bytes: fc.uint8Array({ maxLength: 200 }),
  }),
);
const ids = fc.array(id, { maxLength: 4 });
const colouring: fc.Arbitrary<BlockColouring> = fc.record({
  blueScore: integer,
  selectedParent: fc.option(id, { nil: undefined }),
  mergeRoot: id,
  mergesetBlues: ids,
  mergesetReds: ids,
  sizedBlues: ids,
  anticoneSizes: fc.array(integer, { maxLength: 4 }),
});
const safetyRecord = fc.record({
  height: integer,
  round: integer,
  step: fc.constantFrom("propose" as const, "prevote" as const, "precommit" as const, "decided" as const),
  lockedRound: fc.integer({ min: -1, max: 1_000 }),
  locked: fc.option(checkpoint, { nil: undefined }),
  validRound: fc.integer({ min: -1, max: 1_000 }),
  valid: fc.option(checkpoint, { nil: undefined }),
  justification: fc.array(signedBy(vote), { maxLength: 4 }),
  sent: fc.array(signedBy(fc.oneof(vote, proposal)), { maxLength: 4 }),
});
const entry: fc.Arbitrary<LogEntry> = fc.oneof(
  fc.tuple(safetyRecord, fc.array(certificate, { maxLength: 3 })).map(([record, parentProofs]) => ({
    kind: "safety" as const,
    record,
    ...(parentProofs.length === 0 ? {} : { parentProofs }),
  })),
  fc.tuple(block, colouring, fc.boolean()).map(([one, colours, isHeader]) => ({
    kind: "block" as const,
    block: isHeader ? headerOf(one) : one,
    colouring: colours,
  })),
  decision.map((one) => ({ kind: "decision" as const, decision: one })),
  fc.record({ kind: fc.constant("order" as const), height: integer, blocks: fc.array(id, { maxLength: 8 }) }),
  fc
    .record({
      root: id,
      height: integer,
      firstDecision: integer,
      reigns: fc.array(fc.record({ set: honorSet, fromHeight: integer, fromTick: integer }), {
        minLength: 1,
        maxLength: 3,
      }),
    })
    .map((base) => ({ kind: "base" as const, base, gone: [], accepted: [] })),
  fc
    .array(transaction, { maxLength: 4 })
    .map((transactions) => ({ kind: "transactions" as const, transactions })),
);

/** What a decoder does with bytes: a value, or a refusal by one of its codes. */
function outcome<T>(decode: (bytes: Uint8Array) => T, encoded: Uint8Array): T | "refused" {
  try {
    return decode(encoded);
  } catch (error) {
    expect(isCodedError(error) && ["malformed-packet", "unsupported-packet"].includes(error.code)).toBe(true);
    return "refused";
  }
}

describe("packets", () => {
  it("come out of the wire as they went in", () => {
    fc.assert(fc.property(packet, (one) => void expect(decodePacket(encodePacket(one))).toEqual(one)));
  });

  it("keep nothing of the buffer that they were read from", () => {
    fc.assert(
      fc.property(packet, (one) => {
        const buffer = Buffer.from(encodePacket(one));
        const decoded = decodePacket(buffer);
        buffer.fill(0);
        expect(decoded).toEqual(one);
      }),
    );
  });

  it("of random bytes are refused by a code, whatever they are", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 }), fc.uint8Array({ maxLength: 300 }), (kind, rest) => {
        outcome(decodePacket, Uint8Array.of(WIRE_VERSION, kind, ...rest));
        outcome(decodePacket, rest);
      }),
      { numRuns: 2_000 },
    );
  });

  it("have one encoding: what is changed is refused or says something else", () => {
    fc.assert(
      fc.property(packet, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, flip) => {
        const encoded = encodePacket(one);
        const index = at % encoded.length;
        encoded[index] = (encoded[index] as number) ^ flip;
        const decoded = outcome(decodePacket, encoded);
        if (decoded !== "refused") expect(encodePacket(decoded)).toEqual(encoded);
      }),
      { numRuns: 1_000 },
    );
  });

  it("cut off anywhere, or with more behind, are refused", () => {
    fc.assert(
      fc.property(packet, fc.nat(), (one, at) => {
        const encoded = encodePacket(one);
        expect(outcome(decodePacket, encoded.subarray(0, at % encoded.length))).toBe("refused");
        expect(outcome(decodePacket, Uint8Array.of(...encoded, 0))).toBe("refused");
      }),
    );
  });

  it("with too long lists are refused by field", () => {
    const want = (count: number) =>
      Uint8Array.of(WIRE_VERSION, 2, ...encodeRlp(Array.from({ length: count }, () => new Uint8Array(32))));
    expect(decodePacket(want(64))).toMatchObject({ kind: "want" });
    expect(() => decodePacket(want(65))).toThrow(
      expect.objectContaining({ code: "malformed-packet", field: "want" }),
    );
    expect(() => decodePacket(Uint8Array.of(2, 0, 0xc0))).toThrow(
      expect.objectContaining({ code: "unsupported-packet", field: "version" }),
    );
    expect(() => decodePacket(Uint8Array.of(WIRE_VERSION, 99, 0xc0))).toThrow(
      expect.objectContaining({ code: "unsupported-packet", field: "kind" }),
    );
  });
});

describe("log entries", () => {
  it("come out of the log as they went in", () => {
    fc.assert(fc.property(entry, (one) => void expect(decodeLogEntry(encodeLogEntry(one))).toEqual(one)));
  });

  it("of random bytes are refused by a code", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 }), fc.uint8Array({ maxLength: 200 }), (kind, rest) => {
        outcome(decodeLogEntry, Uint8Array.of(kind, ...rest));
      }),
      { numRuns: 1_000 },
    );
  });
});
