import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isCodedError } from "@aios/kernel/coded-error";
import { type Command, type Output, UsageError } from "./command.js";
import {
  actionOf,
  type CommandLine,
  checkOptions,
  checkPositionals,
  checkRequired,
  GLOBAL_OPTIONS,
  splitCommandLine,
} from "./command-line.js";
import { backupCommand, restoreCommand } from "./commands/backup.command.js";
import { capabilityCommand } from "./commands/capability.command.js";
import { ceremonyCommand } from "./commands/ceremony.command.js";
import { doctorCommand } from "./commands/doctor.command.js";
import { eventsCommand } from "./commands/events.command.js";
import { jobCommand } from "./commands/job.command.js";
import { modelCommand } from "./commands/model.command.js";
import { nodeCommand } from "./commands/node.command.js";
import { stakeCommand } from "./commands/stake.command.js";
import { statusCommand } from "./commands/status.command.js";
import { syntheticCommand } from "./commands/synthetic.command.js";
import { verifyCommand } from "./commands/verify.command.js";
import { commandHelp, overview } from "./help.js";

export const COMMANDS: readonly Command[] = [
  doctorCommand,
  statusCommand,
  jobCommand,
  verifyCommand,
  modelCommand,
  ceremonyCommand,
  capabilityCommand,
  eventsCommand,
  syntheticCommand,
  backupCommand,
  restoreCommand,
  nodeCommand,
  stakeCommand,
];

/** Runs one command line; answers the exit code: 0 done, 1 failed or something is wrong, 2 wrong usage. */
export async function runCli(argv: readonly string[], output: Output): Promise<number> {
  const line = splitCommandLine(argv, COMMANDS);
  const asked = (name: string): boolean => line.options.some((option) => option.name === name);
  const json = asked("json");
  try {
    if (asked("version")) return tellVersion(line, json, output);
    const isHelp = asked("help") || line.words[0] === "help";
    if (isHelp || line.words.length === 0) return explain(line, isHelp, output);
    return await runCommand(line, json, output);
  } catch (error) {
    return report(error, line, json, output);
  }
}

async function runCommand({ words, options }: CommandLine, json: boolean, output: Output): Promise<number> {
  const [name, ...given] = words;
  const command = commandNamed(name);
  const { action, rest } = actionOf(command, given);
  const checked = checkOptions(command, action, options);
  checkPositionals(command, action, rest);
  checkRequired(command, action, checked);
  const { url, "key-file": keyFile, ...own } = checked.values;
  return action.run({
    positionals: rest,
    url,
    keyFile,
    options: own,
    switches: checked.switches,
    json,
    output,
  });
}

/** Help about what the line names; about everything where it names nothing. */
function explain({ words, options }: CommandLine, isHelp: boolean, output: Output): number {
  const [name, ...rest] = words[0] === "help" ? words.slice(1) : words;
  if (name === undefined) {
    checkOptions(undefined, undefined, options);
    output.write(overview(COMMANDS, GLOBAL_OPTIONS));
    return isHelp ? 0 : 2;
  }
  const command = commandNamed(name);
  const named = command.actions.filter((action) => action.name !== undefined && action.name === rest[0]);
  output.write(commandHelp(command, named.length === 0 ? command.actions : named, GLOBAL_OPTIONS));
  return 0;
}

function commandNamed(name: string | undefined): Command {
  const command = COMMANDS.find((each) => each.name === name);
  if (command !== undefined) return command;
  throw new UsageError(
    `There is no command '${name}'. There are: ${COMMANDS.map((each) => each.name).join(", ")}.`,
  );
}

function tellVersion({ words, options }: CommandLine, json: boolean, output: Output): number {
  if (words.length > 0) throw new UsageError("--version stands alone.");
  checkOptions(undefined, undefined, options);
  const version = packageVersion();
  output.write(json ? `${JSON.stringify({ version })}\n` : `aios ${version}\n`);
  return 0;
}

/** Of the package that this program lies in. */
function packageVersion(from = import.meta.dirname): string {
  const file = join(from, "package.json");
  if (!existsSync(file)) return packageVersion(dirname(from));
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function report(error: unknown, { words }: CommandLine, json: boolean, output: Output): number {
  const usage = error instanceof UsageError;
  const message = error instanceof Error ? error.message : String(error);
  const code = usage ? "usage" : isCodedError(error) ? error.code : "unexpected";
  const about = COMMANDS.some(({ name }) => name === words[0]) ? `aios ${words[0]}` : "aios";
  if (json)
    output.write(
      `${JSON.stringify({ error: { code, message, ...(isCodedError(error) ? { details: error.details } : {}) } })}\n`,
    );
  else output.writeError(`aios: ${message}${usage ? ` Try '${about} --help'.` : ""}\n`);
  return usage ? 2 : 1;
}
