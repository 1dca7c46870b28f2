/** Frames that wait for a peer, bounded by their bytes: when they do not fit, the oldest go, since gossip repeats itself. */
export class SendQueue {
  readonly #maxBytes: number;
  readonly #frames: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Returns how many frames were dropped for it; a frame larger than the queue is dropped itself. */
  push(frame: Buffer): number {
    if (frame.length > this.#maxBytes) return 1;
    let dropped = 0;
    while (this.#bytes + frame.length > this.#maxBytes) {
      this.shift();
      dropped += 1;
    }
    this.#frames.push(frame);
    this.#bytes += frame.length;
    return dropped;
  }

  shift(): Buffer | undefined {
    const frame = this.#frames.shift();
    if (frame !== undefined) this.#bytes -= frame.length;
    return frame;
  }
}
