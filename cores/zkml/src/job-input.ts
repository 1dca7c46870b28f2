import { ByteReader, ByteWriter, malformed } from "./byte-codec.js";
import { MAX_LAYER_WIDTH, SALT_BYTES } from "./model-limits.js";

/** What the buyer commits to: the model's input bytes and the salt that hides them. Secret. */
export interface JobInput {
  readonly input: Uint8Array;
  readonly salt: Uint8Array;
}

const TAG = "AIOSJI01";
const WHAT = "job-input";

/** Tag "AIOSJI01", salt (32), length (u32, little-endian), input bytes. Throws `malformed-job-input`. */
export function encodeJobInput({ input, salt }: JobInput): Uint8Array {
  if (input.length < 1 || input.length > MAX_LAYER_WIDTH)
    throw malformed(WHAT, `it has ${input.length} input bytes`);
  if (salt.length !== SALT_BYTES) throw malformed(WHAT, `its salt has ${salt.length} bytes`);
  return new ByteWriter(TAG.length + SALT_BYTES + 4 + input.length)
    .tag(TAG)
    .bytes(salt)
    .uint32(input.length)
    .bytes(input)
    .finish();
}

/** Inverse of `encodeJobInput`. Throws `malformed-job-input`. */
export function decodeJobInput(bytes: Uint8Array): JobInput {
  const reader = new ByteReader(bytes, WHAT);
  reader.tag(TAG);
  const salt = reader.bytes(SALT_BYTES);
  const length = reader.uint32();
  if (length < 1 || length > MAX_LAYER_WIDTH) throw malformed(WHAT, `it names ${length} input bytes`);
  const input = reader.bytes(length);
  reader.end();
  return { input, salt };
}
