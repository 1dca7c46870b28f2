import type { CertifiedCheckpoint, ChainReading, DagBlock, Member } from "./chain-reading.js";
import { columnTicks, MOST_COLUMNS } from "./dag-window.js";

/** How GHOSTDAG counts a block; "open": nothing of the selected chain has merged it yet. */
export type Colour = "blue" | "red" | "open";

export interface PlacedBlock {
  readonly block: DagBlock;
  readonly colour: Colour;
  readonly isOnChain: boolean;
  /** Height of the checkpoint that orders it; undefined: none of those that are shown does, or none yet. */
  readonly orderedBy: number | undefined;
  readonly x: number;
  readonly y: number;
}

export interface PlacedLink {
  readonly key: string;
  readonly from: PlacedBlock;
  readonly to: PlacedBlock;
  readonly isOnChain: boolean;
}

export interface DagPicture {
  readonly width: number;
  readonly height: number;
  readonly firstTick: number;
  readonly lastTick: number;
  readonly rows: readonly { readonly member: Member; readonly y: number }[];
  readonly groups: readonly { readonly group: number; readonly y: number; readonly height: number }[];
  readonly blocks: readonly PlacedBlock[];
  readonly links: readonly PlacedLink[];
  readonly checkpoints: readonly {
    readonly checkpoint: CertifiedCheckpoint;
    readonly x: number;
    readonly isNamed: boolean;
  }[];
  /** Everything left of it is in a certified order; undefined where the window holds no certified block. */
  readonly certifiedX: number | undefined;
  readonly times: readonly { readonly text: string; readonly x: number }[];
}

const LANE = 34;
const AXIS = 26;
const GROUP_GAP = 10;
const NAME_ROOM = 44;
const TIMES_EVERY_MS = 6_000;

/** Where everything of the DAG is drawn in so many pixels of width: a row for each seat, a column for some ticks. */
export function dagPicture(reading: ChainReading, width: number): DagPicture {
  const gutter = width < 600 ? 46 : 84;
  const fitting = Math.floor((width - gutter) / (width < 600 ? 54 : 46));
  const shownTicks = Math.max(5, Math.min(MOST_COLUMNS, fitting)) * columnTicks(reading.tickMs);
  const lastTick = reading.tick;
  const firstTick = Math.max(0, lastTick - shownTicks + 1);
  const tickWidth = (width - gutter - 8) / shownTicks;
  const rowHeight = reading.members.length <= 6 ? 44 : 26;
  const { rows, groups, bottom } = lanes(reading.members, rowHeight);
  const yOf = new Map(rows.map(({ member, y }) => [member.seat, y]));
  const turnOf = turns(reading.members);
  const xAt = (tick: number, turn: number): number => gutter + (tick - firstTick + turn) * tickWidth;

  const coloured = colours(reading);
  const blocks = reading.blocks
    .filter(({ tick, seat }) => tick >= firstTick && tick <= lastTick && yOf.has(seat))
    .map(
      (block): PlacedBlock => ({
        block,
        colour: coloured.colour.get(block.id) ?? "open",
        isOnChain: coloured.chain.has(block.id),
        orderedBy: coloured.orderedBy.get(block.id),
        x: xAt(block.tick, turnOf.get(block.seat) ?? 0.5),
        y: yOf.get(block.seat) as number,
      }),
    )
    .sort((a, b) => a.x - b.x || a.y - b.y);
  const placed = new Map(blocks.map((one) => [one.block.id, one]));
  const checkpoints = named(
    reading.checkpoints.flatMap((checkpoint) => {
      const tip = placed.get(checkpoint.tip);
      return tip === undefined ? [] : [{ checkpoint, x: tip.x }];
    }),
  );
  return {
    width,
    height: bottom + AXIS,
    firstTick,
    lastTick,
    rows,
    groups,
    blocks,
    links: links(blocks, placed),
    checkpoints,
    certifiedX: checkpoints.at(-1)?.x,
    times: times(reading.tickMs, firstTick, lastTick, (tick) => xAt(tick, 1)),
  };
}

/** Blocks of the selected chain, colours by the chain block that merges, and the checkpoint that orders. */
function colours({ blocks, tips, checkpoints }: Pick<ChainReading, "blocks" | "tips" | "checkpoints">) {
  const byId = new Map(blocks.map((block) => [block.id, block]));
  const chain = new Set<string>();
  const colour = new Map<string, Colour>();
  const heightOfTip = new Map(checkpoints.map(({ tip, height }) => [tip, height]));
  const orderedBy = new Map<string, number>();
  let height: number | undefined;
  for (
    let block = byId.get(tips[0] ?? "");
    block !== undefined;
    block = byId.get(block.selectedParent ?? "")
  ) {
    chain.add(block.id);
    colour.set(block.id, "blue");
    height = heightOfTip.get(block.id) ?? height;
    const merged = [...block.mergesetBlues, ...block.mergesetReds].filter(
      (id) => id !== block.selectedParent,
    );
    if (height !== undefined) for (const id of [block.id, ...merged]) orderedBy.set(id, height);
    for (const id of block.mergesetBlues) colour.set(id, "blue");
    for (const id of block.mergesetReds) colour.set(id, "red");
  }
  return { chain, colour, orderedBy };
}

function lanes(members: readonly Member[], rowHeight: number) {
  const rows: { member: Member; y: number }[] = [];
  const groups: { group: number; y: number; height: number }[] = [];
  let y = LANE;
  const inGroups = [...members].sort((a, b) => a.group - b.group || a.seat - b.seat);
  for (const member of inGroups) {
    const last = groups.at(-1);
    if (last?.group === member.group) last.height += rowHeight;
    else {
      if (last !== undefined) y += GROUP_GAP;
      groups.push({ group: member.group, y, height: rowHeight });
    }
    rows.push({ member, y: y + rowHeight / 2 });
    y += rowHeight;
  }
  return { rows, groups, bottom: y };
}

/** When in a tick a seat makes its block: the nodes of a group take turns. */
function turns(members: readonly Member[]): Map<number, number> {
  return new Map(
    members.map(({ seat, group }) => {
      const seats = members.filter((other) => other.group === group).map((other) => other.seat);
      return [seat, (seats.indexOf(seat) + 0.5) / seats.length];
    }),
  );
}

function links(blocks: readonly PlacedBlock[], placed: ReadonlyMap<string, PlacedBlock>): PlacedLink[] {
  const found = blocks.flatMap((from) =>
    from.block.parents.flatMap((parent): PlacedLink[] => {
      const to = placed.get(parent);
      if (to === undefined) return [];
      const isOnChain = from.isOnChain && from.block.selectedParent === parent;
      return [{ key: `${from.block.id}-${parent}`, from, to, isOnChain }];
    }),
  );
  // What is drawn later lies on top.
  return found.sort((a, b) => Number(a.isOnChain) - Number(b.isOnChain));
}

/** Every checkpoint has its line; its number is left out where it would lie on the one before. */
function named<T extends { readonly x: number }>(all: readonly T[]): (T & { readonly isNamed: boolean })[] {
  let free = Number.POSITIVE_INFINITY;
  const fromNewest = all.toReversed().map((one) => {
    const isNamed = one.x <= free;
    if (isNamed) free = one.x - NAME_ROOM;
    return { ...one, isNamed };
  });
  return fromNewest.reverse();
}

function times(tickMs: number, firstTick: number, lastTick: number, xOf: (tick: number) => number) {
  const step = Math.max(1, Math.round(TIMES_EVERY_MS / tickMs));
  const marks: { text: string; x: number }[] = [{ text: "now", x: xOf(lastTick) }];
  for (let tick = lastTick - step; tick > firstTick; tick -= step)
    marks.push({ text: `−${Math.round(((lastTick - tick) * tickMs) / 1_000)} s`, x: xOf(tick) });
  return marks;
}

/** The block to which an arrow key leads from another; undefined where there is none that way. */
export function neighbour(picture: DagPicture, id: string, key: string): string | undefined {
  const from = picture.blocks.find(({ block }) => block.id === id);
  if (from === undefined) return undefined;
  const distance = ({ x, y }: PlacedBlock): number => Math.abs(x - from.x) + 4 * Math.abs(y - from.y);
  const across = ({ x, y }: PlacedBlock): number => Math.abs(x - from.x) + Math.abs(y - from.y) / 4;
  const nearest = (candidates: readonly PlacedBlock[], measure: (one: PlacedBlock) => number) =>
    candidates.toSorted((a, b) => measure(a) - measure(b))[0]?.block.id;
  const { blocks } = picture;
  if (key === "ArrowLeft")
    return nearest(
      blocks.filter(({ x }) => x < from.x),
      distance,
    );
  if (key === "ArrowRight")
    return nearest(
      blocks.filter(({ x }) => x > from.x),
      distance,
    );
  if (key === "ArrowUp") return nearest(rowNext(blocks, from, -1), across);
  if (key === "ArrowDown") return nearest(rowNext(blocks, from, 1), across);
  if (key === "Home") return blocks[0]?.block.id;
  if (key === "End") return blocks.at(-1)?.block.id;
  return undefined;
}

/** Blocks of the nearest row above or below that has any. */
function rowNext(blocks: readonly PlacedBlock[], { y }: PlacedBlock, way: -1 | 1): readonly PlacedBlock[] {
  const there = blocks.filter((one) => (one.y - y) * way > 0);
  const row = there.toSorted((a, b) => (a.y - b.y) * way)[0]?.y;
  return there.filter((one) => one.y === row);
}
