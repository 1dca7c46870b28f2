import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import type { Capability } from "@aios/core-capability/capability";
import { drawSecretHash } from "@aios/core-capability/draw";
import { commitTestSet } from "@aios/core-capability/test-set";
import { encodeEvidence } from "@aios/core-groth16/evidence";
import { Groth16Prover } from "@aios/core-groth16/groth16-prover";
import { encodeProof } from "@aios/core-groth16/proof-encoding";
import { MAX_PROVING_KEY_BYTES, provingKeyHash } from "@aios/core-groth16/proving-key";
import { encodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { type ProvableModel, provableGraph } from "@aios/core-zkml/integer-graph";
import { decodeProvableModel } from "@aios/core-zkml/provable-model";
import { answerQuestions } from "@aios/sdk/capability/answer-questions";
import {
  type CapabilityChain,
  capabilityChain,
  claimsInterface,
  readClaim,
} from "@aios/sdk/capability/capability-contract";
import { checkCapability } from "@aios/sdk/capability/check-capability";
import { readCapabilities } from "@aios/sdk/capability/read-capabilities";
import { ChainAccount } from "@aios/sdk/chain-account";
import type { AiosClient } from "@aios/sdk/client";
import type { RpcReceipt } from "@aios/sdk/json-rpc";
import { inputsFrom } from "@aios/sdk/model-import";
import type { VerificationCheck } from "@aios/sdk/verification/verification-report";
import { type Command, type CommandInput, UsageError } from "../command.js";
import { assertAbsent, hexText, readBytes, writeNew } from "../files.js";
import { labelsIn } from "../labels-file.js";
import { required } from "../option-value.js";
import { accountClient, accountKey, visitorClient } from "../platform.js";
import { decodeTestSet, encodeTestSet } from "../test-set-file.js";

const MAX_BYTES = 320 * 1024 * 1024;
const BLINDING_BYTES = 64;
const DEFAULT_DRAWS = 60;
/** Room for a batch of answers, below what a transaction may take (EIP-7825). */
const ANSWER_GAS = 16_000_000n;

const MODEL = { value: "<file>", summary: "a model that 'aios model import' wrote", required: true } as const;
const TEST_SET = {
  value: "<test set file>",
  summary: "the secret file that publish wrote",
  required: true,
} as const;

export const capabilityCommand: Command = {
  name: "capability",
  summary: "prove on chain what share of a committed test set a model gets right, or check such a claim",
  description: `A claim says: of so many samples, drawn at random from a committed test set, so many are classified right, each by a
proof. Neither the model's owner nor who draws can choose the samples alone. All steps but verify send transactions, which
the account of --key-file pays for.`,
  actions: [
    {
      name: "publish",
      positionals: [],
      options: {
        model: MODEL,
        samples: { value: "<file>", summary: "inputs, one byte a value, one after another", required: true },
        labels: {
          value: "<file>",
          summary: "the right output of each: numbers between white space",
          required: true,
        },
        name: { value: "<text>", summary: "what the test set is called on chain", required: true },
        out: { value: "<file>", summary: "a new secret file, with inputs and salts", required: true },
      },
      summary: "commits to a test set for the model's number of classes: its root goes on the chain",
      example:
        "capability publish --model digits.model --samples inputs.bin --labels labels.txt --name Digits --out set.json",
      run: publish,
    },
    {
      name: "offer",
      positionals: [],
      options: { out: { value: "<file>", summary: "a new file with the secret", required: true } },
      summary: "for anybody but the owner: commits to a secret that draws the samples",
      example: "capability offer --out draw.secret",
      run: offer,
    },
    {
      name: "claim",
      positionals: ["<model id>"],
      options: {
        publisher: { value: "<address>", summary: "who published the test set", required: true },
        samples: TEST_SET,
        draw: { value: "<id>", summary: "an offered draw", required: true },
        draws: { value: "<number>", summary: `samples that are drawn (${DEFAULT_DRAWS})` },
        correct: { value: "<number>", summary: "of them that are right (all)" },
      },
      summary: "the owner claims that so many of so many drawn samples are right",
      example: `capability claim 3 --publisher 0x${"4c".repeat(20)} --samples set.json --draw 7 --draws 60 --correct 58`,
      run: (input) => claim(input, idArgument(input)),
    },
    {
      name: "reveal",
      positionals: ["<claim id>"],
      options: { secret: { value: "<file>", summary: "the file that offer wrote", required: true } },
      summary: "opens the secret, within 256 blocks of the claim: the samples are drawn",
      example: "capability reveal 5 --secret draw.secret",
      run: (input) => reveal(input, idArgument(input)),
    },
    {
      name: "prove",
      positionals: ["<claim id>"],
      options: {
        model: MODEL,
        key: { value: "<proving key>", summary: "the one of 'aios ceremony'", required: true },
        samples: TEST_SET,
      },
      summary: "answers the drawn samples that are not answered yet; goes on where it was interrupted",
      example: "capability prove 5 --model digits.model --key key/key.bin --samples set.json",
      run: (input) => prove(input, idArgument(input)),
    },
    {
      name: "verify",
      positionals: ["<model id>"],
      options: {},
      summary: `what was claimed about a model and what it says; every draw and proof is checked again here. Only the newest
    claims are read, 20 at most. Exit code 1 unless something was claimed, and every check of every claim was made and
    holds: also where there are more claims than were read`,
      example: "capability verify 3",
      run: (input) => verify(input, idArgument(input)),
    },
  ],
};

async function publish(input: CommandInput): Promise<number> {
  const out = required(input, "out");
  const name = required(input, "name");
  await assertAbsent(out);
  const model = await modelIn(input);
  const { inputShape } = provableGraph(model);
  const inputs = inputsFrom(await readBytes(required(input, "samples"), MAX_BYTES), inputShape);
  const labels = await labelsIn(required(input, "labels"));
  if (labels.length !== inputs.length)
    throw new UsageError(`There are ${inputs.length} samples and ${labels.length} labels.`);
  const text = encodeTestSet(inputs, labels);
  const set = commitTestSet(decodeTestSet(text));
  // Before the root is on the chain: without its salts nothing about it could ever be proven.
  await writeNew(out, text);
  const { chain, account } = await acting(input);
  await account.send(
    chain.claims,
    claimsInterface.encodeFunctionData("publishTestSet", [set.root, set.size, classesOf(model), name]),
  );
  return say(
    input,
    { file: out, root: set.root, size: set.size },
    `Test set of ${set.size} samples published: ${set.root}. Keep ${out} secret.`,
  );
}

async function offer(input: CommandInput): Promise<number> {
  const out = required(input, "out");
  const secret = `0x${hexText(randomBytes(32))}`;
  await writeNew(out, `${secret}\n`);
  const { chain, account } = await acting(input);
  const receipt = await account.send(
    chain.claims,
    claimsInterface.encodeFunctionData("offerDraw", [drawSecretHash(secret)]),
  );
  const drawId = eventArgument(receipt, "DrawOffered", "drawId");
  return say(
    input,
    { file: out, drawId },
    `Draw ${drawId} offered. Keep ${out} secret until it is claimed, then reveal it.`,
  );
}

async function claim(input: CommandInput, modelId: bigint): Promise<number> {
  const set = commitTestSet(await samplesIn(input));
  const publisher = addressArgument(required(input, "publisher"));
  const draws = wholeNumber(input, "draws", DEFAULT_DRAWS);
  const correct = wholeNumber(input, "correct", draws);
  const drawId = wholeNumber(input, "draw", undefined);
  const { chain, account } = await acting(input);
  const receipt = await account.send(
    chain.claims,
    claimsInterface.encodeFunctionData("claim", [
      modelId,
      chain.groth16,
      publisher,
      set.root,
      draws,
      correct,
      drawId,
    ]),
  );
  const claimId = eventArgument(receipt, "CapabilityClaimed", "claimId");
  return say(
    input,
    { claimId },
    `Claim ${claimId}: ${correct} of ${draws} samples are right. Draw ${drawId} has to be revealed within 256 blocks.`,
  );
}

async function reveal(input: CommandInput, claimId: bigint): Promise<number> {
  const file = required(input, "secret");
  const secret = new TextDecoder().decode(await readBytes(file, 1_000)).trim();
  if (!/^0x[0-9a-f]{64}$/.test(secret)) throw new UsageError(`${file} holds no secret of a draw.`);
  const { chain, account } = await acting(input);
  await account.send(chain.claims, claimsInterface.encodeFunctionData("reveal", [claimId, secret]));
  const { seed } = await readClaim(chain, claimId);
  return say(input, { claimId: claimId.toString(), seed }, `The samples of claim ${claimId} are drawn.`);
}

async function prove(input: CommandInput, claimId: bigint): Promise<number> {
  const model = await modelIn(input);
  const samples = await samplesIn(input);
  const key = await readBytes(required(input, "key"), MAX_PROVING_KEY_BYTES);
  const { chain, account } = await acting(input);
  const r1cs = compileCircuit(model);
  const prover = new Groth16Prover({ threads: availableParallelism() });
  try {
    const loaded = await prover.load(key, provingKeyHash(key), r1cs);
    const verifyingKey = encodeVerifyingKey(loaded.verifyingKey);
    const before = await readClaim(chain, claimId);
    const batches = answerQuestions(chain, before, {
      model,
      r1cs,
      samples,
      testSet: commitTestSet(samples),
      prove: async (witness) => {
        const proof = await prover.prove(loaded, witness, new Uint8Array(randomBytes(BLINDING_BYTES)));
        return encodeEvidence({ verifyingKey, proof: encodeProof(proof) });
      },
    });
    for await (const { positions, calldata } of batches) {
      await account.send(chain.claims, calldata, ANSWER_GAS);
      if (!input.json) input.output.write(`${positions.length} samples answered.\n`);
    }
  } finally {
    await prover.close();
  }
  const { answered, correct, drawCount, minimumCorrect } = await readClaim(chain, claimId);
  const verdict = correct >= minimumCorrect ? "The claim is proven." : "The claim is not reached.";
  return say(
    input,
    { claimId: claimId.toString(), answered, correct, drawCount, minimumCorrect },
    `${correct} of ${drawCount} are right, ${answered} answered, ${minimumCorrect} claimed. ${verdict}`,
  );
}

async function verify(input: CommandInput, modelId: bigint): Promise<number> {
  const client = visitorClient(input);
  const chain = capabilityChain(client.rpc, await client.protocol());
  const capabilities = await readCapabilities(chain, modelId);
  const reports: CheckedCapability[] = [];
  for (const capability of capabilities) {
    const checks = await checkCapability(chain, capability.claim.claimId);
    reports.push({ ...capability, ok: allHold(checks), checks });
  }
  const notChecked = claimsNotRead(capabilities);
  const ok = reports.length > 0 && notChecked === 0 && reports.every((report) => report.ok);
  if (input.json) {
    const text = JSON.stringify({ modelId, ok, notChecked, claims: reports }, (_, value: unknown) =>
      typeof value === "bigint" ? value.toString() : value,
    );
    input.output.write(`${text}\n`);
    return ok ? 0 : 1;
  }
  if (reports.length === 0) input.output.write(`Nothing was claimed about model ${modelId}.\n`);
  for (const report of reports) input.output.write(reportText(report));
  if (notChecked > 0) input.output.write(`${notChecked} earlier claims about the model: not checked.\n`);
  return ok ? 0 : 1;
}

interface CheckedCapability extends Capability {
  readonly ok: boolean;
  readonly checks: readonly VerificationCheck[];
}

/** How many earlier claims there are than those that were read, newest first. */
export function claimsNotRead(capabilities: readonly Pick<Capability, "attempt">[]): number {
  return (capabilities.at(-1)?.attempt ?? 1) - 1;
}

/** What could not be checked does not hold. */
export function allHold(checks: readonly VerificationCheck[]): boolean {
  return checks.length > 0 && checks.every(({ ok }) => ok === true);
}

function reportText({ claim: made, state, says, trusted, ok, checks }: CheckedCapability): string {
  const verdict = ok
    ? "every check holds"
    : checks.some((check) => check.ok === false)
      ? "WRONG"
      : "not all of it could be checked";
  const lines = [
    `Claim ${made.claimId}: ${state}; ${verdict}`,
    ...says.map((one) => `  ${one}`),
    ...checks.map(
      (check) =>
        `  ${check.ok === undefined ? "not checked" : check.ok ? "ok" : "WRONG"}  ${check.name}: ${check.how}`,
    ),
    "  What had to be trusted:",
    ...trusted.map((one) => `  - ${one}`),
  ];
  return `${lines.join("\n")}\n`;
}

async function acting(
  input: CommandInput,
): Promise<{ client: AiosClient; chain: CapabilityChain; account: ChainAccount }> {
  const key = await accountKey(input);
  const client = await accountClient(input);
  const protocol = await client.protocol();
  return {
    client,
    chain: capabilityChain(client.rpc, protocol),
    account: new ChainAccount(client, protocol.chainId, key),
  };
}

async function modelIn(input: CommandInput): Promise<ProvableModel> {
  return decodeProvableModel(await readBytes(required(input, "model"), MAX_BYTES));
}

function classesOf(model: ProvableModel): number {
  const last = provableGraph(model).nodes.at(-1);
  if (last?.kind !== "dense") throw new UsageError("The model does not end in a layer of classes.");
  return last.outputs;
}

async function samplesIn(input: CommandInput): Promise<ReturnType<typeof decodeTestSet>> {
  const bytes = await readBytes(required(input, "samples"), MAX_BYTES);
  return decodeTestSet(new TextDecoder().decode(bytes));
}

function wholeNumber(
  input: CommandInput,
  name: "draw" | "draws" | "correct",
  fallback: number | undefined,
): number {
  const text = fallback === undefined ? required(input, name) : (input.options[name] ?? String(fallback));
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`--${name} must be a whole number, not '${text}'.`);
  return Number(text);
}

function addressArgument(text: string): string {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text))
    throw new UsageError(`--publisher must be an address, not '${text}'.`);
  return text;
}

function idArgument({ positionals: [text = ""] }: CommandInput): bigint {
  if (!/^[1-9]\d{0,17}$/.test(text)) throw new UsageError(`'${text}' is no id: it is a whole number from 1.`);
  return BigInt(text);
}

function eventArgument(receipt: RpcReceipt, event: string, name: string): string {
  for (const log of receipt.logs) {
    const parsed = claimsInterface.parseLog({ topics: [...log.topics], data: log.data });
    if (parsed?.name === event) return String(parsed.args[name]);
  }
  throw new TypeError(`the transaction has no ${event}`);
}

function say(input: CommandInput, result: unknown, sentence: string): number {
  input.output.write(input.json ? `${JSON.stringify(result)}\n` : `${sentence}\n`);
  return 0;
}
