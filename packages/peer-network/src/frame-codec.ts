import { CodedError } from "@aios/kernel/coded-error";

const HEADER_BYTES = 4;

/** A frame: its length in four bytes, big-endian, and its bytes. */
export function encodeFrame(payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame.writeUInt32BE(payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** Cuts a stream into frames. Holds at most one frame of `maxBytes` and what came with it. */
export class FrameDecoder {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #buffered = 0;
  #expected: number | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes what arrived and returns the frames that are complete. Throws `frame-too-large` as soon as a header announces
   * one, before anything of it is kept; the stream is lost then.
   */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
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
