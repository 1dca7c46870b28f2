/** Peers whose spending is remembered; those of a peer book are fewer. */
const MAX_PEERS = 1_024;

interface Account {
  left: number;
  atMs: number;
}

/** What each peer may cost: so many units a second, bytes or else, and what it did not use of them up to a bound. */
export class PeerBudget {
  readonly #perSecond: number;
  readonly #most: number;
  readonly #accounts = new Map<string, Account>();

  constructor(perSecond: number, most: number) {
    this.#perSecond = perSecond;
    this.#most = most;
  }

  /** Whether anything is left to the peer now; the last thing may cost more than that. */
  isLeft(peer: string, nowMs: number): boolean {
    return this.#account(peer, nowMs).left > 0;
  }

  /** Something was done for the peer. */
  spend(peer: string, cost: number, nowMs: number): void {
    this.#account(peer, nowMs).left -= cost;
  }

  /** What was done for the peer turned out to be of use. */
  giveBack(peer: string, cost: number, nowMs: number): void {
    const account = this.#account(peer, nowMs);
    account.left = Math.min(this.#most, account.left + cost);
  }

  #account(peer: string, nowMs: number): Account {
    const known = this.#accounts.get(peer);
    if (known !== undefined) {
      const earned = (Math.max(0, nowMs - known.atMs) / 1_000) * this.#perSecond;
      known.left = Math.min(this.#most, known.left + earned);
      known.atMs = nowMs;
      return known;
    }
    if (this.#accounts.size >= MAX_PEERS) this.#accounts.delete(this.#accounts.keys().next().value as string);
    const account = { left: this.#most, atMs: nowMs };
    this.#accounts.set(peer, account);
    return account;
  }
}
