#!/usr/bin/env node
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { JsonRpcProvider, Wallet } from "ethers";
import { type Deployment, deployProtocol } from "./deploy.js";
import { PARAMETER_DEFAULTS, PARAMETER_DESCRIPTIONS, parseParameters } from "./parameters.js";

const OPTIONS = {
  "rpc-url": { type: "string" },
  "key-file": { type: "string" },
  "parameters-file": { type: "string" },
  out: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

try {
  await main();
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`aios-deploy-contracts: ${isCodedError(error) ? `${error.code}: ` : ""}${text}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS, strict: true });
  if (values.help) {
    process.stdout.write(helpText());
    return;
  }
  const rpcUrl = required(values["rpc-url"], "--rpc-url");
  const wallet = new Wallet(readKey(required(values["key-file"], "--key-file")));
  const parametersFile = values["parameters-file"];
  const input: unknown = parametersFile === undefined ? {} : JSON.parse(readFileSync(parametersFile, "utf8"));
  const parameters = parseParameters(input, wallet.address);
  const provider = new JsonRpcProvider(rpcUrl, undefined, {
    polling: true,
    pollingInterval: 200,
    cacheTimeout: -1,
  });
  try {
    const onStep = (step: string) => process.stderr.write(`aios-deploy-contracts: ${step}\n`);
    const deployment = await deployProtocol({
      provider,
      signer: wallet.connect(provider),
      parameters,
      onStep,
    });
    write(values.out, deployment);
  } finally {
    provider.destroy();
  }
}

function write(out: string | undefined, { chainId, contracts }: Deployment): void {
  const text = `${JSON.stringify({ chainId, contracts }, null, 2)}\n`;
  if (out === undefined) {
    process.stdout.write(text);
    return;
  }
  // Whoever reads the file sees the old or the new one, never half of it.
  writeFileSync(`${out}.tmp`, text);
  renameSync(`${out}.tmp`, out);
}

function readKey(file: string): string {
  const key = readFileSync(file, "utf8").trim();
  if (/^(0x)?[0-9a-fA-F]{64}$/.test(key)) return key.startsWith("0x") ? key : `0x${key}`;
  throw new CodedError({
    code: "invalid-key-file",
    kind: "invalid",
    message: `${file} must hold a private key of 64 hex digits.`,
  });
}

function required(value: string | undefined, option: string): string {
  if (value !== undefined) return value;
  throw new CodedError({
    code: "missing-option",
    kind: "invalid",
    message: `${option} is missing; --help lists the options.`,
  });
}

function helpText(): string {
  const defaults: Readonly<Record<string, unknown>> = PARAMETER_DEFAULTS;
  const rows = Object.entries(PARAMETER_DESCRIPTIONS).map(([name, text]) => {
    const fallback = defaults[name] === undefined ? "" : ` (default: ${String(defaults[name])})`;
    return `  ${name.padEnd(24)}${text}${fallback}`;
  });
  return `Puts the protocol's contracts on a chain, or finds them there. Safe to run again.

  --rpc-url URL           JSON-RPC of the chain
  --key-file FILE         deployer's private key, hex; the account must be new to the chain
  --parameters-file FILE  JSON with any of the parameters below
  --out FILE              where the address book goes (default: standard output)

Parameters:
${rows.join("\n")}
`;
}
