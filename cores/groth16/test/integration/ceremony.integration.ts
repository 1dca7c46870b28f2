import { R1csBuilder, signalTerm } from "@aios/core-zkml/r1cs-builder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Ceremony,
  contribute,
  endWithBeacon,
  openCeremony,
  verifyCeremony,
} from "../../src/ceremony.js";
import { decodeTranscript, encodeTranscript } from "../../src/ceremony-codec.js";
import { CeremonyEngine } from "../../src/ceremony-engine.js";
import { type CeremonyTranscript, type Contribution, transcriptHash } from "../../src/ceremony-transcript.js";
import { ceremonyTrust, contributorsOf } from "../../src/ceremony-trust.js";
import { Groth16Prover } from "../../src/groth16-prover.js";
import { joinKeyPoints, type KeyPoints, splitKeyPoints } from "../../src/key-points.js";
import { type PowersOfTau, readPowersOfTau } from "../../src/powers-of-tau.js";
import { encodeProvingKey, type ProvingKey, provingKeyHash } from "../../src/proving-key.js";
import { verify } from "../../src/verify.js";
import { peerPowers } from "../powers-of-tau.js";
import { smallCircuit, smallWitness } from "../small-circuit.js";

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const circuit = smallCircuit();
const POWER = Math.ceil(Math.log2(circuit.constraints + circuit.publicInputs + 1));
const engine = new CeremonyEngine({ threads: 2 });
let file: Uint8Array;
let untouched: Uint8Array;
let powers: PowersOfTau;
let firstKey: ProvingKey;
let ceremony: Ceremony;

beforeAll(async () => {
  ({ contributed: file, untouched } = await peerPowers(POWER + 1));
  powers = readPowersOfTau(file);
  firstKey = await engine.firstKey(circuit, powers, seed(1));
  const developer = await contribute(engine, openCeremony(firstKey, powers), "the developer", seed(2));
  const buyer = await contribute(engine, developer, "the buyers' side", seed(3));
  ceremony = await endWithBeacon(engine, buyer, seed(4), 10);
});
afterAll(() => engine.close());

const codeOf = (code: string, problem?: string): unknown =>
  expect.objectContaining({
    code,
    ...(problem === undefined ? {} : { message: expect.stringContaining(problem) as string }),
  });

describe("a key of two contributors", () => {
  it("is verified from the powers of tau and the circuit, and says who would have to collude", async () => {
    await verifyCeremony(engine, ceremony, await engine.firstKey(circuit, powers, seed(9)), seed(10));
    expect(contributorsOf(ceremony.transcript)).toEqual(["the developer", "the buyers' side"]);
    expect(ceremony.transcript.powersContributors).toEqual(["Ada", "Grace"]);
    expect(ceremonyTrust(ceremony.transcript)).toMatch(
      /^forgeable by whoever calls themselves the developer and the buyers' side, possibly one party, together, or by all who made the powers of tau [0-9a-f]{16}…$/,
    );
  });

  it("proves with our prover and convinces our verifier, of true statements only", async () => {
    const prover = new Groth16Prover({ threads: 2 });
    try {
      const encoded = encodeProvingKey(ceremony.key);
      const loaded = await prover.load(encoded, provingKeyHash(encoded), circuit);
      const witness = smallWitness(123_456_789n, 0x2f5an);
      const proof = await prover.prove(loaded, witness, seed(5));
      const inputs = witness.slice(1, 3);
      expect(verify(ceremony.key.verifyingKey, inputs, proof)).toBe(true);
      const forged = inputs.map((value, at) => (at === 1 ? value + 1n : value));
      expect(verify(ceremony.key.verifyingKey, forged, proof)).toBe(false);
      // A key of the same circuit from other hands.
      expect(verify(firstKey.verifyingKey, inputs, proof)).toBe(false);
    } finally {
      await prover.close();
    }
  });

  it("is verified also for a circuit that keeps nothing private", async () => {
    const builder = new R1csBuilder();
    const [root, square] = [builder.publicInput("root"), builder.publicInput("square")];
    builder.constrain("square", signalTerm(root), signalTerm(root), signalTerm(square));
    const first = await engine.firstKey(builder.build(), powers, seed(1));
    expect(splitKeyPoints(first.points).privateQuery).toHaveLength(0);
    const contributed = await contribute(engine, openCeremony(first, powers), "the developer", seed(2));
    await verifyCeremony(engine, await endWithBeacon(engine, contributed, seed(4), 10), first, seed(10));
    expect((await engine.combination(new Uint8Array(0), seed(5))).is0()).toBe(true);
  });

  it("is handed on as JSON, and any change of form or value in it is refused by name", async () => {
    const text = encodeTranscript(ceremony.transcript);
    expect(decodeTranscript(text)).toEqual(ceremony.transcript);
    const value = JSON.parse(text) as Record<string, unknown>;
    for (const change of [
      { format: "other" },
      { hash: "00" },
      { start: { ...(value["start"] as object), circuitDigest: "zz" } },
      { steps: [{ kind: "magic" }] },
      { steps: {} },
      { steps: (value["steps"] as unknown[]).slice(1) },
      { powersContributors: [7] },
    ])
      expect(() => decodeTranscript(JSON.stringify({ ...value, ...change }))).toThrow(
        codeOf("malformed-ceremony"),
      );
    for (const garbage of ["", "null", "[]", text.slice(0, -5)])
      expect(() => decodeTranscript(garbage)).toThrow(codeOf("malformed-ceremony"));
  });

  it("depends on nothing but powers, circuit and contributions", async () => {
    // As Node reads files: parts of such bytes are views of them.
    const asRead = readPowersOfTau(Buffer.from(file));
    const again = await engine.firstKey(circuit, asRead, seed(77));
    expect(encodeProvingKey(again)).toEqual(encodeProvingKey(firstKey));
  });
});

describe("a ceremony that protects nobody is refused by name", () => {
  it("on powers that nobody contributed to", () => {
    expect(() => readPowersOfTau(untouched)).toThrow(codeOf("development-powers-of-tau"));
  });

  it("on powers whose list of contributors is invented over an untouched file", () => {
    const invented = withSection(untouched, 7, sectionOf(file, 7));
    expect(() => readPowersOfTau(invented)).toThrow(codeOf("development-powers-of-tau"));
  });

  it("with no or one contributor, whatever beacon follows", async () => {
    const open = openCeremony(firstKey, powers);
    expect(() => ceremonyTrust(open.transcript)).toThrow(codeOf("too-few-contributors", "anybody"));
    const one = await endWithBeacon(engine, await contribute(engine, open, "solo", seed(2)), seed(4), 1);
    expect(() => ceremonyTrust(one.transcript)).toThrow(codeOf("too-few-contributors", "solo alone"));
  });
});

describe("tampering is refused by name", () => {
  const refusal = (changed: Partial<Ceremony>): Promise<unknown> =>
    verifyCeremony(engine, { ...ceremony, ...changed }, firstKey, seed(11)).then(
      () => "accepted",
      (error: unknown) => error,
    );
  const withStep = (at: number, change: Partial<Contribution>): CeremonyTranscript => ({
    ...ceremony.transcript,
    steps: ceremony.transcript.steps.map((step, index) =>
      index === at ? ({ ...step, ...change } as Contribution) : step,
    ),
  });
  const withPoints = (change: (points: KeyPoints) => Partial<KeyPoints>): ProvingKey => {
    const points = splitKeyPoints(ceremony.key.points);
    return { ...ceremony.key, points: joinKeyPoints({ ...points, ...change(points) }) };
  };

  it("of a contributor's name, proof, delta, of order and of what it began with", async () => {
    const [first, second] = ceremony.transcript.steps as [Contribution, Contribution];
    const invalid = codeOf("invalid-contribution", "Step 1");
    expect(await refusal({ transcript: withStep(0, { name: "somebody else" }) })).toEqual(invalid);
    expect(await refusal({ transcript: withStep(0, { delta: second.delta }) })).toEqual(invalid);
    expect(await refusal({ transcript: withStep(0, { proof: second.proof }) })).toEqual(invalid);
    const response = first.proof.response + 1n;
    expect(await refusal({ transcript: withStep(0, { proof: { ...first.proof, response } }) })).toEqual(
      invalid,
    );
    expect(await refusal({ transcript: withStep(0, { delta: { x: 1n, y: 1n } }) })).toEqual(invalid);
    const { steps, start } = ceremony.transcript;
    expect(await refusal({ transcript: { ...ceremony.transcript, steps: [second, first] } })).toEqual(
      invalid,
    );
    expect(await refusal({ transcript: { ...ceremony.transcript, steps: steps.slice(1) } })).toEqual(invalid);
    const other = { ...start, powersHash: seed(8) };
    expect(await refusal({ transcript: { ...ceremony.transcript, start: other } })).toEqual(invalid);
    expect(
      await refusal({ transcript: { ...ceremony.transcript, start: { ...start, firstKeyHash: seed(8) } } }),
    ).toEqual(codeOf("ceremony-start-mismatch"));
  });

  it("of a beacon, and of steps after it", async () => {
    const { steps } = ceremony.transcript;
    const beacon = steps[2];
    const changed = [...steps.slice(0, 2), { ...beacon, value: seed(6) }] as CeremonyTranscript["steps"];
    expect(await refusal({ transcript: { ...ceremony.transcript, steps: changed } })).toEqual(
      codeOf("invalid-contribution", "beacon"),
    );
    await expect(contribute(engine, ceremony, "late", seed(7))).rejects.toThrow(codeOf("ceremony-ended"));
    expect(await refusal({ transcript: { ...ceremony.transcript, steps: steps.slice(0, 2) } })).toEqual(
      codeOf("ceremony-key-mismatch"),
    );
  });

  it("of every part of the key", async () => {
    const names = Object.keys(splitKeyPoints(ceremony.key.points)) as (keyof KeyPoints)[];
    const size = (name: keyof KeyPoints): number => (name.endsWith("G2") ? 128 : 64);
    for (const name of names) {
      // Two points swapped, or one replaced by a point of the same group: on the curve, but wrong.
      const key = withPoints((points) => {
        const run = points[name].slice();
        const bytes = size(name);
        const replacement = bytes === 128 ? points.betaG2 : points.inputs.subarray(0, 64);
        run.set(name === "betaG2" ? points.deltaG2 : replacement, 0);
        return { [name]: run };
      });
      if (key.points.every((byte, at) => byte === ceremony.key.points[at])) {
        expect(name).toBe("inputs");
        continue;
      }
      expect([name, await refusal({ key })]).toEqual([name, codeOf("ceremony-key-mismatch")]);
    }
    const offCurve = withPoints(({ privateQuery }) => {
      const run = privateQuery.slice();
      run[0] = (run[0] as number) ^ 1;
      return { privateQuery: run };
    });
    expect(await refusal({ key: offCurve })).toEqual(codeOf("ceremony-key-mismatch", "curve"));
    expect(await refusal({ key: { ...ceremony.key, verifyingKey: firstKey.verifyingKey } })).toEqual(
      codeOf("ceremony-key-mismatch", "verifying key"),
    );
  });

  it("of a party that replaced everything before it by what it knows alone", async () => {
    // Its own ceremony's last step, in place of ours: the delta is well formed, but the step does not follow ours.
    const alone = await contribute(engine, openCeremony(firstKey, powers), "the buyers' side", seed(99));
    const steps = [ceremony.transcript.steps[0], alone.transcript.steps[0]] as Contribution[];
    expect(await refusal({ transcript: { ...ceremony.transcript, steps }, key: alone.key })).toEqual(
      codeOf("invalid-contribution", "Step 2"),
    );
  });

  it("changes the transcript's hash with every step", () => {
    const { transcript } = ceremony;
    const hashes = [
      transcript,
      withStep(0, { name: "x" }),
      { ...transcript, steps: transcript.steps.slice(1) },
    ];
    expect(new Set(hashes.map((each) => Buffer.from(transcriptHash(each)).toString("hex"))).size).toBe(3);
  });
});

describe("powers of tau", () => {
  const refusedWith = async (altered: Uint8Array): Promise<unknown> => {
    try {
      await engine.firstKey(circuit, readPowersOfTau(altered), seed(12));
      return "accepted";
    } catch (error) {
      return error;
    }
  };

  it("are refused with any used point replaced by another one of its group", async () => {
    for (const [section, at, bytes] of [
      [2, 1, 64],
      [2, 2, 64],
      [2, 2 ** (POWER + 1) - 2, 64],
      [3, 1, 128],
      [4, 0, 64],
      [4, 3, 64],
      [5, 0, 64],
      [6, 0, 128],
      [12, 2 ** POWER - 1 + 3, 64],
      [13, 2 ** POWER - 1 + 3, 128],
      [14, 2 ** POWER - 1 + 3, 64],
      [15, 2 ** POWER - 1 + 3, 64],
    ] as const) {
      const content = sectionOf(file, section).slice();
      const source = sectionOf(file, bytes === 64 ? 2 : 3);
      content.set(source.subarray(5 * bytes, 6 * bytes), at * bytes);
      expect([section, at, await refusedWith(withSection(file, section, content))]).toEqual([
        section,
        at,
        codeOf("malformed-powers-of-tau"),
      ]);
    }
  });

  it("are refused with a point off the curve, too small, unprepared, cut short or for another curve", async () => {
    const content = sectionOf(file, 12).slice();
    content[(2 ** POWER - 1) * 64] = (content[(2 ** POWER - 1) * 64] as number) ^ 1;
    expect(await refusedWith(withSection(file, 12, content))).toEqual(
      codeOf("malformed-powers-of-tau", "prime order"),
    );
    expect(await refusedWith(withSection(file, 12, new Uint8Array(0)))).toEqual(
      codeOf("malformed-powers-of-tau", "not prepared"),
    );
    for (const length of [0, 11, 100, file.length - 1])
      expect(await refusedWith(file.slice(0, length))).toEqual(codeOf("malformed-powers-of-tau"));
    expect(await refusedWith(new Uint8Array(Buffer.concat([file, Uint8Array.of(0)])))).toEqual(
      codeOf("malformed-powers-of-tau"),
    );
    const header = sectionOf(file, 1).slice();
    header[4] = (header[4] as number) ^ 2;
    expect(await refusedWith(withSection(file, 1, header))).toEqual(
      codeOf("malformed-powers-of-tau", "another curve"),
    );
    const large = { ...circuit, constraints: 2 ** (POWER + 2) };
    await expect(engine.firstKey(large, powers, seed(1))).rejects.toThrow(codeOf("powers-of-tau-too-small"));
  });
});

/** Sections of a `.ptau` file one after another: number (4 bytes), length (8), content. */
function sectionsOf(bytes: Uint8Array): [number, Uint8Array][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sections: [number, Uint8Array][] = [];
  for (let at = 12; at < bytes.length; ) {
    const length = Number(view.getBigUint64(at + 4, true));
    sections.push([view.getUint32(at, true), bytes.subarray(at + 12, at + 12 + length)]);
    at += 12 + length;
  }
  return sections;
}

function sectionOf(bytes: Uint8Array, id: number): Uint8Array {
  return sectionsOf(bytes).find(([section]) => section === id)?.[1] as Uint8Array;
}

function withSection(bytes: Uint8Array, id: number, content: Uint8Array): Uint8Array {
  const parts = sectionsOf(bytes).map(([section, old]) => {
    const body = section === id ? content : old;
    const head = Buffer.alloc(12);
    head.writeUInt32LE(section, 0);
    head.writeBigUInt64LE(BigInt(body.length), 4);
    return Buffer.concat([head, body]);
  });
  return new Uint8Array(Buffer.concat([bytes.subarray(0, 12), ...parts]));
}
