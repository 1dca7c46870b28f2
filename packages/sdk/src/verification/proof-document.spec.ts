import { readFileSync } from "node:fs";
import { encodeTranscript } from "@aios/core-groth16/ceremony-codec";
import {
  type CeremonyTranscript,
  contributionTo,
  transcriptHash,
} from "@aios/core-groth16/ceremony-transcript";
import { KEY_POINTS_UNCHECKED } from "@aios/core-groth16/ceremony-trust";
import { encodeEvidence } from "@aios/core-groth16/evidence";
import { publicInputs, STATEMENT_VERSION, statementContext } from "@aios/core-zkml/statement";
import { bn254 } from "@noble/curves/bn254.js";
import { concat, getBytes, keccak256, toBeHex } from "ethers";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Protocol } from "../api-types.js";
import type { AiosClient } from "../client.js";
import { fromHex, toHex, toHex32 } from "../hex.js";
import { keyOrigin } from "./key-origin.js";
import { decodeProofDocument, encodeProofDocument, type ProofDocument, readProof } from "./proof-document.js";

const { Fr } = bn254.fields;
const [ALPHA, BETA, GAMMA, DELTA] = [3n, 5n, 7n, 11n];
const IC = [13n, 17n, 19n, 23n] as const;

const g1 = (scalar: bigint): string => {
  const { x, y } = bn254.G1.Point.BASE.multiply(scalar).toAffine();
  return concat([toBeHex(x, 32), toBeHex(y, 32)]);
};
const g2 = (scalar: bigint): string => {
  const { x, y } = bn254.G2.Point.BASE.multiply(scalar).toAffine();
  return concat([x.c1, x.c0, y.c1, y.c0].map((part) => toBeHex(part, 32)));
};
/** Whoever knows the trapdoor proves anything: enough to test a reader with. */
const keyWith = (delta: bigint): string => concat([g1(ALPHA), g2(BETA), g2(GAMMA), g2(delta), ...IC.map(g1)]);
const verifyingKey = keyWith(DELTA);
const bytesOf = (value: number): Uint8Array => new Uint8Array(32).fill(value);
function proofOf(inputs: readonly bigint[], delta = DELTA): string {
  const [a, b] = [29n, 31n];
  const sum = inputs.reduce(
    (total, input, index) => Fr.add(total, Fr.mul(IC[index + 1] as bigint, input)),
    IC[0],
  );
  const c = Fr.div(Fr.sub(Fr.sub(a * b, ALPHA * BETA), Fr.mul(sum, GAMMA)), delta);
  return concat([g1(a), g2(b), g1(c)]);
}

const statement = {
  version: STATEMENT_VERSION,
  chainId: 7331,
  escrow: `0x${"e5".repeat(20)}`,
  jobId: `0x${"0b".repeat(32)}`,
  requester: `0x${"b2".repeat(20)}`,
  modelCommitment: `0x${"c0".repeat(32)}`,
};
const inputs = publicInputs(
  statementContext({
    ...statement,
    modelCommitment: fromHex(statement.modelCommitment),
    verifyingKeyHash: getBytes(keccak256(verifyingKey)),
  }),
  12n,
  42n,
);
const text = encodeProofDocument({
  verifyingKey,
  proof: proofOf(inputs),
  publicInputs: inputs.map(toHex32),
  statement,
});
const document = decodeProofDocument(text);

it("is written as the shared vector has it", () => {
  const vector = new URL("../../../../vectors/proofs/known-trapdoor.json", import.meta.url);
  expect(readFileSync(vector, "utf8")).toBe(text);
});

it("says in words what a proof shows, from its file alone", async () => {
  const reading = await readProof(document);
  expect(reading.checks.map(({ name, ok }) => [name, ok])).toEqual([
    ["proof", true],
    ["statement", true],
  ]);
  expect(reading.says.join(" ")).toContain(statement.modelCommitment);
  expect(reading.says.join(" ")).toContain(statement.jobId);
  expect(reading.trusted.join(" ")).toContain("forgeable by whoever made it");
  expect(
    encodeEvidence({ verifyingKey: getBytes(document.verifyingKey), proof: getBytes(document.proof) }),
  ).toHaveLength(1_088);
});

it("says less without the statement, and nothing for another job, output or key", async () => {
  const { statement: _, ...bare } = document;
  expect(await readProof(bare)).toMatchObject({ ok: true });
  expect((await readProof(bare)).says.join(" ")).toContain("not in this file");
  const changed: readonly Partial<ProofDocument>[] = [
    { statement: { ...statement, jobId: `0x${"0c".repeat(32)}` } },
    { publicInputs: [...document.publicInputs.slice(0, 2), toHex32(43n)] },
    { verifyingKey: document.verifyingKey.replace(g1(IC[3]).slice(2), g1(IC[2]).slice(2)) },
    { transcript: "no transcript" },
  ];
  for (const change of changed)
    expect(await readProof({ ...document, ...change })).toMatchObject({ ok: false, says: [] });
});

/** A key whose delta is what two names multiplied it to, and the transcript of that. */
function keyFromCeremony(): { transcript: CeremonyTranscript; delta: bigint } {
  const start = { circuitDigest: bytesOf(1), powersHash: bytesOf(2), firstKeyHash: bytesOf(3) };
  let [transcript, delta]: [CeremonyTranscript, bigint] = [{ start, powersContributors: [], steps: [] }, 1n];
  for (const seed of [1, 2]) {
    const { step, secret } = contributionTo(transcript, `party ${seed}`, bytesOf(seed));
    delta = Fr.mul(delta, secret);
    transcript = { ...transcript, steps: [...transcript.steps, step] };
  }
  return { transcript, delta };
}
const TOGETHER = "forgeable by whoever calls themselves party 1 and party 2, possibly one party, together";

it("says of a key from a ceremony who could forge, and that its origin in circuit and powers was not checked", async () => {
  const { transcript, delta } = keyFromCeremony();
  const reading = await readProof({
    format: "aios-proof-1",
    system: "groth16-bn254",
    verifyingKey: keyWith(delta),
    proof: proofOf(inputs, delta),
    publicInputs: inputs.map(toHex32),
    transcript: encodeTranscript(transcript),
  });
  expect(reading.checks.map(({ name, ok }) => [name, ok])).toEqual([
    ["proof", true],
    ["key-origin", undefined],
  ]);
  expect(reading.ok).toBe(true);
  expect(reading.trusted[0]).toContain(TOGETHER);
  expect(reading.trusted[1]).toBe(KEY_POINTS_UNCHECKED);
  const foreign = await readProof({ ...document, transcript: encodeTranscript(transcript) });
  expect(foreign.checks.at(-1)).toMatchObject({ name: "key-origin", ok: false });
  expect(foreign.trusted.join(" ")).not.toContain(KEY_POINTS_UNCHECKED);
});

it("says the same of the key that a job was settled under", async () => {
  const { transcript, delta } = keyFromCeremony();
  const client = {
    rpc: { ethCall: async () => toHex(transcriptHash(transcript)) },
    models: { get: async () => ({ ceremonyTranscriptCid: "bafy" }) },
    content: { get: async () => new TextEncoder().encode(encodeTranscript(transcript)) },
  } as unknown as AiosClient;
  const protocol = { contracts: { ModelLicence: `0x${"11".repeat(20)}` } } as unknown as Protocol;
  const originOf = (key: string) => {
    const proof = getBytes(document.proof);
    const evidence = encodeEvidence({ verifyingKey: getBytes(key), proof });
    return keyOrigin(client, protocol, 1n, toHex(evidence));
  };
  const origin = await originOf(keyWith(delta));
  expect(origin.check.ok).toBeUndefined();
  expect(origin.trust).toContain(TOGETHER);
  expect(origin.unchecked).toEqual([KEY_POINTS_UNCHECKED]);
  expect(await originOf(verifyingKey)).toMatchObject({ check: { ok: false }, unchecked: [] });
});

it("never throws and never believes a changed byte of key, proof or public values", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("verifyingKey" as const, "proof" as const, "publicInputs" as const),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (part, at, difference) => {
        const flip = (hex: string): string => {
          const bytes = getBytes(hex);
          bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ difference;
          return `0x${Buffer.from(bytes).toString("hex")}`;
        };
        const value = document[part];
        const changed =
          typeof value === "string" ? flip(value) : [flip(value[0] as string), ...value.slice(1)];
        expect((await readProof({ ...document, [part]: changed })).ok).toBe(false);
      },
    ),
    { numRuns: 40 },
  );
});

it("refuses what is no such file, naming the field", () => {
  const refused = (change: object): unknown => {
    try {
      return decodeProofDocument(JSON.stringify({ ...JSON.parse(text), ...change }));
    } catch (error) {
      return (error as { field?: string }).field;
    }
  };
  expect(refused({ format: "aios-proof-2" })).toBe("format");
  expect(refused({ system: "stark" })).toBe("system");
  expect(refused({ proof: `0x${"00".repeat(255)}` })).toBe("proof");
  expect(refused({ publicInputs: [] })).toBe("publicInputs");
  expect(refused({ statement: { ...statement, chainId: -1 } })).toBe("statement.chainId");
  expect(refused({ transcript: 3 })).toBe("transcript");
  expect(() => decodeProofDocument("{")).toThrow(
    expect.objectContaining({ code: "malformed-proof-document" }),
  );
});
