/**
 * Whom to ask for a range: one peer at a time, and one whose range brought nothing only after the others had their turns,
 * so that nobody keeps a node back by claiming a height that it does not have.
 */
export class RangeRequests {
  readonly #patienceMs: number;
  #asked: { readonly peer: string; readonly atMs: number; hasBrought: boolean } | undefined;
  /** Peers that were asked in vain, and when that came out. */
  readonly #inVain = new Map<string, number>();

  /** A range that is not answered within `patienceMs` is given up. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** Whether a peer that claims to be far ahead is to be asked now; if so, it counts as asked. */
  mayAsk(peer: string, nowMs: number): boolean {
    if (this.#asked !== undefined && nowMs - this.#asked.atMs < this.#patienceMs) return false;
    this.#settle(nowMs);
    if (this.#isSkipped(peer, nowMs)) return false;
    this.#asked = { peer, atMs: nowMs, hasBrought: false };
    return true;
  }

  /** What a peer sent added to the heights that are known or ordered. */
  brought(peer: string): void {
    if (this.#asked?.peer === peer) this.#asked.hasBrought = true;
    this.#inVain.delete(peer);
  }

  /** A peer said where it stands, as it does at the end of a range. */
  answered(peer: string, nowMs: number): void {
    if (this.#asked?.peer === peer) this.#settle(nowMs);
  }

  #settle(nowMs: number): void {
    if (this.#asked !== undefined && !this.#asked.hasBrought) this.#inVain.set(this.#asked.peer, nowMs);
    this.#asked = undefined;
  }

  /** Long enough for a turn of each that was asked in vain and of one that was not. */
  #isSkipped(peer: string, nowMs: number): boolean {
    const span = this.#patienceMs * (this.#inVain.size + 1);
    for (const [one, sinceMs] of this.#inVain) if (nowMs - sinceMs >= span) this.#inVain.delete(one);
    return this.#inVain.has(peer);
  }
}
