import { CodedError } from "@aios/kernel/coded-error";

const HEADER_BYTES = 4;
/** Pieces of a stream that are smaller are put together: a peer may send each byte by itself. */
const SMALL_BYTES = 4_096;

/** A frame: its length in four bytes, big-endian, and its bytes. */
export function encodeFrame(payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame.writeUInt32BE(payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** Cuts a stream into frames. Holds at most one frame of `maxBytes` and what came with it, in few pieces, however it comes. */
export class FrameDecoder {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #buffered = 0;
  #expected: number | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Pieces of memory in which it holds what waits for the rest of its frame. */
  get pieces(): number {
    return this.#chunks.length;
  }

  /**
   * Takes what arrived and returns the frames that are complete. Throws `frame-too-large` as soon as a header announces
   * one, before anything of it is kept; the stream is lost then.
   */
  push(chunk: Buffer): Buffer[] {
    this.#keep(chunk);
    this.#buffered += chunk.length;
    const frames: Buffer[] = [];
    for (;;) {
      if (this.#expected === undefined) {
        if (this.#buffered < HEADER_BYTES) return frames;
        this.#expected = this.#take(HEADER_BYTES).readUInt32BE();
        if (this.#expected > this.#maxBytes) throw tooLarge(this.#expected, this.#maxBytes);
      }
      if (this.#buffered < this.#expected) return frames;
      frames.push(this.#take(this.#expected));
      this.#expected = undefined;
    }
  }

  /** Joins a small piece to the smaller ones before it, so that each byte is copied a few times at most. */
  #keep(chunk: Buffer): void {
    let last = chunk;
    for (;;) {
      const before = this.#chunks.at(-1);
      if (before === undefined || last.length >= SMALL_BYTES || before.length > last.length) break;
      this.#chunks.pop();
      last = Buffer.concat([before, last]);
    }
    this.#chunks.push(last);
  }

  #take(length: number): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    const rest = all.subarray(length);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#buffered = rest.length;
    return all.subarray(0, length);
  }
}

function tooLarge(bytes: number, maxBytes: number): CodedError {
  return new CodedError({
    code: "frame-too-large",
    kind: "too-large",
    field: "length",
    message: `A frame has at most ${maxBytes} bytes.`,
    details: { bytes, maxBytes },
  });
}
