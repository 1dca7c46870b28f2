import { readFile } from "node:fs/promises";
import { type CommandInput, UsageError } from "../command.js";

export const PASSPHRASE_OPTIONS = {
  "passphrase-file": {
    value: "<file>",
    summary: "its first line seals the backup (default: AIOS_BACKUP_PASSPHRASE)",
  },
} as const;

/** What seals a backup. Throws `UsageError` where nothing says it. */
export async function passphraseOf({ options, output }: CommandInput): Promise<string> {
  const file = options["passphrase-file"];
  const text = file === undefined ? output.env.AIOS_BACKUP_PASSPHRASE : await firstLine(file);
  if (text !== undefined && text !== "") return text;
  throw new UsageError("A passphrase is needed: --passphrase-file, or AIOS_BACKUP_PASSPHRASE.");
}

async function firstLine(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => {
    throw new UsageError(`The passphrase file ${file} cannot be read.`);
  });
  return text.split(/\r?\n/, 1)[0] ?? "";
}
