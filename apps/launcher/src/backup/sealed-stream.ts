import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";
import { CodedError } from "@aios/kernel/coded-error";

/** `AIOSBKP1`, then scrypt's salt and log2 of its cost; then frames. */
const MAGIC = Buffer.from("AIOSBKP1");
const SALT_BYTES = 16;
const HEADER_BYTES = MAGIC.length + SALT_BYTES + 1;
const COST_LOG2 = 17;
const SMALLEST_COST_LOG2 = 14;
const LARGEST_COST_LOG2 = 20;
const FRAME_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const SHORTEST_PASSPHRASE = 12;

/**
 * Seals a stream under a passphrase: scrypt, then AES-256-GCM in frames (the STREAM construction of Hoang, Reyhanitabar,
 * Rogaway, Vizár, 2015): a nonce is the frame's number and whether it is the last, so that frames cannot be left out,
 * reordered or cut off. `costLog2`: of scrypt, 14 to 20. Throws `passphrase-too-short` under 12 characters.
 */
export async function* seal(
  plain: AsyncIterable<Buffer>,
  passphrase: string,
  costLog2 = COST_LOG2,
): AsyncGenerator<Buffer> {
  requirePassphrase(passphrase);
  const salt = randomBytes(SALT_BYTES);
  const header = Buffer.concat([MAGIC, salt, Buffer.from([costLog2])]);
  const key = keyOf(passphrase, salt, costLog2);
  yield header;
  let number = 0;
  let held: Buffer | undefined;
  for await (const frame of framesOf(plain)) {
    if (held !== undefined) yield sealFrame(key, header, number++, false, held);
    held = frame;
  }
  yield sealFrame(key, header, number, true, held ?? Buffer.alloc(0));
}

/**
 * Opens what `seal` made. Throws `not-a-backup`, `wrong-passphrase` (also for a first frame that was changed) and
 * `backup-damaged` for anything that was changed, cut off or appended later. Bytes are given out frame by frame, each
 * authentic; only the end of the iteration says that nothing is missing.
 */
export async function* unseal(sealed: AsyncIterable<Buffer>, passphrase: string): AsyncGenerator<Buffer> {
  const reader = new ByteReader(sealed);
  const header = await reader.upTo(HEADER_BYTES);
  const costLog2 = header[HEADER_BYTES - 1] ?? 0;
  if (header.length < HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) throw notABackup();
  if (costLog2 < SMALLEST_COST_LOG2 || costLog2 > LARGEST_COST_LOG2) throw notABackup();
  const key = keyOf(passphrase, header.subarray(MAGIC.length, MAGIC.length + SALT_BYTES), costLog2);
  let frame = await reader.upTo(FRAME_BYTES + TAG_BYTES);
  for (let number = 0; ; number++) {
    const next = await reader.upTo(FRAME_BYTES + TAG_BYTES);
    const last = next.length === 0;
    yield openFrame(key, header, number, last, frame);
    if (last) return;
    frame = next;
  }
}

/** For whoever would else learn it late. Throws `passphrase-too-short`. */
export function requirePassphrase(passphrase: string): void {
  if (passphrase.length >= SHORTEST_PASSPHRASE) return;
  throw new CodedError({
    code: "passphrase-too-short",
    kind: "invalid",
    message: `The passphrase needs at least ${SHORTEST_PASSPHRASE} characters: it is all that protects every key of the platform.`,
  });
}

function keyOf(passphrase: string, salt: Buffer, costLog2: number): Buffer {
  const N = 2 ** costLog2;
  return scryptSync(passphrase.normalize("NFKC"), salt, 32, { N, r: 8, p: 1, maxmem: 256 * N * 8 });
}

function nonceOf(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 3);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

function sealFrame(key: Buffer, header: Buffer, number: number, last: boolean, plain: Buffer): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonceOf(number, last)).setAAD(header);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function openFrame(key: Buffer, header: Buffer, number: number, last: boolean, frame: Buffer): Buffer {
  if (frame.length < TAG_BYTES) throw damaged();
  const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(number, last)).setAAD(header);
  decipher.setAuthTag(frame.subarray(frame.length - TAG_BYTES));
  const plain = decipher.update(frame.subarray(0, frame.length - TAG_BYTES));
  try {
    decipher.final();
  } catch {
    throw number === 0 ? wrongPassphrase() : damaged();
  }
  return plain;
}

/** The stream in frames of the full size; only the last may be shorter. */
async function* framesOf(plain: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const reader = new ByteReader(plain);
  for (;;) {
    const frame = await reader.upTo(FRAME_BYTES);
    if (frame.length > 0) yield frame;
    if (frame.length < FRAME_BYTES) return;
  }
}

/** Reads a stream of pieces by count. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** So many bytes; fewer only at the end. */
  async upTo(count: number): Promise<Buffer> {
    const taken: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#rest.length === 0) {
        const next = await this.#pieces.next();
        if (next.done === true) break;
        this.#rest = next.value;
        continue;
      }
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
      taken.push(piece);
    }
    return taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken);
  }
}

const notABackup = (): CodedError =>
  new CodedError({ code: "not-a-backup", kind: "invalid", message: "This file is no backup of AiOS." });

const wrongPassphrase = (): CodedError =>
  new CodedError({
    code: "wrong-passphrase",
    kind: "invalid",
    message: "The passphrase does not open this backup, or its first bytes were changed.",
  });

export const damaged = (): CodedError =>
  new CodedError({
    code: "backup-damaged",
    kind: "invalid",
    message: "This backup was changed, or its end is missing. Nothing of it was restored; take another copy.",
  });
