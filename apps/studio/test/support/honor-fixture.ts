const hex = (value: number): string => `0x${value.toString(16)}`;
const id = (seed: number): string => seed.toString(16).padStart(8, "0").repeat(8);
const TICK_MS = 1_500;
const FIRST_HEIGHT = 4_100;

/** Blocks that others do not build on at once. */
function isLate({ seat, tick }: Pick<FixtureBlock, "seat" | "tick">): boolean {
  return seat === 2 && tick % 3 !== 0;
}

interface FixtureBlock {
  readonly id: string;
  readonly seat: number;
  readonly tick: number;
  readonly parents: readonly string[];
  readonly selectedParent: string;
  readonly mergesetBlues: readonly string[];
  readonly mergesetReds: readonly string[];
}

/** A chain of an honor set whose seat 2 is slow: its blocks come late, and now and then one is red. */
export class HonorFixture {
  readonly #genesisTimeMs: number;
  readonly #size: number;

  constructor(nowMs: number, size = 4) {
    this.#genesisTimeMs = nowMs - 400 * TICK_MS;
    this.#size = size;
  }

  answer(method: string, params: readonly string[], nowMs: number): unknown {
    const tick = Math.floor((nowMs - this.#genesisTimeMs) / TICK_MS);
    const blocks = this.#blocks(tick);
    switch (method) {
      case "aios_honorStatus":
        return this.#status(tick, blocks);
      case "aios_getDag":
        return blocks
          .filter((block) => block.tick >= Number(params[0]) && block.tick <= Number(params[1]))
          .map((block, index) => ({
            ...block,
            seat: hex(block.seat),
            group: hex(this.#groupOf(block.seat)),
            tick: hex(block.tick),
            blueScore: hex(block.tick * 3 + index),
            transactions: Array.from(
              { length: (block.tick * 7 + block.seat) % 5 },
              (_, n) => `0x${id(n + 1)}`,
            ),
            signature: "0x",
          }));
      case "aios_getHonorSet":
        return {
          id: id(77),
          members: Array.from({ length: this.#size }, (_, seat) => ({
            seat: hex(seat),
            group: hex(this.#groupOf(seat)),
            account: `0x${(0xa105_0000 + seat).toString(16).padStart(40, "0")}`,
          })),
        };
      case "aios_getCertificate":
        return this.#certificate(Number(params[0]), blocks);
      default:
        return undefined;
    }
  }

  #groupOf(seat: number): number {
    return this.#size === 4 ? 0 : seat % (this.#size / 3);
  }

  #onDuty(tick: number): number[] {
    const seats = Array.from({ length: this.#size }, (_, seat) => seat);
    if (this.#size === 4) return seats;
    const group = Math.floor(tick / 2) % (this.#size / 3);
    return seats.filter((seat) => this.#groupOf(seat) === group);
  }

  /** Each block builds on the one before; a late one on that of a tick before, and the next merges it. */
  #blocks(lastTick: number): readonly FixtureBlock[] {
    const made: FixtureBlock[] = [];
    let chain = "genesis";
    let late: string | undefined;
    for (let tick = lastTick - 30; tick <= lastTick; tick++)
      for (const seat of this.#onDuty(tick)) {
        const own = id(tick * 32 + seat);
        const comesLate = isLate({ seat, tick });
        const before = made.findLast((block) => block.tick < tick)?.id ?? "genesis";
        const merged = comesLate || late === undefined ? [] : [late];
        const isRed = tick % 5 === 0;
        const parent = comesLate ? before : chain;
        made.push({
          id: own,
          seat,
          tick,
          parents: [parent, ...merged],
          selectedParent: parent,
          mergesetBlues: [parent, ...(isRed ? [] : merged)],
          mergesetReds: isRed ? merged : [],
        });
        if (comesLate) late = own;
        else {
          chain = own;
          late = undefined;
        }
      }
    return made;
  }

  #status(tick: number, blocks: readonly FixtureBlock[]): unknown {
    const tip = blocks.findLast((block) => !isLate(block));
    return {
      height: hex(FIRST_HEIGHT + tick),
      tick: hex(tick),
      seat: "0x0",
      nodeKey: id(1),
      peers: Array.from({ length: this.#size - 1 }, (_, peer) => id(peer)),
      tips: [tip?.id ?? "genesis"],
      time: { genesisTimeMs: this.#genesisTimeMs, tickMs: TICK_MS },
      orderDelays: { count: 312, p50Ms: 74, p95Ms: 141 },
    };
  }

  /** Of each tick but the present one, over the first block of its chain. */
  #certificate(height: number, blocks: readonly FixtureBlock[]): unknown {
    const tick = height - FIRST_HEIGHT;
    const tip = blocks.find((block) => block.tick === tick && !isLate(block));
    if (tip === undefined) return null;
    const quorum = Math.floor((2 * this.#size) / 3) + 1;
    const signers = Array.from({ length: height % 3 === 0 ? quorum : this.#size }, (_, seat) => hex(seat));
    return {
      checkpoint: { height: hex(height), tip: tip.id, tick: hex(tick), attestedRoot: `0x${id(height)}` },
      certificate: { round: hex(height % 9 === 0 ? 1 : 0), seats: signers },
    };
  }
}
