import { CodedError } from "@aios/kernel/coded-error";
import {
  type CeremonyStep,
  type CeremonyTranscript,
  MAX_STEPS,
  transcriptHash,
} from "./ceremony-transcript.js";
import type { G1Point } from "./points.js";

export const MAX_TRANSCRIPT_BYTES = 1024 * 1024;
const FORMAT = "aios-ceremony-1";

function malformed(field: string): CodedError {
  return new CodedError({
    code: "malformed-ceremony",
    kind: "invalid",
    message: `This is no transcript of a ceremony: ${field} is missing or malformed.`,
    field,
  });
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function stepJson(step: CeremonyStep): unknown {
  const delta = pointJson(step.delta);
  if (step.kind === "beacon") {
    const { kind, value, iterationsExponent } = step;
    return { kind, value: hex(value), iterationsExponent, delta };
  }
  const { commitment, response } = step.proof;
  const proof = { commitment: pointJson(commitment), response: String(response) };
  return { kind: step.kind, name: step.name, delta, proof };
}

function pointJson({ x, y }: G1Point): readonly string[] {
  return [String(x), String(y)];
}

/** JSON for people and machines: hashes as hex, coordinates as decimals, the transcript's own hash beside them. */
export function encodeTranscript(transcript: CeremonyTranscript): string {
  const { circuitDigest, powersHash, firstKeyHash } = transcript.start;
  const start = {
    circuitDigest: hex(circuitDigest),
    powersHash: hex(powersHash),
    firstKeyHash: hex(firstKeyHash),
  };
  const { powersContributors, steps } = transcript;
  const hash = hex(transcriptHash(transcript));
  return `${JSON.stringify({ format: FORMAT, start, powersContributors, steps: steps.map(stepJson), hash }, undefined, 2)}\n`;
}

/** A JSON object whose members are read by name; anything else than what is asked for is `malformed-ceremony`. */
class Members {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(
    value: unknown,
    private readonly path: string,
  ) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(path);
    this.#members = value as Record<string, unknown>;
  }

  text(name: string): string {
    const value = this.#members[name];
    if (typeof value !== "string" || value.length > 1_000) throw malformed(`${this.path}.${name}`);
    return value;
  }

  integer(name: string): number {
    const value = this.#members[name];
    if (!Number.isSafeInteger(value)) throw malformed(`${this.path}.${name}`);
    return value as number;
  }

  list(name: string): readonly unknown[] {
    const value = this.#members[name];
    if (!Array.isArray(value) || value.length > MAX_STEPS) throw malformed(`${this.path}.${name}`);
    return value;
  }

  object(name: string): Members {
    return new Members(this.#members[name], `${this.path}.${name}`);
  }

  bytes(name: string, length?: number): Uint8Array {
    const value = this.text(name);
    const isHex = /^([0-9a-f]{2})*$/.test(value);
    if (!isHex || (length !== undefined && value.length !== 2 * length))
      throw malformed(`${this.path}.${name}`);
    return Uint8Array.from({ length: value.length / 2 }, (_, at) =>
      Number.parseInt(value.slice(2 * at, 2 * at + 2), 16),
    );
  }

  scalar(name: string): bigint {
    return decimal(this.text(name), `${this.path}.${name}`);
  }

  point(name: string): G1Point {
    const [x, y, ...more] = this.list(name);
    if (typeof x !== "string" || typeof y !== "string" || more.length > 0)
      throw malformed(`${this.path}.${name}`);
    return { x: decimal(x, `${this.path}.${name}`), y: decimal(y, `${this.path}.${name}`) };
  }
}

function decimal(text: string, field: string): bigint {
  if (!/^(0|[1-9][0-9]{0,77})$/.test(text)) throw malformed(field);
  return BigInt(text);
}

function stepOf(value: unknown, index: number): CeremonyStep {
  const members = new Members(value, `steps[${index}]`);
  const delta = members.point("delta");
  const kind = members.text("kind");
  if (kind === "beacon")
    return {
      kind,
      value: members.bytes("value"),
      iterationsExponent: members.integer("iterationsExponent"),
      delta,
    };
  if (kind !== "contribution") throw malformed(`steps[${index}].kind`);
  const proof = members.object("proof");
  return {
    kind,
    name: members.text("name"),
    delta,
    proof: { commitment: proof.point("commitment"), response: proof.scalar("response") },
  };
}

/** Inverse of `encodeTranscript`. Checks form only; see `verifyCeremony`. Throws `malformed-ceremony` naming the field. */
export function decodeTranscript(text: string): CeremonyTranscript {
  if (text.length > MAX_TRANSCRIPT_BYTES) throw malformed("the file");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed("the file");
  }
  const members = new Members(value, "transcript");
  if (members.text("format") !== FORMAT) throw malformed("transcript.format");
  const start = members.object("start");
  const transcript: CeremonyTranscript = {
    start: {
      circuitDigest: start.bytes("circuitDigest", 32),
      powersHash: start.bytes("powersHash", 32),
      firstKeyHash: start.bytes("firstKeyHash", 32),
    },
    powersContributors: members.list("powersContributors").map((name, index) => {
      if (typeof name !== "string" || name.length > 256) throw malformed(`powersContributors[${index}]`);
      return name;
    }),
    steps: members.list("steps").map(stepOf),
  };
  if (members.text("hash") !== hex(transcriptHash(transcript))) throw malformed("transcript.hash");
  return transcript;
}
