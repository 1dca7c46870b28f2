export interface ScoreSettings {
  /** A peer with this many points is banned. */
  readonly banAt: number;
  readonly banMs: number;
  /** Points that are forgotten each second. */
  readonly forgivenPerSecond: number;
  readonly maxPeers: number;
}

/** How a peer stands. */
export interface PeerScore {
  readonly points: number;
  readonly isBanned: boolean;
}

interface Score {
  points: number;
  atMs: number;
  bannedUntilMs: number;
}

/** Points of peers by name, forgotten with time; at most `maxPeers` are remembered, those with the fewest points least. */
export class PeerScores {
  readonly #settings: ScoreSettings;
  readonly #scores = new Map<string, Score>();

  constructor(settings: ScoreSettings) {
    this.#settings = settings;
  }

  /** Adds points; true when the peer is banned for them. */
  punish(peer: string, points: number, nowMs: number): boolean {
    const score = this.#current(peer, nowMs);
    score.points += points;
    if (score.points < this.#settings.banAt) return false;
    score.bannedUntilMs = nowMs + this.#settings.banMs;
    score.points = 0;
    return true;
  }

  isBanned(peer: string, nowMs: number): boolean {
    return (this.#scores.get(peer)?.bannedUntilMs ?? 0) > nowMs;
  }

  points(peer: string, nowMs: number): number {
    return this.#scores.has(peer) ? this.#current(peer, nowMs).points : 0;
  }

  /** Peers that have points or are banned. */
  all(nowMs: number): ReadonlyMap<string, PeerScore> {
    const found = new Map<string, PeerScore>();
    for (const peer of this.#scores.keys()) {
      const score = { points: Math.ceil(this.points(peer, nowMs)), isBanned: this.isBanned(peer, nowMs) };
      if (score.points > 0 || score.isBanned) found.set(peer, score);
    }
    return found;
  }

  #current(peer: string, nowMs: number): Score {
    const known = this.#scores.get(peer);
    if (known !== undefined) {
      const forgiven = (Math.max(0, nowMs - known.atMs) / 1_000) * this.#settings.forgivenPerSecond;
      known.points = Math.max(0, known.points - forgiven);
      known.atMs = nowMs;
      return known;
    }
    if (this.#scores.size >= this.#settings.maxPeers) this.#forgetOne(nowMs);
    const score = { points: 0, atMs: nowMs, bannedUntilMs: 0 };
    this.#scores.set(peer, score);
    return score;
  }

  #forgetOne(nowMs: number): void {
    let least: string | undefined;
    let leastWeight = Number.POSITIVE_INFINITY;
    for (const [peer, { points, bannedUntilMs }] of this.#scores) {
      const weight = bannedUntilMs > nowMs ? Number.MAX_SAFE_INTEGER : points;
      if (weight >= leastWeight) continue;
      least = peer;
      leastWeight = weight;
    }
    if (least !== undefined) this.#scores.delete(least);
  }
}
