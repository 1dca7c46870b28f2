import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UltraHonkProver } from "@aios/barretenberg/ultra-honk-prover";
import { DEVELOPMENT_TAU_G2 } from "@aios/contracts/parameters";
import { honkKeyHash } from "@aios/core-ultra-honk/honk-key";
import { developmentReferenceString } from "@aios/core-ultra-honk/reference-string";
import { R1csBuilder, signalTerm } from "@aios/core-zkml/r1cs-builder";
import { STATEMENT_VERSION, statementContext } from "@aios/core-zkml/statement";
import { beforeAll, expect, it } from "vitest";
import { fromHex, toHex, toHex32 } from "../hex.js";
import { decodeProofDocument, encodeProofDocument, readProof } from "./proof-document.js";

const [LEFT, RIGHT, COMMITMENT] = [17n, 23n, 99n];
const statement = {
  version: STATEMENT_VERSION,
  chainId: 7331,
  escrow: `0x${"e5".repeat(20)}`,
  jobId: `0x${"0b".repeat(32)}`,
  requester: `0x${"b2".repeat(20)}`,
  modelCommitment: `0x${"c0".repeat(32)}`,
};
let text: string;

/** "I know two factors of the output", under the public inputs of every proof. */
beforeAll(async () => {
  const builder = new R1csBuilder();
  const [, , output] = ["context", "commitment", "output"].map((name) => builder.publicInput(name));
  const [left, right] = [builder.signal("left"), builder.signal("right")];
  builder.constrain("factors", signalTerm(left), signalTerm(right), signalTerm(output as number));
  const r1cs = builder.build();
  const directory = await mkdtemp(join(tmpdir(), "aios-sdk-honk-"));
  try {
    await using prover = new UltraHonkProver({
      directory,
      referenceString: async (logRows) => developmentReferenceString(logRows),
    });
    const program = await prover.prepare(r1cs);
    const key = await prover.verifyingKey(program);
    const context = statementContext({
      ...statement,
      modelCommitment: fromHex(statement.modelCommitment),
      verifyingKeyHash: honkKeyHash(key),
    });
    const inputs = [context, COMMITMENT, LEFT * RIGHT];
    const proof = await prover.prove(program, key, [1n, ...inputs, LEFT, RIGHT]);
    text = encodeProofDocument({
      system: "ultrahonk-bn254",
      verifyingKey: toHex(key),
      proof: toHex(proof),
      tauG2: DEVELOPMENT_TAU_G2,
      publicInputs: inputs.map(toHex32),
      statement,
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 120_000);

it("goes on reading the checked-in proof", async () => {
  const vector = new URL("../../../../vectors/proofs/ultra-honk.json", import.meta.url);
  // Every proof is blinded anew: UPDATE_VECTORS=1 writes another one.
  if (process.env["UPDATE_VECTORS"] === "1") writeFileSync(vector, text);
  const reading = await readProof(decodeProofDocument(readFileSync(vector, "utf8")));
  expect(reading.ok).toBe(true);
});

it("reads an UltraHonk proof from nothing but its file, and says who could forge it", async () => {
  const reading = await readProof(decodeProofDocument(text));
  expect(reading.ok).toBe(true);
  expect(reading.checks.map(({ name, ok }) => [name, ok])).toEqual([
    ["proof", true],
    ["statement", true],
  ]);
  expect(reading.says.join(" ")).toContain(toHex32(LEFT * RIGHT));
  expect(reading.trusted.join(" ")).toContain(
    "forgeable by anybody: the development reference string's secret is two",
  );
  expect(reading.trusted.join(" ")).toContain("tau·G2");
});

it.each([
  ["job", { statement: { ...statement, jobId: `0x${"0c".repeat(32)}` } }],
  ["requester", { statement: { ...statement, requester: `0x${"b3".repeat(20)}` } }],
  ["chain", { statement: { ...statement, chainId: 1 } }],
])("says nothing for another %s", async (_, change) => {
  const reading = await readProof({ ...decodeProofDocument(text), ...change });
  expect(reading).toMatchObject({ ok: false, says: [] });
});

it("says nothing for another output or another reference string", async () => {
  const document = decodeProofDocument(text);
  const [context = "", commitment = ""] = document.publicInputs;
  const other = { ...document, publicInputs: [context, commitment, toHex32(392n)] };
  expect(await readProof(other)).toMatchObject({ ok: false, says: [] });
  const [xi, xr, yi, yr] = DEVELOPMENT_TAU_G2;
  expect(await readProof({ ...document, tauG2: [xr, xi, yi, yr] })).toMatchObject({ ok: false, says: [] });
});

it.each([
  ["tauG2", (members: Record<string, unknown>) => delete members["tauG2"]],
  ["system", (members: Record<string, unknown>) => Object.assign(members, { system: "plonk" })],
  ["proof", (members: Record<string, unknown>) => Object.assign(members, { proof: "0x" })],
])("names a malformed %s", (field, spoil) => {
  const members = JSON.parse(text) as Record<string, unknown>;
  spoil(members);
  expect(() => decodeProofDocument(JSON.stringify(members))).toThrow(
    expect.objectContaining({ code: "malformed-proof-document", field }),
  );
});
