import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { backUp, restore, undoRestore } from "@aios/launcher/backup/local-state";
import { systemClock } from "@aios/service-kit/system-clock";
import { type Command, type CommandInput, UsageError } from "../command.js";
import { repositoryRoot } from "../platform.js";

const MIB = 1024 ** 2;

const COMMON = `  --data-dir <directory>    where the platform's state is (default: .aios/data of this repository)
  --passphrase-file <file>  its first line seals the backup (default: AIOS_BACKUP_PASSPHRASE)

For a platform on one machine. In a cluster, databases and volumes belong to their operators: docs/operators/backup.md.`;

export const backupCommand: Command = {
  name: "backup",
  usage: "aios backup --to <file>",
  summary: "write all state of this machine's platform into one sealed file",
  description: `Databases, chain, contents and keys, all of one moment: the platform must be stopped. The file is encrypted as a whole
(scrypt, AES-256-GCM) and holds the hash of everything in it.

  --to <file>               where to; nothing is replaced
${COMMON}`,
  async run(input) {
    const { options, output, json } = input;
    const file = required("to", options.to);
    const summary = await backUp(dataDir(input), file, await passphrase(input), systemClock.now());
    if (json) output.write(`${JSON.stringify({ file, ...summary })}\n`);
    else
      output.write(
        `${file}: ${summary.files} files, ${(summary.bytes / MIB).toFixed(1)} MiB, of ${summary.createdAt}\n`,
      );
    return 0;
  },
};

export const restoreCommand: Command = {
  name: "restore",
  usage: "aios restore --from <file> | undo",
  summary: "put a backup's state in place, after checking all of it",
  description: `Reads the whole backup and checks every hash before anything is changed. Replaces no state, unless --force says so.
With "undo" instead of a backup it puts back what was there before a restore that was cut off.

  --from <file>             the backup
  --force                   replace what is there
${COMMON}`,
  async run(input) {
    const { output, json, force, from, positionals } = input;
    if (positionals.length > 0) return undo(input);
    const file = required("from", from);
    const directory = dataDir(input);
    const nowMs = systemClock.now();
    const summary = await restore(file, directory, await passphrase(input), { force, nowMs });
    if (json) output.write(`${JSON.stringify({ directory, ...summary })}\n`);
    else
      output.write(
        `${directory}: ${summary.files} files of ${summary.createdAt}. Start it: npm start -- --data-dir ${directory}\n`,
      );
    return 0;
  },
};

async function undo(input: CommandInput): Promise<number> {
  const { output, json, positionals } = input;
  if (positionals.length > 1 || positionals[0] !== "undo")
    throw new UsageError("Usage: aios restore --from <file> | undo.");
  const directory = dataDir(input);
  const undone = await undoRestore(directory, systemClock.now());
  if (json) output.write(`${JSON.stringify({ directory, undone })}\n`);
  else
    output.write(
      undone
        ? `${directory}: what was there before the restore is back.\n`
        : `${directory}: no restore was cut off there; nothing to undo.\n`,
    );
  return 0;
}

function dataDir({ options }: CommandInput): string {
  const root = repositoryRoot();
  const directory = options["data-dir"] ?? (root === undefined ? undefined : join(root, ".aios", "data"));
  return required("data-dir", directory);
}

async function passphrase({ options, output }: CommandInput): Promise<string> {
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

function required(option: string, value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw new UsageError(`--${option} is missing.`);
}
