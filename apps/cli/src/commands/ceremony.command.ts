import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  type Ceremony,
  contribute,
  endWithBeacon,
  openCeremony,
  verifyCeremony,
} from "@aios/core-groth16/ceremony";
import { decodeTranscript, encodeTranscript, MAX_TRANSCRIPT_BYTES } from "@aios/core-groth16/ceremony-codec";
import { CeremonyEngine } from "@aios/core-groth16/ceremony-engine";
import { transcriptHash } from "@aios/core-groth16/ceremony-transcript";
import { ceremonyTrust, contributorsOf } from "@aios/core-groth16/ceremony-trust";
import { MAX_POWERS_BYTES, type PowersOfTau, readPowersOfTau } from "@aios/core-groth16/powers-of-tau";
import {
  decodeProvingKey,
  encodeProvingKey,
  MAX_PROVING_KEY_BYTES,
  type ProvingKey,
  provingKeyHash,
} from "@aios/core-groth16/proving-key";
import { encodeVerifyingKey, verifyingKeyHash } from "@aios/core-groth16/verifying-key";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { decodeProvableModel } from "@aios/core-zkml/provable-model";
import { CodedError } from "@aios/kernel/coded-error";
import { type Command, type CommandInput, UsageError } from "../command.js";
import { assertAbsent, fetchBytes, hexText, readBytes, writeNew } from "../files.js";
import { required } from "../option-value.js";
import { visitorClient } from "../platform.js";

const FILES = { transcript: "transcript.json", key: "key.bin", firstKey: "first-key.bin" } as const;
const MAX_MODEL_BYTES = 320 * 1024 * 1024;
const DEFAULT_ITERATIONS = 10;
const RANDOM_BYTES = 64;

interface Report {
  readonly lines: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
}

const MODEL = { value: "<file>", summary: "a model that 'aios model import' wrote" };
const POWERS = {
  value: "<where>",
  summary: "powers of tau as .ptau, prepared for phase 2: a file, an http(s) address, or ipfs://<cid>",
};
const POWERS_HASH = { value: "<sha256>", summary: "refuses other powers of tau than these" };
const OUT = {
  value: "<new folder>",
  summary: "what is handed on; nothing is replaced",
  required: true,
} as const;

export const ceremonyCommand: Command = {
  name: "ceremony",
  summary: "make a proof key from the secrets of several parties",
  description: `A key from a ceremony can be used to forge only if all its contributors kept their secrets and work together. That
different names are different parties nobody checks. Each party takes the folder, adds its part on its own machine, and hands the new folder on.
Every point of the powers of tau is checked. What no computation can check is who made them: compare their hash with what their
ceremony published.`,
  actions: [
    {
      name: "init",
      positionals: ["<folder>"],
      options: {
        model: { ...MODEL, required: true },
        powers: { ...POWERS, required: true },
        "powers-hash": POWERS_HASH,
      },
      summary: "begins from a model and powers of tau",
      example: "ceremony init begun --model digits.model --powers powers.ptau",
      run: (input) => withEngine(input, init),
    },
    {
      name: "contribute",
      positionals: ["<folder>"],
      options: { name: { value: "<you>", summary: "who contributes", required: true }, out: OUT },
      summary: "adds a secret of this machine, which is forgotten at once",
      example: "ceremony contribute begun --name Ada --out half",
      run: (input) => withEngine(input, addContribution),
    },
    {
      name: "verify",
      positionals: ["<folder>"],
      options: { model: MODEL, powers: POWERS, "powers-hash": POWERS_HASH },
      summary:
        "checks every contribution and the key; with --model and --powers also what the ceremony began with",
      example: "ceremony verify key --model digits.model --powers powers.ptau",
      run: (input) => withEngine(input, verify),
    },
    {
      name: "finalise",
      positionals: ["<folder>"],
      options: {
        model: { ...MODEL, required: true },
        powers: { ...POWERS, required: true },
        out: OUT,
        "powers-hash": POWERS_HASH,
        beacon: { value: "<hex>", summary: "a public value to end with" },
        iterations: {
          value: "<exponent>",
          summary: `with --beacon: it is hashed 2^so often (${DEFAULT_ITERATIONS})`,
        },
      },
      summary:
        "verifies, and writes key, verifying key and what must be trusted; refused with fewer than two contributors",
      example: "ceremony finalise both --model digits.model --powers powers.ptau --out key",
      run: (input) => withEngine(input, finalise),
    },
  ],
};

async function withEngine(
  input: CommandInput,
  act: (input: CommandInput, folder: string, engine: CeremonyEngine) => Promise<Report>,
): Promise<number> {
  const engine = new CeremonyEngine({ threads: availableParallelism() });
  try {
    const { lines, values } = await act(input, input.positionals[0] ?? "", engine);
    input.output.write(input.json ? `${JSON.stringify(values)}\n` : `${lines.join("\n")}\n`);
    return 0;
  } finally {
    await engine.close();
  }
}

async function init(input: CommandInput, folder: string, engine: CeremonyEngine): Promise<Report> {
  await assertAbsent(join(folder, FILES.transcript));
  const powers = await powersOf(input, required(input, "powers"));
  const firstKey = await firstKeyFor(input, powers, engine);
  const ceremony = openCeremony(firstKey, powers);
  await writeNew(join(folder, FILES.firstKey), encodeProvingKey(firstKey));
  await write(folder, ceremony);
  const powersHash = hexText(powers.hash);
  return {
    lines: [
      `The ceremony has begun in ${folder}. Until somebody contributes, anybody can forge.`,
      `powers of tau: sha256 ${powersHash}, 2^${powers.power}, contributors: ${listed(powers.contributors)}`,
      "Compare this hash with what the ceremony of the powers published.",
    ],
    values: { folder, powersHash, powersContributors: powers.contributors, powersPower: powers.power },
  };
}

async function addContribution(input: CommandInput, folder: string, engine: CeremonyEngine): Promise<Report> {
  const [name, out] = [required(input, "name"), required(input, "out")];
  const [before, firstKey] = [await read(folder), await readFirstKey(folder)];
  // Nobody should put their name to a chain that is broken already.
  await verifyCeremony(engine, before, firstKey, randomBytes(RANDOM_BYTES));
  const secret = randomBytes(RANDOM_BYTES);
  const after = await contribute(engine, before, name, secret).finally(() => secret.fill(0));
  await writeNew(join(out, FILES.firstKey), encodeProvingKey(firstKey));
  await write(out, after);
  const hash = hexText(transcriptHash(after.transcript));
  return {
    lines: [
      `${name} has contributed; hand ${out} on. Keep this hash: it must appear in the final transcript's history.`,
      `transcript: ${hash}`,
    ],
    values: { folder: out, contributors: contributorsOf(after.transcript), transcriptHash: hash },
  };
}

async function verify(input: CommandInput, folder: string, engine: CeremonyEngine): Promise<Report> {
  const ceremony = await read(folder);
  const { model, powers } = input.options;
  if ((model === undefined) !== (powers === undefined))
    throw new UsageError("Give --model and --powers together.");
  const isWhole = model !== undefined;
  const firstKey = isWhole ? await recomputed(input, ceremony, engine) : await readFirstKey(folder);
  await verifyCeremony(engine, ceremony, firstKey, randomBytes(RANDOM_BYTES));
  const contributors = contributorsOf(ceremony.transcript);
  const trust = contributors.length < 2 ? "forgeable" : ceremonyTrust(ceremony.transcript);
  const scope = isWhole
    ? "The first key follows from the model and the powers of tau."
    : "What the ceremony began with was not checked: give --model and --powers.";
  return {
    lines: [
      `Every contribution holds: ${listed(contributors)}. ${scope}`,
      contributors.length < 2
        ? `Not enough: ${contributors[0] ?? "anybody"} can forge. A second party must contribute.`
        : trust,
      `powers of tau: sha256 ${hexText(ceremony.transcript.start.powersHash)}, contributors: ${listed(ceremony.transcript.powersContributors)}`,
    ],
    values: { contributors, trust, firstKeyChecked: isWhole, ...hashes(ceremony) },
  };
}

async function finalise(input: CommandInput, folder: string, engine: CeremonyEngine): Promise<Report> {
  const out = required(input, "out");
  const before = await read(folder);
  const trust = ceremonyTrust(before.transcript);
  const firstKey = await recomputed(input, before, engine);
  const beacon = input.options.beacon;
  const ended =
    beacon === undefined ? before : await endWithBeacon(engine, before, hexBytes(beacon), iterations(input));
  await verifyCeremony(engine, ended, firstKey, randomBytes(RANDOM_BYTES));
  await writeNew(join(out, FILES.firstKey), encodeProvingKey(firstKey));
  await write(out, ended);
  const verifyingKey = `0x${hexText(encodeVerifyingKey(ended.key.verifyingKey))}`;
  await writeNew(
    join(out, "verifying-key.json"),
    `${JSON.stringify({ verifyingKey, trust, ...hashes(ended) }, undefined, 2)}\n`,
  );
  const { verifyingKeyHash: keyHash, provingKeyHash: fileHash, transcriptHash: hash } = hashes(ended);
  return {
    lines: [
      `The key is in ${out}: ${trust}`,
      `verifying key ${keyHash}, proving key sha256 ${fileHash}, transcript ${hash}`,
    ],
    values: { folder: out, trust, contributors: contributorsOf(ended.transcript), ...hashes(ended) },
  };
}

function hashes({ key, transcript }: Ceremony) {
  return {
    verifyingKeyHash: `0x${hexText(verifyingKeyHash(key.verifyingKey))}`,
    provingKeyHash: hexText(provingKeyHash(encodeProvingKey(key))),
    transcriptHash: hexText(transcriptHash(transcript)),
    powersHash: hexText(transcript.start.powersHash),
  };
}

/** The first key from model and powers; the powers must be those that the ceremony began with. */
async function recomputed(
  input: CommandInput,
  { transcript }: Ceremony,
  engine: CeremonyEngine,
): Promise<ProvingKey> {
  const powers = await powersOf(input, required(input, "powers"));
  if (!isDeepStrictEqual(powers.hash, transcript.start.powersHash))
    throw new CodedError({
      code: "ceremony-start-mismatch",
      kind: "unprocessable",
      message: `The ceremony began with other powers of tau: sha256 ${hexText(transcript.start.powersHash)}.`,
    });
  return firstKeyFor(input, powers, engine);
}

async function firstKeyFor(
  input: CommandInput,
  powers: PowersOfTau,
  engine: CeremonyEngine,
): Promise<ProvingKey> {
  const encoded = await readBytes(required(input, "model"), MAX_MODEL_BYTES);
  const r1cs = compileCircuit(decodeProvableModel(encoded));
  if (!input.json)
    input.output.writeError(
      `checking the powers of tau and computing the key of ${r1cs.constraints} constraints…\n`,
    );
  return engine.firstKey(r1cs, powers, randomBytes(RANDOM_BYTES));
}

async function powersOf(input: CommandInput, where: string): Promise<PowersOfTau> {
  const powers = readPowersOfTau(await powersBytes(input, where));
  const expected = input.options["powers-hash"];
  if (expected !== undefined && expected.toLowerCase() !== hexText(powers.hash))
    throw new CodedError({
      code: "powers-of-tau-altered",
      kind: "unprocessable",
      message: `The powers of tau have sha256 ${hexText(powers.hash)}, not the expected ${expected}.`,
    });
  return powers;
}

async function powersBytes(input: CommandInput, where: string): Promise<Uint8Array> {
  if (/^https?:\/\//.test(where)) return fetchBytes(where, { mostBytes: MAX_POWERS_BYTES });
  if (where.startsWith("ipfs://")) return visitorClient(input).content.get(where.slice("ipfs://".length));
  return readBytes(where, MAX_POWERS_BYTES);
}

async function read(folder: string): Promise<Ceremony> {
  const transcript = decodeTranscript(
    new TextDecoder().decode(await readBytes(join(folder, FILES.transcript), MAX_TRANSCRIPT_BYTES)),
  );
  return { transcript, key: await readKey(join(folder, FILES.key)) };
}

/** The key as the file has it: `verifyCeremony` checks its points against the transcript. */
async function readKey(path: string): Promise<ProvingKey> {
  const encoded = await readBytes(path, MAX_PROVING_KEY_BYTES);
  return decodeProvingKey(encoded, provingKeyHash(encoded));
}

function readFirstKey(folder: string): Promise<ProvingKey> {
  return readKey(join(folder, FILES.firstKey));
}

async function write(folder: string, { transcript, key }: Ceremony): Promise<void> {
  await writeNew(join(folder, FILES.transcript), encodeTranscript(transcript));
  await writeNew(join(folder, FILES.key), encodeProvingKey(key));
}

function hexBytes(text: string): Uint8Array {
  const digits = text.replace(/^0x/, "");
  if (!/^([0-9a-fA-F]{2})+$/.test(digits)) throw new UsageError("--beacon must be hex.");
  return new Uint8Array(Buffer.from(digits, "hex"));
}

function iterations({ options }: CommandInput): number {
  const exponent = Number(options.iterations ?? DEFAULT_ITERATIONS);
  if (!Number.isInteger(exponent)) throw new UsageError("--iterations must be a whole number.");
  return exponent;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "nobody" : names.map((name) => (name === "" ? "(unnamed)" : name)).join(", ");
}
