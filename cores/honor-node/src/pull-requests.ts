export interface PullLimits {
  /** Who has not answered by then is passed over. */
  readonly timeoutMs: number;
  /** Names that are remembered: beyond, no offer is, and what is needed takes the place of the oldest. */
  readonly maxRequests: number;
  /** Of them, those that one peer was the first to offer, and those that it may owe at once. */
  readonly maxOfPeer: number;
}

interface Request {
  /** Who offered it first; undefined: it was needed before that. */
  readonly origin: string | undefined;
  /** What others build on: whoever may have it is asked, until nobody needs it any more. */
  neededUntilMs: number;
  /** Peers that said they have it and were not asked. */
  readonly offers: Set<string>;
  readonly asked: Set<string>;
  /** Peers whose answer is awaited, until then. */
  awaited: readonly string[];
  untilMs: number;
  fanOut: number;
}

/** Peers that offer one thing and are remembered; a peer that was asked in vain makes room. */
const MAX_OFFERS = 32;
/** Timeouts after which what nobody says it needs is not needed any more. */
const NEEDED_FOR = 8;

/**
 * What is asked of whom, by name: each thing of one peer at a time, of those first that said they have it, and of the next one
 * when an answer is late. For what is needed the number of peers that are asked doubles with each time that none answered, so that
 * peers which withhold it cost little time and honest ones little bandwidth. Bounded, whatever peers announce.
 */
export class PullRequests {
  readonly #limits: PullLimits;
  readonly #requests = new Map<string, Request>();
  /** Of each peer: requests that it is the origin of. */
  readonly #begun = new Map<string, number>();
  /** Where the next choice among all peers begins. */
  #turn = 0;

  constructor(limits: PullLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#requests.size;
  }

  /** Whether it is asked for because something builds on it. */
  isNeeded(name: string): boolean {
    return (this.#requests.get(name)?.neededUntilMs ?? 0) > 0;
  }

  /** A peer says that it has what is unknown here. Whether that is news. */
  offer(name: string, peer: string): boolean {
    const known = this.#requests.get(name);
    const isBeyond = (this.#begun.get(peer) ?? 0) >= this.#limits.maxOfPeer;
    if (known === undefined && (isBeyond || this.#requests.size >= this.#limits.maxRequests)) return false;
    const { offers, asked } = known ?? this.#begin(name, peer);
    if (offers.size < MAX_OFFERS && !asked.has(peer)) offers.add(peer);
    return known === undefined;
  }

  /** Something builds on it; `peer` may have it. */
  need(name: string, peer: string | undefined, nowMs: number): void {
    if (!this.#requests.has(name) && this.#requests.size >= this.#limits.maxRequests)
      this.done(this.#requests.keys().next().value as string);
    const request = this.#requests.get(name) ?? this.#begin(name, undefined);
    request.neededUntilMs = nowMs + NEEDED_FOR * this.#limits.timeoutMs;
    if (peer !== undefined && !request.asked.has(peer)) request.offers.add(peer);
  }

  /** It is here, or will not come. */
  done(name: string): void {
    const request = this.#requests.get(name);
    if (request === undefined) return;
    this.#requests.delete(name);
    const { origin } = request;
    if (origin === undefined) return;
    const left = (this.#begun.get(origin) ?? 1) - 1;
    if (left === 0) this.#begun.delete(origin);
    else this.#begun.set(origin, left);
  }

  /** What to ask of whom now, and who let an answer be waited for in vain. `peers`: all that can be asked. */
  due(
    nowMs: number,
    peers: readonly string[],
  ): { readonly asks: ReadonlyMap<string, string[]>; readonly late: ReadonlySet<string> } {
    const asks = new Map<string, string[]>();
    const late = new Set<string>();
    const load = this.#load(nowMs);
    const hasRoom = (peer: string): boolean => (load.get(peer) ?? 0) < this.#limits.maxOfPeer;
    let free = peers.filter(hasRoom);
    for (const [name, request] of this.#requests) {
      if (request.untilMs > nowMs) continue;
      for (const peer of request.awaited) late.add(peer);
      request.awaited = [];
      const isNeeded = request.neededUntilMs > nowMs;
      const offering: string[] = [];
      for (const peer of request.offers)
        if (offering.length < request.fanOut && hasRoom(peer)) offering.push(peer);
      const chosen = isNeeded && free.length > 0 ? this.#choose(request, offering, free, peers) : offering;
      if (chosen.length === 0 && !isNeeded && request.offers.size === 0) {
        this.done(name);
        continue;
      }
      for (const peer of chosen) {
        request.offers.delete(peer);
        request.asked.add(peer);
        load.set(peer, (load.get(peer) ?? 0) + 1);
        const names = asks.get(peer);
        if (names === undefined) asks.set(peer, [name]);
        else names.push(name);
      }
      request.awaited = chosen;
      if (chosen.length > 0) request.untilMs = nowMs + this.#limits.timeoutMs;
      if (!chosen.every(hasRoom)) free = free.filter(hasRoom);
    }
    return { asks, late };
  }

  #begin(name: string, origin: string | undefined): Request {
    if (origin !== undefined) this.#begun.set(origin, (this.#begun.get(origin) ?? 0) + 1);
    const request: Request = {
      origin,
      neededUntilMs: 0,
      offers: new Set(),
      asked: new Set(),
      awaited: [],
      untilMs: 0,
      fanOut: 1,
    };
    this.#requests.set(name, request);
    return request;
  }

  /** Names that each peer is asked for and may still answer. */
  #load(nowMs: number): Map<string, number> {
    const load = new Map<string, number>();
    for (const { awaited, untilMs } of this.#requests.values())
      if (untilMs > nowMs) for (const peer of awaited) load.set(peer, (load.get(peer) ?? 0) + 1);
    return load;
  }

  /** Those that offer it, and of those that are free as many others as are to be asked. */
  #choose(
    request: Request,
    offering: readonly string[],
    free: readonly string[],
    peers: readonly string[],
  ): readonly string[] {
    const chosen = [...offering];
    // All were asked: from the beginning.
    if (peers.every((peer) => request.asked.has(peer))) request.asked.clear();
    const from = this.#turn++ % free.length;
    for (const peer of [...free.slice(from), ...free.slice(0, from)]) {
      if (chosen.length >= request.fanOut) break;
      if (!request.asked.has(peer) && !chosen.includes(peer)) chosen.push(peer);
    }
    if (chosen.length > 0) request.fanOut = Math.min(2 * request.fanOut, peers.length);
    return chosen;
  }
}
