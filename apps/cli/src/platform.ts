import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { AiosClient } from "@aios/sdk/client";
import { type AccountSigner, privateKeySigner } from "@aios/sdk/wallet";
import { type LocalInstance, readLocalInstance, USUAL_PORTS } from "@aios/service-kit/local-instance";
import { type CommandInput, UsageError } from "./command.js";

const DEFAULT_URL = `http://127.0.0.1:${USUAL_PORTS.get("gateway")}`;

/** The platform that `npm start` brought up in this repository, running or not. */
export function localInstance(): LocalInstance | undefined {
  const root = repositoryRoot();
  return root === undefined ? undefined : readLocalInstance(join(root, ".aios", "data"));
}

/** The gateway that a command talks to: named, configured, running here, or at the usual address. */
export function gatewayUrl(
  { url, output }: Pick<CommandInput, "url" | "output">,
  here: LocalInstance | undefined = localInstance(),
): string {
  const chosen = url ?? output.env.AIOS_URL ?? here?.urls?.gateway ?? DEFAULT_URL;
  if (!/^https?:\/\//.test(chosen) || !URL.canParse(chosen))
    throw new UsageError(`--url must be an http(s) address, not '${chosen}'.`);
  return chosen;
}

/** A client without an account. */
export function visitorClient(input: CommandInput): AiosClient {
  return new AiosClient({ baseUrl: gatewayUrl(input), retries: 1 });
}

/** A client for the account of `--key-file`, or the local network's demo buyer. */
export async function accountClient(input: CommandInput): Promise<AiosClient> {
  return new AiosClient({ baseUrl: gatewayUrl(input), signer: await signer(input) });
}

/** A client for the operator's account of `--key-file`; without one, as whoever sits at the gateway's machine. */
export async function operatorClient(input: CommandInput): Promise<AiosClient> {
  const file = input.keyFile ?? input.output.env.AIOS_KEY_FILE;
  if (file === undefined) return visitorClient(input);
  return new AiosClient({
    baseUrl: gatewayUrl(input),
    signer: privateKeySigner(await keyFrom(file)),
    retries: 1,
  });
}

async function signer(input: CommandInput): Promise<AccountSigner> {
  const file = input.keyFile ?? input.output.env.AIOS_KEY_FILE;
  if (file !== undefined) return privateKeySigner(await keyFrom(file));
  try {
    return privateKeySigner((await visitorClient(input).demo()).privateKey);
  } catch (error) {
    if (!isCodedError(error) || error.kind !== "not-found") throw error;
    throw new UsageError("This command acts for an account: name its key with --key-file.");
  }
}

/** The private key of `--key-file`: for what an account pays for itself. */
export async function accountKey(input: CommandInput): Promise<string> {
  const file = input.keyFile ?? input.output.env.AIOS_KEY_FILE;
  if (file === undefined)
    throw new UsageError("This command sends transactions: name the account's key with --key-file.");
  return keyFrom(file);
}

async function keyFrom(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => {
    throw new UsageError(`The key file ${file} cannot be read.`);
  });
  const key = text.trim();
  if (/^(0x)?[0-9a-fA-F]{64}$/.test(key)) return key;
  throw new CodedError({
    code: "bad-key-file",
    kind: "invalid",
    message: `${file} does not hold 32 bytes of hex.`,
  });
}

/** A job id from the command line. */
export function jobIdArgument(text: string | undefined): string {
  if (text === undefined) throw new UsageError("A job id is missing: 0x and 64 hex digits.");
  if (!/^0x[0-9a-fA-F]{64}$/.test(text))
    throw new UsageError(`'${text}' is not a job id: 0x and 64 hex digits.`);
  return text.toLowerCase();
}

/** The repository that this program belongs to, where there is one. */
export function repositoryRoot(from = import.meta.dirname): string | undefined {
  for (let directory = from; ; directory = dirname(directory)) {
    if (existsSync(join(directory, "turbo.json")) && existsSync(join(directory, "package.json")))
      return directory;
    if (dirname(directory) === directory) return undefined;
  }
}
