import { CodedError } from "@aios/kernel/coded-error";

/** Why bytes were refused; `what` names the format. Code `malformed-<what>`. */
export function malformed(what: string, problem: string): CodedError {
  return new CodedError({
    code: `malformed-${what}`,
    kind: "invalid",
    message: `These bytes are not a valid ${what.replaceAll("-", " ")}: ${problem}.`,
    details: { problem },
  });
}

/** Reads little-endian fields and refuses to run past the end. */
export class ByteReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(
    bytes: Uint8Array,
    private readonly what: string,
  ) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** Advances over `count` bytes and returns their offset. Throws `malformed-…` when they are not there. */
  #take(count: number): number {
    if (count > this.remaining) throw malformed(this.what, `it ends ${count - this.remaining} bytes early`);
    const at = this.#at;
    this.#at += count;
    return at;
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.slice(at, at + count);
  }

  int8Array(count: number): Int8Array {
    return new Int8Array(this.bytes(count).buffer);
  }

  int32Array(count: number): Int32Array {
    const at = this.#take(count * 4);
    const out = new Int32Array(count);
    for (let i = 0; i < count; i++) out[i] = this.#view.getInt32(at + i * 4, true);
    return out;
  }

  float32Array(count: number): Float32Array {
    const at = this.#take(count * 4);
    const out = new Float32Array(count);
    for (let i = 0; i < count; i++) out[i] = this.#view.getFloat32(at + i * 4, true);
    return out;
  }

  /** Throws `malformed-…` unless the next bytes are this ASCII tag. */
  tag(expected: string): void {
    if (this.remaining < expected.length) throw malformed(this.what, "it is too short");
    const found = String.fromCharCode(...this.bytes(expected.length));
    if (found !== expected)
      throw malformed(this.what, "its first bytes are not those of this format and version");
  }

  /** Throws `malformed-…` when bytes are left over. */
  end(): void {
    if (this.remaining !== 0) throw malformed(this.what, `${this.remaining} bytes follow its end`);
  }
}

/** Writes little-endian fields into a buffer of known size. */
export class ByteWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(sizeBytes: number) {
    this.#bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  tag(text: string): this {
    for (let i = 0; i < text.length; i++) this.#bytes[this.#at++] = text.charCodeAt(i);
    return this;
  }

  uint8(value: number): this {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
    return this;
  }

  uint16(value: number): this {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
    return this;
  }

  uint32(value: number): this {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  int8Array(value: Int8Array): this {
    return this.bytes(new Uint8Array(value.buffer, value.byteOffset, value.length));
  }

  int32Array(value: Int32Array): this {
    for (const item of value) {
      this.#view.setInt32(this.#at, item, true);
      this.#at += 4;
    }
    return this;
  }

  float32Array(value: Float32Array): this {
    for (const item of value) {
      this.#view.setFloat32(this.#at, item, true);
      this.#at += 4;
    }
    return this;
  }

  /** The finished bytes. Every byte of the announced size has been written. */
  finish(): Uint8Array {
    if (this.#at !== this.#bytes.length) {
      throw new CodedError({
        code: "size-miscounted",
        kind: "internal",
        message: "An encoding has the wrong size.",
      });
    }
    return this.#bytes;
  }
}
