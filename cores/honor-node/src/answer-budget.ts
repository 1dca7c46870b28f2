/** Peers whose spending is remembered; those of a peer book are fewer. */
const MAX_PEERS = 1_024;

interface Account {
  bytes: number;
  atMs: number;
}

/** What each peer may have sent to it at its own request: so many bytes a second, and as much as it did not use up to a bound. */
export class AnswerBudget {
  readonly #bytesPerSecond: number;
  readonly #maxBytes: number;
  readonly #accounts = new Map<string, Account>();

  constructor(bytesPerSecond: number, maxBytes: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#maxBytes = maxBytes;
  }

  /** Whether the peer gets an answer now; the last one may be larger than what is left. */
  isLeft(peer: string, nowMs: number): boolean {
    return this.#account(peer, nowMs).bytes > 0;
  }

  /** An answer goes to the peer. */
  spend(peer: string, bytes: number, nowMs: number): void {
    this.#account(peer, nowMs).bytes -= bytes;
  }

  #account(peer: string, nowMs: number): Account {
    const known = this.#accounts.get(peer);
    if (known !== undefined) {
      const earned = (Math.max(0, nowMs - known.atMs) / 1_000) * this.#bytesPerSecond;
      known.bytes = Math.min(this.#maxBytes, known.bytes + earned);
      known.atMs = nowMs;
      return known;
    }
    if (this.#accounts.size >= MAX_PEERS) this.#accounts.delete(this.#accounts.keys().next().value as string);
    const account = { bytes: this.#maxBytes, atMs: nowMs };
    this.#accounts.set(peer, account);
    return account;
  }
}
