import type { BlockColouring } from "@aios/core-ghostdag/ghostdag";
import type { RlpItem } from "@aios/core-rlp/rlp";
import type { ChainBase, Reign } from "./chain-base.js";
import { honorSetItem, honorSetOf, optionalItem, optionalOf } from "./finality-fields.js";
import { idItem, idOf, integerItem, integerOf, listOf } from "./wire-fields.js";

const ANY = Number.MAX_SAFE_INTEGER;

export function colouringItem(colouring: BlockColouring): RlpItem {
  return [
    integerItem(colouring.blueScore),
    optionalItem(colouring.selectedParent, (id) => [idItem(id)]),
    idItem(colouring.mergeRoot),
    colouring.mergesetBlues.map(idItem),
    colouring.mergesetReds.map(idItem),
    colouring.sizedBlues.map(idItem),
    colouring.anticoneSizes.map(integerItem),
  ];
}

export function colouringOf(item: RlpItem | undefined): BlockColouring {
  const fields = listOf(item, "colouring", 7, 7);
  const ids = (at: number): string[] =>
    listOf(fields[at], "colouring.blocks", ANY).map((id) => idOf(id, "colouring.block"));
  return {
    blueScore: integerOf(fields[0], "colouring.blueScore"),
    selectedParent: optionalOf(fields[1], (one) =>
      idOf(listOf(one, "colouring.selectedParent", 1, 1)[0], "colouring.selectedParent"),
    ),
    mergeRoot: idOf(fields[2], "colouring.mergeRoot"),
    mergesetBlues: ids(3),
    mergesetReds: ids(4),
    sizedBlues: ids(5),
    anticoneSizes: listOf(fields[6], "colouring.anticoneSizes", ANY).map((size) =>
      integerOf(size, "colouring.anticoneSize"),
    ),
  };
}

export function baseItem({ root, height, firstDecision, reigns }: ChainBase): RlpItem {
  return [idItem(root), integerItem(height), integerItem(firstDecision), reigns.map(reignItem)];
}

export function baseOf(item: RlpItem | undefined): ChainBase {
  const [root, height, firstDecision, reigns] = listOf(item, "base", 4, 4);
  return {
    root: idOf(root, "base.root"),
    height: integerOf(height, "base.height"),
    firstDecision: integerOf(firstDecision, "base.firstDecision"),
    reigns: listOf(reigns, "base.reigns", ANY, 1).map(reignOf),
  };
}

function reignItem({ set, fromHeight, fromTick }: Reign): RlpItem {
  return [honorSetItem(set), integerItem(fromHeight), integerItem(fromTick)];
}

function reignOf(item: RlpItem): Reign {
  const [set, fromHeight, fromTick] = listOf(item, "reign", 3, 3);
  return {
    set: honorSetOf(set),
    fromHeight: integerOf(fromHeight, "reign.fromHeight"),
    fromTick: integerOf(fromTick, "reign.fromTick"),
  };
}
