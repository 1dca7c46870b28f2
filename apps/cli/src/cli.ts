import { parseArgs } from "node:util";
import { isCodedError } from "@aios/kernel/coded-error";
import { COMMAND_OPTIONS, type Command, type CommandOption, type Output, UsageError } from "./command.js";
import { backupCommand, restoreCommand } from "./commands/backup.command.js";
import { capabilityCommand } from "./commands/capability.command.js";
import { ceremonyCommand } from "./commands/ceremony.command.js";
import { doctorCommand } from "./commands/doctor.command.js";
import { eventsCommand } from "./commands/events.command.js";
import { jobCommand } from "./commands/job.command.js";
import { modelCommand } from "./commands/model.command.js";
import { nodeCommand } from "./commands/node.command.js";
import { statusCommand } from "./commands/status.command.js";
import { syntheticCommand } from "./commands/synthetic.command.js";
import { verifyCommand } from "./commands/verify.command.js";

const COMMANDS: readonly Command[] = [
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
];

const GLOBAL_OPTIONS = `Options for every command:
  --url <address>   the gateway (default: AIOS_URL, or the platform that runs here, or http://127.0.0.1:8080)
  --key-file <file> file with the account's private key in hex (default: AIOS_KEY_FILE, or the demo buyer of a local network)
  --json            one JSON object instead of text
  --help            what a command does and takes
`;

/** Runs one command line; answers the exit code: 0 done, 1 failed or something is wrong, 2 wrong usage. */
export async function runCli(argv: readonly string[], output: Output): Promise<number> {
  let json = false;
  try {
    const { values, positionals } = parse(argv);
    json = values.json === true;
    const [name, ...rest] = positionals;
    const command = COMMANDS.find((each) => each.name === name);
    if (name === undefined || name === "help") {
      output.write(overview());
      return name === undefined && values.help !== true ? 2 : 0;
    }
    if (command === undefined)
      throw new UsageError(
        `There is no command '${name}'. There are: ${COMMANDS.map((each) => each.name).join(", ")}.`,
      );
    if (values.help === true) {
      output.write(`${command.usage}\n\n${command.description}\n\n${GLOBAL_OPTIONS}`);
      return 0;
    }
    return await command.run({
      positionals: rest,
      url: values.url,
      keyFile: values["key-file"],
      input: values.input,
      salt: values.salt,
      group: values.group,
      topic: values.topic,
      from: values.from,
      all: values.all === true,
      force: values.force === true,
      once: values.once === true,
      options: commandOptions(values),
      json,
      output,
    });
  } catch (error) {
    return report(error, json, output);
  }
}

function parse(argv: readonly string[]): ReturnType<typeof parseArgs<typeof PARSE>> {
  try {
    return parseArgs({ ...PARSE, args: [...argv] });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function commandOptions(
  values: Readonly<Record<string, string | boolean | undefined>>,
): Partial<Record<CommandOption, string>> {
  const given: Partial<Record<CommandOption, string>> = {};
  for (const name of COMMAND_OPTIONS) {
    const value = values[name];
    if (typeof value === "string") given[name] = value;
  }
  return given;
}

const TEXT = { type: "string" } as const;

const PARSE = {
  allowPositionals: true,
  options: {
    url: { type: "string" },
    "key-file": { type: "string" },
    input: { type: "string" },
    salt: { type: "string" },
    group: { type: "string" },
    topic: { type: "string" },
    from: { type: "string" },
    ...(Object.fromEntries(COMMAND_OPTIONS.map((name) => [name, TEXT])) as Record<
      CommandOption,
      typeof TEXT
    >),
    all: { type: "boolean" },
    force: { type: "boolean" },
    once: { type: "boolean" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  },
} as const;

function overview(): string {
  const width = Math.max(...COMMANDS.map((command) => command.usage.length));
  const lines = COMMANDS.map((command) => `  ${command.usage.padEnd(width)}  ${command.summary}`);
  return `aios: look at an AiOS platform and check what it did.\n\n${lines.join("\n")}\n\n${GLOBAL_OPTIONS}`;
}

function report(error: unknown, json: boolean, output: Output): number {
  const usage = error instanceof UsageError;
  const message = error instanceof Error ? error.message : String(error);
  const code = usage ? "usage" : isCodedError(error) ? error.code : "unexpected";
  if (json)
    output.write(
      `${JSON.stringify({ error: { code, message, ...(isCodedError(error) ? { details: error.details } : {}) } })}\n`,
    );
  else output.writeError(`aios: ${message}${usage ? " Try 'aios --help'." : ""}\n`);
  return usage ? 2 : 1;
}
