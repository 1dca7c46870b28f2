import { readFile } from "node:fs/promises";
import { CodedError } from "@aios/kernel/coded-error";
import { fromHex } from "@aios/sdk/hex";
import { exportProof } from "@aios/sdk/verification/export-proof";
import {
  decodeProofDocument,
  MAX_PROOF_DOCUMENT_BYTES,
  readProof,
} from "@aios/sdk/verification/proof-document";
import { type VerificationCheck, verdictOf } from "@aios/sdk/verification/verification-report";
import { verifyJob } from "@aios/sdk/verification/verify-job";
import { type Command, type CommandInput, UsageError } from "../command.js";
import { readBytes, writeNew } from "../files.js";
import { accountClient, jobIdArgument } from "../platform.js";

export const verifyCommand: Command = {
  name: "verify",
  summary: "check a job's whole evidence again from outside, or a proof from its file alone",
  description: `Reads the chain and the gateway, and checks again: order, delivery and receipt signatures, the output, the proof
(with another implementation than the prover's), the receipt's inclusion in the anchored root, the payments' sum,
and the settlement's finality. Says what it checked and what had to be trusted. Exit code 1 when anything is wrong, and
when what the job was bought with (a proof, a second provider) could not be checked.

With --proof it needs no platform, no chain and no network: the file holds proof, key and public values, and is verified
here. It says in words what the proof shows.`,
  actions: [
    {
      positionals: ["[job id]"],
      options: {
        proof: {
          value: "<file>",
          summary: "instead of a job: a proof that --out wrote, or anybody else in the same format",
        },
        out: { value: "<file>", summary: "writes the job's proof as such a file besides" },
        input: { value: "<file>", summary: "the raw input bytes; with --salt, opens the input commitment" },
        salt: { value: "<hex>", summary: "32 bytes, as the gateway gave them to the buyer" },
      },
      summary: "every check, with how it was made",
      example: `verify 0x${"5e".repeat(32)} --out proof.json`,
      run: verify,
    },
  ],
};

async function verify(input: CommandInput): Promise<number> {
  const { proof, out } = input.options;
  if (proof !== undefined) return verifyFile(input, proof);
  const jobId = jobIdArgument(input.positionals[0]);
  const opening = await inputOpening(input);
  const client = await accountClient(input);
  const onCheck = input.json
    ? undefined
    : (check: VerificationCheck): void => input.output.write(describe(check));
  if (out !== undefined) await writeNew(out, await exportProof(client, jobId));
  const report = await verifyJob(client, jobId, {
    ...opening,
    ...(onCheck === undefined ? {} : { onCheck }),
  });
  if (input.json) input.output.write(`${JSON.stringify(report)}\n`);
  else {
    const trusted = report.trusted.map((sentence) => `  - ${sentence}`).join("\n");
    input.output.write(`\n${verdictOf(report)}\nWhat had to be trusted:\n${trusted}\n`);
  }
  return report.ok ? 0 : 1;
}

/** From the file alone. */
async function verifyFile(input: CommandInput, path: string): Promise<number> {
  const { out, input: file, salt } = input.options;
  if (input.positionals.length > 0 || out !== undefined || file !== undefined || salt !== undefined)
    throw new UsageError("--proof stands alone: the file holds all that is checked.");
  const bytes = await readBytes(path, MAX_PROOF_DOCUMENT_BYTES);
  const reading = await readProof(decodeProofDocument(new TextDecoder().decode(bytes)));
  if (input.json) input.output.write(`${JSON.stringify(reading)}\n`);
  else {
    const listed = (sentences: readonly string[]) => sentences.map((one) => `  - ${one}\n`).join("");
    const says = reading.ok
      ? `The proof holds. It says:\n${listed(reading.says)}`
      : "The proof says nothing.\n";
    input.output.write(
      `${reading.checks.map(describe).join("")}\n${says}What had to be trusted:\n${listed(reading.trusted)}`,
    );
  }
  return reading.ok ? 0 : 1;
}

function describe(check: VerificationCheck): string {
  const mark = check.ok === undefined ? "  -   " : check.ok ? "  ok  " : " WRONG";
  const evidence = Object.entries(check.evidence).map(
    ([name, value]) => `          ${name} ${value.length > 140 ? `${value.slice(0, 140)}…` : value}\n`,
  );
  return `${mark}  ${check.name}\n          ${check.how}\n${evidence.join("")}`;
}

async function inputOpening({
  options: { input, salt },
}: CommandInput): Promise<{ input?: Uint8Array; inputSalt?: Uint8Array }> {
  if (input === undefined && salt === undefined) return {};
  if (input === undefined || salt === undefined) throw new UsageError("Give --input and --salt together.");
  const inputSalt = fromHex(salt.startsWith("0x") ? salt : `0x${salt}`);
  if (inputSalt.length !== 32) throw new UsageError("--salt must be 32 bytes of hex.");
  const bytes = await readFile(input).catch(() => {
    throw new CodedError({
      code: "input-unreadable",
      kind: "invalid",
      message: `The input file ${input} cannot be read.`,
    });
  });
  return { input: new Uint8Array(bytes), inputSalt };
}
