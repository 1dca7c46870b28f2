import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { KEY_POINTS_UNCHECKED } from "@aios/core-groth16/ceremony-trust";
import { Groth16Prover } from "@aios/core-groth16/groth16-prover";
import { encodeProof } from "@aios/core-groth16/proof-encoding";
import { verify } from "@aios/core-groth16/verify";
import { decodeVerifyingKey, encodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import { encodeIntegerModel, type IntegerModel } from "@aios/core-zkml/integer-model";
import { toHex32 } from "@aios/sdk/hex";
import { documentBytes, encodeProofDocument } from "@aios/sdk/verification/proof-document";
import { knownPowers } from "@aios/testkit/known-powers";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCli } from "../../src/cli.js";

const model: IntegerModel = {
  salt: new Uint8Array(32).fill(7),
  layers: [
    {
      inputs: 3,
      outputs: 2,
      activation: "none",
      weights: Int8Array.of(60, -20, 90, -33, 70, 12),
      biases: Int32Array.of(100, -200),
      multiplier: 0,
      shift: 0,
    },
  ],
};
const r1cs = compileCircuit(model);
const POWER = Math.ceil(Math.log2(r1cs.constraints + r1cs.publicInputs + 1));
let directory: TemporaryDirectory;
const server = createServer((request, response) => {
  if (request.url === "/powers.ptau") response.end(readFileSync(at("powers.ptau")));
  else response.writeHead(404).end();
});
const powersAt = (path: string): string =>
  `http://127.0.0.1:${(server.address() as { port: number }).port}${path}`;
const at = (...names: string[]): string => join(directory.path, ...names);

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  directory = temporaryDirectory("ceremony");
  writeFileSync(at("model"), encodeIntegerModel(model));
  writeFileSync(at("powers.ptau"), knownPowers(POWER, ["Ada", "Grace"]));
  writeFileSync(at("development.ptau"), knownPowers(1, []));
});
afterAll(() => {
  server.close();
  directory.remove();
});

async function aios(...argv: string[]): Promise<{ code: number; answer: Record<string, unknown> }> {
  let text = "";
  const code = await runCli([...argv, "--json"], {
    env: {},
    write: (piece) => {
      text += piece;
    },
    writeError: () => undefined,
  });
  return { code, answer: JSON.parse(text) as Record<string, unknown> };
}

const refusal = (code: string): unknown => ({
  code: 1,
  answer: { error: expect.objectContaining({ code }) as unknown },
});

it("a developer and a buyers' side make a key together, and it proves", { timeout: 300_000 }, async () => {
  const inputs = ["--model", at("model"), "--powers", at("powers.ptau")];
  const from = ["--model", at("model"), "--powers", powersAt("/powers.ptau")];
  const begun = await aios("ceremony", "init", at("0"), ...from);
  expect(begun).toMatchObject({ code: 0, answer: { powersContributors: ["Ada", "Grace"] } });
  expect(await aios("ceremony", "finalise", at("0"), ...inputs, "--out", at("x"))).toEqual(
    refusal("too-few-contributors"),
  );
  await aios("ceremony", "contribute", at("0"), "--name", "developer", "--out", at("1"));
  expect(await aios("ceremony", "finalise", at("1"), ...inputs, "--out", at("x"))).toEqual(
    refusal("too-few-contributors"),
  );
  expect((await aios("ceremony", "verify", at("1"))).answer).toMatchObject({ trust: "forgeable" });
  await aios("ceremony", "contribute", at("1"), "--name", "buyers", "--out", at("2"));
  expect(await aios("ceremony", "verify", at("2"), ...inputs)).toMatchObject({
    code: 0,
    answer: { firstKeyChecked: true, contributors: ["developer", "buyers"] },
  });
  const made = await aios(
    ...["ceremony", "finalise", at("2"), ...inputs, "--beacon", "ab".repeat(32), "--iterations", "4"],
    ...["--out", at("3")],
  );
  expect(made).toMatchObject({
    code: 0,
    answer: {
      trust: expect.stringMatching(
        /^forgeable by whoever calls themselves developer and buyers, possibly one party, together/,
      ) as string,
    },
  });

  const written = JSON.parse(readFileSync(at("3", "verifying-key.json"), "utf8")) as { verifyingKey: string };
  const verifyingKey = decodeVerifyingKey(Buffer.from(written.verifyingKey.slice(2), "hex"));
  const prover = new Groth16Prover();
  try {
    const pinned = Buffer.from(made.answer["provingKeyHash"] as string, "hex");
    const key = await prover.load(new Uint8Array(readFileSync(at("3", "key.bin"))), pinned, r1cs);
    const witness = computeWitness(model, r1cs, Uint8Array.of(1, 2, 3), new Uint8Array(32).fill(5), 77n);
    const proof = await prover.prove(key, witness, new Uint8Array(32).fill(9));
    expect(verify(verifyingKey, witness.slice(1, 4), proof)).toBe(true);
    const document = {
      ...documentBytes(encodeVerifyingKey(verifyingKey), encodeProof(proof)),
      publicInputs: witness.slice(1, 4).map(toHex32),
      transcript: readFileSync(at("3", "transcript.json"), "utf8"),
    };
    writeFileSync(at("proof.json"), encodeProofDocument(document));
    // No platform, no chain, no network: the file says it all.
    expect(await aios("verify", "--proof", at("proof.json"))).toMatchObject({
      code: 0,
      answer: {
        ok: true,
        checks: [
          { name: "proof", ok: true },
          { name: "key-origin", how: expect.stringContaining("not checked") as string },
        ],
        trusted: [
          expect.stringContaining("possibly one party") as string,
          KEY_POINTS_UNCHECKED,
          expect.anything(),
          expect.anything(),
        ],
      },
    });
    const other = { ...document, publicInputs: [...document.publicInputs.slice(0, 2), toHex32(1n)] };
    writeFileSync(at("other.json"), encodeProofDocument(other));
    expect(await aios("verify", "--proof", at("other.json"))).toMatchObject({
      code: 1,
      answer: { says: [] },
    });
  } finally {
    await prover.close();
  }
});

it("tampering, other inputs and the development set-up are refused by name, and nothing is overwritten", {
  timeout: 300_000,
}, async () => {
  const inputs = ["--model", at("model"), "--powers", at("powers.ptau")];
  const transcript = readFileSync(at("2", "transcript.json"), "utf8");
  const forged = JSON.parse(transcript) as { steps: { name: string }[] };
  (forged.steps[0] as { name: string }).name = "somebody else";
  cpSync(at("0"), at("t"), { recursive: true });
  writeFileSync(at("t", "transcript.json"), JSON.stringify(forged));
  expect(await aios("ceremony", "verify", at("t"))).toEqual(refusal("malformed-ceremony"));
  writeFileSync(at("t", "transcript.json"), transcript);
  expect(await aios("ceremony", "contribute", at("t"), "--name", "third", "--out", at("u"))).toEqual(
    refusal("ceremony-key-mismatch"),
  );
  writeFileSync(
    at("other"),
    encodeIntegerModel({
      ...model,
      layers: [{ ...model.layers[0], biases: Int32Array.of(1, 2) }],
    } as IntegerModel),
  );
  expect(
    await aios("ceremony", "verify", at("2"), "--model", at("other"), "--powers", at("powers.ptau")),
  ).toEqual(refusal("ceremony-start-mismatch"));
  expect(
    await aios("ceremony", "init", at("d"), "--model", at("model"), "--powers", at("development.ptau")),
  ).toEqual(refusal("development-powers-of-tau"));
  expect(await aios("ceremony", "init", at("h"), ...inputs, "--powers-hash", "00".repeat(32))).toEqual(
    refusal("powers-of-tau-altered"),
  );
  expect(await aios("ceremony", "init", at("0"), ...inputs)).toEqual(refusal("file-exists"));
  expect(
    await aios("ceremony", "init", at("b"), "--model", at("model"), "--powers", powersAt("/nothing")),
  ).toEqual(refusal("address-unreachable"));
  expect((await aios("ceremony", "contribute", at("2"), "--name", "x")).code).toBe(2);
});
