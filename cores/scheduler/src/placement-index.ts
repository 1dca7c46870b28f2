import { CodedError } from "@aios/kernel/coded-error";
import type { Address } from "@aios/kernel/identifiers";
import { PLACEMENT_FILTERS, REQUEST_FILTERS } from "./filters.js";
import { beats } from "./placement.js";
import {
  type PlacementPolicy,
  type PlacementRequest,
  type ProviderOffer,
  SCORE_PARTS,
  type WorkKind,
} from "./placement-model.js";
import { priceThousandths, scoreParts, totalScore } from "./scores.js";

const BLOCK_SIZE = 256;
const STANDING_FILTERS = PLACEMENT_FILTERS.filter((filter) => !REQUEST_FILTERS.has(filter.name));
const KINDS: readonly WorkKind[] = ["training", "inference"];

/** An offer that could take some job of the kind now. */
interface Entry {
  readonly offer: ProviderOffer;
  readonly priceWei: bigint;
  /** Weighted score, in millionths, without the price part and for a tenant that did not use the provider lately. */
  readonly standing: number;
}

/** Neighbours in order of price, and the most that any of them can have. */
interface Block {
  readonly entries: Entry[];
  highestStanding: number;
  largestMemoryBytes: number;
}

/**
 * The offers of one market, kept so that a job's provider is found without asking every one. It chooses exactly what
 * `choosePlacement` chooses over the same offers: offers that could take a job of a kind stand in blocks in order of
 * price; a block's cheapest price, highest standing and largest memory bound the score of all in it, so that most
 * blocks are ruled out whole (branch and bound). It explains nothing: `decidePlacement` does, when somebody asks why.
 *
 * `upsert` and `remove` cost O(√n) or so; `choose` O(blocks + entries of the blocks that could hold the best), in the
 * worst case (all alike but for what the request alone decides) O(n), as without an index.
 */
export class PlacementIndex {
  readonly #policy: PlacementPolicy;
  readonly #blockSize: number;
  readonly #offers = new Map<Address, ProviderOffer>();
  readonly #blocks: Readonly<Record<WorkKind, Block[]>> = { training: [], inference: [] };

  /**
   * `blockSize`: entries of one block at most; a fuller one is split in halves. Throws `invalid-placement-policy` for a
   * negative weight: it would turn upper bounds into lower ones.
   */
  constructor(policy: PlacementPolicy, blockSize: number = BLOCK_SIZE) {
    const negative = SCORE_PARTS.find((part) => !(policy.weights[part] >= 0));
    if (negative !== undefined) {
      throw new CodedError({
        code: "invalid-placement-policy",
        kind: "invalid",
        message: "A weight must not be negative.",
        field: `weights.${negative}`,
      });
    }
    this.#policy = policy;
    this.#blockSize = Math.max(2, blockSize);
  }

  get size(): number {
    return this.#offers.size;
  }

  /** The provider's offer as it stands here. */
  offerOf(provider: Address): ProviderOffer | undefined {
    return this.#offers.get(provider);
  }

  /** In no order that means anything. */
  offers(): Iterable<ProviderOffer> {
    return this.#offers.values();
  }

  /** Adds the offer, or replaces the one of the same provider. */
  upsert(offer: ProviderOffer): void {
    this.remove(offer.address);
    this.#offers.set(offer.address, offer);
    for (const kind of KINDS) {
      const entry = entryOf(offer, kind, this.#policy);
      if (entry !== undefined) insert(this.#blocks[kind], entry, this.#blockSize);
    }
  }

  /** Takes the provider's offer out; nothing happens where there is none. */
  remove(provider: Address): void {
    const offer = this.#offers.get(provider);
    if (offer === undefined) return;
    this.#offers.delete(provider);
    for (const kind of KINDS) {
      const entry = entryOf(offer, kind, this.#policy);
      if (entry !== undefined) take(this.#blocks[kind], entry);
    }
  }

  /** What `choosePlacement` gives for this request over all offers here, under the index's policy. */
  choose(request: PlacementRequest): ProviderOffer | undefined {
    const burned = new Set(request.burned.map((lease) => lease.provider));
    let best: ProviderOffer | undefined;
    let bestScore = -1;
    for (const { block, bound } of this.#candidates(request)) {
      // Blocks come with the highest bound first: none that follows can hold a better score.
      if (bound < bestScore) break;
      if (bound === bestScore && best !== undefined && !startsBefore(block, best, request.kind)) continue;
      for (const { offer, priceWei, standing } of block.entries) {
        if (priceWei > request.providerPriceCapWei) break;
        if (this.#bound(request, priceWei, standing) < bestScore) continue;
        if (offer.memoryBytes < request.requiredMemoryBytes || burned.has(offer.address)) continue;
        const score = totalScore(scoreParts(offer, request, this.#policy), this.#policy);
        if (best !== undefined && !beats(offer, score, best, bestScore, request)) continue;
        best = offer;
        bestScore = score;
      }
    }
    return best;
  }

  /** Blocks that may hold an eligible offer, the most promising first. */
  #candidates(request: PlacementRequest): readonly Candidate[] {
    const candidates: Candidate[] = [];
    for (const block of this.#blocks[request.kind]) {
      const priceWei = block.entries[0]?.priceWei ?? 0n;
      if (priceWei > request.providerPriceCapWei) break;
      if (block.largestMemoryBytes < request.requiredMemoryBytes) continue;
      candidates.push({ block, priceWei, bound: this.#bound(request, priceWei, block.highestStanding) });
    }
    return candidates.sort((a, b) => b.bound - a.bound || compareBigints(a.priceWei, b.priceWei));
  }

  /** The most that an offer of this price or a higher one, and of at most this standing, can score. */
  #bound(request: PlacementRequest, priceWei: bigint, standing: number): number {
    const price = priceThousandths(priceWei, request.providerPriceCapWei);
    return Math.floor((price * this.#policy.weights.price + standing) / 1000);
  }
}

interface Candidate {
  readonly block: Block;
  readonly bound: number;
  readonly priceWei: bigint;
}

/** Undefined for an offer that no job of the kind can get as things stand. */
function entryOf(offer: ProviderOffer, kind: WorkKind, policy: PlacementPolicy): Entry | undefined {
  const priceWei = offer.priceWei[kind];
  const anyJob = jobOf(kind);
  if (priceWei === undefined) return undefined;
  for (const filter of STANDING_FILTERS) if (!filter.passes(offer, anyJob, policy)) return undefined;
  const parts = scoreParts(offer, anyJob, policy);
  let standing = 0;
  for (const part of SCORE_PARTS) if (part !== "price") standing += parts[part] * policy.weights[part];
  return { offer, priceWei, standing };
}

/** Stands for any job of the kind, of a tenant that used no provider lately. */
function jobOf(kind: WorkKind): PlacementRequest {
  return {
    jobId: `0x${"00".repeat(32)}` as PlacementRequest["jobId"],
    kind,
    providerPriceCapWei: 0n,
    requiredMemoryBytes: 0,
    workUnits: 0,
    burned: [],
    recentByProvider: new Map(),
  };
}

function insert(blocks: Block[], entry: Entry, blockSize: number): void {
  const at = blockFor(blocks, entry);
  const block = blocks[at];
  if (block === undefined) {
    blocks.push(blockOf([entry]));
    return;
  }
  block.entries.splice(positionOf(block.entries, entry), 0, entry);
  block.highestStanding = Math.max(block.highestStanding, entry.standing);
  block.largestMemoryBytes = Math.max(block.largestMemoryBytes, entry.offer.memoryBytes);
  if (block.entries.length <= blockSize) return;
  const half = block.entries.length >> 1;
  blocks.splice(at, 1, blockOf(block.entries.slice(0, half)), blockOf(block.entries.slice(half)));
}

function take(blocks: Block[], entry: Entry): void {
  const at = blockFor(blocks, entry);
  const block = blocks[at];
  if (block === undefined) return;
  const position = positionOf(block.entries, entry);
  if (block.entries[position]?.offer.address !== entry.offer.address) return;
  block.entries.splice(position, 1);
  if (block.entries.length === 0) blocks.splice(at, 1);
  else blocks[at] = blockOf(block.entries);
}

function blockOf(entries: Entry[]): Block {
  let highestStanding = 0;
  let largestMemoryBytes = 0;
  for (const { standing, offer } of entries) {
    highestStanding = Math.max(highestStanding, standing);
    largestMemoryBytes = Math.max(largestMemoryBytes, offer.memoryBytes);
  }
  return { entries, highestStanding, largestMemoryBytes };
}

/** The last block whose first entry is not after this one; the first block for one before all. */
function blockFor(blocks: readonly Block[], entry: Entry): number {
  let low = 0;
  let high = blocks.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const first = blocks[middle]?.entries[0];
    if (first !== undefined && compareEntries(first, entry) <= 0) low = middle;
    else high = middle;
  }
  return low;
}

/** Where the entry stands, or would. */
function positionOf(entries: readonly Entry[], entry: Entry): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = entries[middle];
    if (other !== undefined && compareEntries(other, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** By price, then by address: no two are equal. */
function compareEntries(a: Entry, b: Entry): number {
  const byPrice = compareBigints(a.priceWei, b.priceWei);
  if (byPrice !== 0) return byPrice;
  return a.offer.address < b.offer.address ? -1 : a.offer.address > b.offer.address ? 1 : 0;
}

/** Whether the block holds an entry that goes before the offer at the same score. */
function startsBefore({ entries }: Block, offer: ProviderOffer, kind: WorkKind): boolean {
  const [first] = entries;
  const entry = { offer, priceWei: offer.priceWei[kind] ?? 0n, standing: 0 };
  return first !== undefined && compareEntries(first, entry) < 0;
}

function compareBigints(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
