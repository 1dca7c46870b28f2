import { join } from "node:path";
import { backUp, restore, undoRestore } from "@aios/launcher/backup/local-state";
import { systemClock } from "@aios/service-kit/system-clock";
import { type Command, type CommandInput, UsageError } from "../command.js";
import { required } from "../option-value.js";
import { repositoryRoot } from "../platform.js";
import { PASSPHRASE_OPTIONS, passphraseOf } from "./backup-passphrase.js";
import { backUpKubernetes, restoreKubernetes } from "./kubernetes-backup.js";

const MIB = 1024 ** 2;

const COMMON = {
  "data-dir": {
    value: "<directory>",
    summary: "where the platform's state is (default: .aios/data of this repository)",
  },
} as const;
const SEALED = { ...COMMON, ...PASSPHRASE_OPTIONS } as const;

export const backupCommand: Command = {
  name: "backup",
  summary: "write all state of this machine's platform, or of a release on Kubernetes, into one sealed file",
  description: `Databases, chain, contents and keys, all of one moment: the platform must be stopped; a release on Kubernetes is stopped
and started again. The file is encrypted as a whole (scrypt, AES-256-GCM) and holds the hash of everything in it. What
is wrong with a release says 'doctor --kubernetes', which asks in the context's own namespace where none is named.`,
  actions: [
    {
      positionals: [],
      options: {
        to: { value: "<file>", summary: "where to; nothing is replaced", required: true },
        ...SEALED,
      },
      summary: "one file of everything",
      example: "backup --to state.aios --passphrase-file passphrase",
      run: backUpState,
    },
    backUpKubernetes,
  ],
};

async function backUpState(input: CommandInput): Promise<number> {
  const { output, json } = input;
  const file = required(input, "to");
  const summary = await backUp(dataDir(input), file, await passphraseOf(input), systemClock.now());
  if (json) output.write(`${JSON.stringify({ file, ...summary })}\n`);
  else
    output.write(
      `${file}: ${summary.files} files, ${(summary.bytes / MIB).toFixed(1)} MiB, of ${summary.createdAt}\n`,
    );
  return 0;
}

export const restoreCommand: Command = {
  name: "restore",
  summary: "put a backup's state in place, after checking all of it",
  description: `Reads the whole backup and checks every hash before anything is changed. Replaces no state, unless --force (on
Kubernetes: --replace) says so.`,
  actions: [
    {
      positionals: [],
      options: {
        from: { value: "<file>", summary: "the backup", required: true },
        force: { summary: "replace what is there" },
        ...SEALED,
      },
      summary: "the backup's state, instead of what is there",
      example: "restore --from state.aios --passphrase-file passphrase --data-dir /var/lib/aios",
      run: restoreState,
    },
    {
      name: "undo",
      positionals: [],
      options: COMMON,
      summary: "what was there before a restore that was cut off",
      example: "restore undo",
      run: undo,
    },
    restoreKubernetes,
  ],
};

async function restoreState(input: CommandInput): Promise<number> {
  const { output, json, switches } = input;
  const file = required(input, "from");
  const directory = dataDir(input);
  const nowMs = systemClock.now();
  const force = switches.has("force");
  const summary = await restore(file, directory, await passphraseOf(input), { force, nowMs });
  if (json) output.write(`${JSON.stringify({ directory, ...summary })}\n`);
  else
    output.write(
      `${directory}: ${summary.files} files of ${summary.createdAt}. Start it: npm start -- --data-dir ${directory}\n`,
    );
  return 0;
}

async function undo(input: CommandInput): Promise<number> {
  const { output, json } = input;
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
  if (directory === undefined || directory === "") throw new UsageError("--data-dir is missing.");
  return directory;
}
