import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UltraHonkProver } from "@aios/barretenberg/ultra-honk-prover";
import { developmentReferenceString } from "@aios/core-ultra-honk/reference-string";
import { R1csBuilder, signalTerm } from "@aios/core-zkml/r1cs-builder";
import { bytesToInteger, SCALAR_FIELD_ORDER } from "@aios/core-zkml/scalar-field";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HonkVerification } from "./honk-verification.js";
import { DEVELOPMENT_TAU_G2 } from "./parameters.js";

/** "I know two factors of this number." */
const PRODUCT = 391n;
let key: Uint8Array;
let proof: Uint8Array;
let directory: string;

beforeAll(async () => {
  const builder = new R1csBuilder();
  const product = builder.publicInput("product");
  const [left, right] = [builder.signal("left"), builder.signal("right")];
  builder.constrain("factors", signalTerm(left), signalTerm(right), signalTerm(product));
  const r1cs = builder.build();
  directory = await mkdtemp(join(tmpdir(), "aios-honk-verification-"));
  await using prover = new UltraHonkProver({
    directory,
    referenceString: async (logRows) => developmentReferenceString(logRows),
  });
  const program = await prover.prepare(r1cs);
  key = await prover.verifyingKey(program);
  proof = await prover.prove(program, key, [1n, PRODUCT, 17n, 23n]);
}, 120_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

describe("verifying an UltraHonk proof without a chain", () => {
  it("holds for its statement, again and again, and for no other", () => {
    const verification = new HonkVerification(DEVELOPMENT_TAU_G2);
    expect(verification.verify(key, [PRODUCT], proof)).toBe(true);
    expect(verification.verify(key, [PRODUCT + 1n], proof)).toBe(false);
    expect(verification.verify(key, [PRODUCT + SCALAR_FIELD_ORDER], proof)).toBe(false);
    expect(verification.verify(key, [], proof)).toBe(false);
    expect(verification.verify(key, [PRODUCT], proof)).toBe(true);
  });

  it("fails for changed, cut or empty proofs", () => {
    const verification = new HonkVerification(DEVELOPMENT_TAU_G2);
    for (let at = 31; at < proof.length; at += 32 * 13) {
      const changed = proof.slice();
      changed[at] = (changed[at] as number) ^ 1;
      expect(verification.verify(key, [PRODUCT], changed), `byte ${at}`).toBe(false);
    }
    expect(verification.verify(key, [PRODUCT], proof.subarray(32))).toBe(false);
    expect(verification.verify(key, [PRODUCT], new Uint8Array())).toBe(false);
  });

  it("fails under another reference string", () => {
    const [xi, xr, yi, yr] = DEVELOPMENT_TAU_G2;
    const fieldOrder = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
    const negated = (word: string): string =>
      `0x${(fieldOrder - BigInt(word)).toString(16).padStart(64, "0")}`;
    const other = new HonkVerification([xi, xr, negated(yi), negated(yr)]);
    expect(other.verify(key, [PRODUCT], proof)).toBe(false);
  });

  it("names a key that is none", () => {
    const verification = new HonkVerification(DEVELOPMENT_TAU_G2);
    const bent = key.slice();
    bent[96] = (bent[96] as number) ^ 1;
    expect(bytesToInteger(bent)).not.toBe(bytesToInteger(key));
    expect(() => verification.verify(bent, [PRODUCT], proof)).toThrow(
      expect.objectContaining({ code: "malformed-verifying-key" }),
    );
  });
});
