export interface PullLimits {
  /** Who has not answered by then is passed over. */
  readonly timeoutMs: number;
  /** Names that are remembered: beyond, no offer is, and what is needed takes the place of one of whose there are most. */
  readonly maxRequests: number;
  /** Of them, those that one peer was the first to offer, and those that it may owe at once. */
  readonly maxOfPeer: number;
}

/** Whose account a name is on: that of the peer for whose blocks it is asked for, or one of those below. */
type Account = string | symbol;

/** What is decided is asked for before everything else, and nothing takes its place. */
const FIRST = Symbol("first");
/** Needed, and not for what a peer sent. */
const NOBODY = Symbol("nobody");

interface Request {
  account: Account;
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

/** Names of an account, oldest first. */
interface Names {
  readonly all: Set<string>;
  /** Those of which no answer is awaited. */
  readonly ready: Set<string>;
}

/** One look for somebody to ask. */
interface Look {
  readonly nowMs: number;
  /** All that can be asked. */
  readonly peers: readonly string[];
  /** Of them, those that owe less than they may. */
  free: readonly string[];
  readonly asks: Map<string, string[]>;
}

/** Peers that offer one thing and are remembered; a peer that was asked in vain makes room. */
const MAX_OFFERS = 32;
/** Timeouts after which what nobody says it needs is not needed any more. */
const NEEDED_FOR = 8;

/**
 * What is asked of whom, by name: each thing of one peer at a time, of those first that said they have it, and of the next one
 * when an answer is late. For what is needed the number of peers that are asked doubles with each time that none answered, so that
 * peers which withhold it cost little time and honest ones little bandwidth.
 *
 * Bounded, whatever peers announce, and no peer crowds out what others cause: each name is on the account of a peer, accounts take
 * turns in asking, and where there is no more room the largest one gives way. What is decided goes before all of them.
 */
export class PullRequests {
  readonly #limits: PullLimits;
  readonly #requests = new Map<string, Request>();
  readonly #accounts = new Map<Account, Names>();
  /** Those that are asked for, in the order in which their time runs out. */
  readonly #awaited = new Map<string, Request>();
  /** Of each peer: names that it is asked for and may still answer. */
  readonly #owed = new Map<string, number>();
  /** Where the next choice among all peers begins, and among accounts. */
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

  /** Whether it goes before everything else. */
  isFirst(name: string): boolean {
    return this.#requests.get(name)?.account === FIRST;
  }

  /** A peer says that it has what is unknown here. Whether that is news. */
  offer(name: string, peer: string): boolean {
    const known = this.#requests.get(name);
    const isBeyond = this.#countOf(peer) >= this.#limits.maxOfPeer;
    if (known === undefined && (isBeyond || this.#requests.size >= this.#limits.maxRequests)) return false;
    const { offers, asked } = known ?? this.#begin(name, peer);
    if (offers.size < MAX_OFFERS && !asked.has(peer)) offers.add(peer);
    return known === undefined;
  }

  /** Something builds on it that `peer` sent, which may have it; undefined: nobody in particular. */
  need(name: string, peer: string | undefined, nowMs: number): void {
    const account = peer ?? NOBODY;
    const known = this.#requests.get(name);
    if (known === undefined && !this.#hasRoomFor(account)) return;
    const request = known ?? this.#begin(name, account);
    // It waits for its turn where that comes sooner.
    if (request.account !== FIRST && this.#countOf(account) < this.#countOf(request.account))
      this.#move(name, request, account);
    this.#needed(request, nowMs);
    if (peer !== undefined && !request.asked.has(peer)) request.offers.add(peer);
  }

  /** What is decided builds on it. */
  needFirst(name: string, nowMs: number): void {
    const known = this.#requests.get(name);
    if (known === undefined && !this.#hasRoomFor(FIRST)) return;
    const request = known ?? this.#begin(name, FIRST);
    if (request.account !== FIRST) this.#move(name, request, FIRST);
    this.#needed(request, nowMs);
  }

  /** It is here, or will not come. */
  done(name: string): void {
    const request = this.#requests.get(name);
    if (request === undefined) return;
    this.#answered(name, request);
    this.#requests.delete(name);
    this.#remove(name, request.account);
  }

  /**
   * What to ask of whom now, and who let an answer be waited for in vain. `peers`: all that can be asked. Cost: what is asked and
   * what is late, the accounts and the peers.
   */
  due(
    nowMs: number,
    peers: readonly string[],
  ): { readonly asks: ReadonlyMap<string, string[]>; readonly late: ReadonlySet<string> } {
    const late = this.#late(nowMs);
    const look = { nowMs, peers, free: peers.filter(this.#hasRoom), asks: new Map<string, string[]>() };
    const first = this.#accounts.get(FIRST);
    while (first !== undefined && this.#askOne(first, look));
    let others = [...this.#accounts].flatMap(([account, names]) => (account === FIRST ? [] : [names]));
    const from = this.#turn % Math.max(1, others.length);
    others = [...others.slice(from), ...others.slice(0, from)];
    while (others.length > 0) others = others.filter((names) => this.#askOne(names, look));
    return { asks: look.asks, late };
  }

  readonly #hasRoom = (peer: string): boolean => (this.#owed.get(peer) ?? 0) < this.#limits.maxOfPeer;

  #countOf(account: Account): number {
    return this.#accounts.get(account)?.all.size ?? 0;
  }

  #needed(request: Request, nowMs: number): void {
    request.neededUntilMs = nowMs + NEEDED_FOR * this.#limits.timeoutMs;
  }

  /** Where nothing more fits, the oldest of the largest account makes room, unless that is the one that wants more. */
  #hasRoomFor(account: Account): boolean {
    if (this.#requests.size < this.#limits.maxRequests) return true;
    const least = account === FIRST ? 0 : this.#countOf(account) + 1;
    let largest: Names | undefined;
    for (const [other, names] of this.#accounts)
      if (other !== FIRST && names.all.size > (largest?.all.size ?? least)) largest = names;
    if (largest === undefined) return false;
    this.done(largest.all.keys().next().value as string);
    return true;
  }

  #begin(name: string, account: Account): Request {
    const request: Request = {
      account,
      neededUntilMs: 0,
      offers: new Set(),
      asked: new Set(),
      awaited: [],
      untilMs: 0,
      fanOut: 1,
    };
    this.#requests.set(name, request);
    this.#put(name, request);
    return request;
  }

  #put(name: string, { account, awaited }: Request): void {
    let names = this.#accounts.get(account);
    if (names === undefined) {
      names = { all: new Set(), ready: new Set() };
      this.#accounts.set(account, names);
    }
    names.all.add(name);
    if (awaited.length === 0) names.ready.add(name);
  }

  #remove(name: string, account: Account): void {
    const names = this.#accounts.get(account);
    names?.all.delete(name);
    names?.ready.delete(name);
    if (names?.all.size === 0) this.#accounts.delete(account);
  }

  #move(name: string, request: Request, account: Account): void {
    this.#remove(name, request.account);
    request.account = account;
    this.#put(name, request);
  }

  /** Nobody's answer is awaited any more. */
  #answered(name: string, request: Request): void {
    for (const peer of request.awaited) {
      const left = (this.#owed.get(peer) ?? 1) - 1;
      if (left === 0) this.#owed.delete(peer);
      else this.#owed.set(peer, left);
    }
    request.awaited = [];
    this.#awaited.delete(name);
  }

  #late(nowMs: number): Set<string> {
    const late = new Set<string>();
    for (const [name, request] of this.#awaited) {
      if (request.untilMs > nowMs) break;
      for (const peer of request.awaited) late.add(peer);
      this.#answered(name, request);
      this.#put(name, request);
    }
    return late;
  }

  /** Asks for the next name of an account. Whether another one may be asked for now. */
  #askOne(names: Names, look: Look): boolean {
    const next = names.ready.keys().next();
    if (next.done === true) return false;
    const name = next.value;
    const request = this.#requests.get(name) as Request;
    const isNeeded = request.neededUntilMs > look.nowMs;
    const offering: string[] = [];
    for (const peer of request.offers)
      if (offering.length < request.fanOut && this.#hasRoom(peer)) offering.push(peer);
    const chosen =
      isNeeded && look.free.length > 0 ? this.#choose(request, offering, look.free, look.peers) : offering;
    names.ready.delete(name);
    if (chosen.length > 0) this.#ask(name, request, chosen, look);
    else if (!isNeeded && request.offers.size === 0) this.done(name);
    else {
      // Nobody can be asked for it now: another one has the next turn.
      names.ready.add(name);
      return false;
    }
    return names.ready.size > 0;
  }

  #ask(name: string, request: Request, chosen: readonly string[], look: Look): void {
    for (const peer of chosen) {
      request.offers.delete(peer);
      request.asked.add(peer);
      this.#owed.set(peer, (this.#owed.get(peer) ?? 0) + 1);
      const names = look.asks.get(peer);
      if (names === undefined) look.asks.set(peer, [name]);
      else names.push(name);
    }
    request.awaited = chosen;
    request.untilMs = look.nowMs + this.#limits.timeoutMs;
    this.#awaited.set(name, request);
    if (!chosen.every(this.#hasRoom)) look.free = look.free.filter(this.#hasRoom);
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
