import { decodeRlp, encodeRlp, type RlpItem } from "@aios/core-rlp/rlp";
import { hexToBytes } from "@noble/hashes/utils.js";
import { colouringItem, colouringOf } from "./base-fields.js";
import type { ChainSnapshot } from "./chain-snapshot.js";
import { type BlockHeader, blockId } from "./dag-block.js";
import type { SnapshotBlock } from "./dag-digest.js";
import { decisionItem, decisionOf, SIGNATURE_BYTES } from "./finality-fields.js";
import { decoding, hashOf, hexOf, idItem, idOf, integerItem, integerOf, listOf } from "./wire-fields.js";

const MAX_DEPTH = 8;
const ANY = Number.MAX_SAFE_INTEGER;
const MAX_PARENTS = 64;

/** A snapshot in RLP. */
export function encodeSnapshot(snapshot: ChainSnapshot): Uint8Array {
  return encodeRlp([
    integerItem(snapshot.height),
    idItem(snapshot.root),
    snapshot.handOvers.map(decisionItem),
    snapshot.decisions.map(decisionItem),
    snapshot.blocks.map(blockItem),
  ]);
}

/** Inverse of `encodeSnapshot`; nothing of it is checked but its form. Throws `malformed-packet`. */
export function decodeSnapshot(bytes: Uint8Array): ChainSnapshot {
  return decoding("snapshot", () => {
    const fields = listOf(decodeRlp(bytes, MAX_DEPTH), "snapshot", 5, 5);
    return {
      height: integerOf(fields[0], "snapshot.height"),
      root: idOf(fields[1], "snapshot.root"),
      handOvers: listOf(fields[2], "snapshot.handOvers", ANY).map(decisionOf),
      decisions: listOf(fields[3], "snapshot.decisions", ANY).map(decisionOf),
      blocks: listOf(fields[4], "snapshot.blocks", ANY).map(blockOf),
    };
  });
}

function blockItem({ block, colouring }: SnapshotBlock): RlpItem {
  return [
    integerItem(block.setNumber),
    integerItem(block.seat),
    integerItem(block.tick),
    block.parents.map(idItem),
    hexToBytes(block.transactionsHash),
    hexToBytes(block.signature),
    colouringItem(colouring),
  ];
}

function blockOf(item: RlpItem): SnapshotBlock {
  const fields = listOf(item, "snapshot.block", 7, 7);
  const block: BlockHeader = {
    setNumber: integerOf(fields[0], "block.setNumber"),
    seat: integerOf(fields[1], "block.seat"),
    tick: integerOf(fields[2], "block.tick"),
    parents: listOf(fields[3], "block.parents", MAX_PARENTS).map((id) => idOf(id, "block.parent")),
    transactionsHash: hashOf(fields[4], "block.transactionsHash"),
    signature: hexOf(fields[5], "block.signature", SIGNATURE_BYTES),
  };
  return { id: blockId(block), block, colouring: colouringOf(fields[6]) };
}
