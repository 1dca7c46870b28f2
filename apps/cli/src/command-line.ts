import { parseArgs } from "node:util";
import { type Action, type Command, type OptionDeclarations, UsageError } from "./command.js";
import { actionTitle, takes } from "./help.js";

/** What every command takes. */
export const GLOBAL_OPTIONS: OptionDeclarations = {
  url: {
    value: "<address>",
    summary: "the gateway (default: AIOS_URL, or the platform that runs here, or http://127.0.0.1:8080)",
  },
  "key-file": {
    value: "<file>",
    summary:
      "file with the account's private key in hex (default: AIOS_KEY_FILE, or the demo buyer of a local network)",
  },
  json: { summary: "one JSON object instead of text" },
  help: { summary: "what a command does and takes" },
  version: { summary: "which version this is" },
};

interface GivenOption {
  readonly name: string;
  readonly value: string | undefined;
  /** Written as `--name=value`. */
  readonly inline: boolean;
}

/** A command line in its parts, before it is known what its command takes. */
export interface CommandLine {
  readonly words: readonly string[];
  readonly options: readonly GivenOption[];
}

export interface GivenOptions {
  readonly values: Readonly<Record<string, string | undefined>>;
  readonly switches: ReadonlySet<string>;
}

/** Splits words from options: an option takes the next word where any command's option of its name does. */
export function splitCommandLine(argv: readonly string[], commands: readonly Command[]): CommandLine {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: optionTypes(commands),
  });
  const words: string[] = [];
  const options: GivenOption[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    else if (token.kind === "option")
      options.push({ name: token.name, value: token.value, inline: token.inlineValue === true });
  }
  return { words, options };
}

function optionTypes(commands: readonly Command[]) {
  const declared = [
    GLOBAL_OPTIONS,
    ...commands.flatMap(({ actions }) => actions.map(({ options }) => options)),
  ];
  const types: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const declarations of declared)
    for (const [name, { value }] of Object.entries(declarations))
      types[name] = { type: value === undefined ? "boolean" : "string" };
  return { ...types, help: { type: "boolean", short: "h" } as const };
}

/** What a command does with these words, and the words that are left to it. Throws `UsageError`. */
export function actionOf(
  command: Command,
  words: readonly string[],
): { readonly action: Action; readonly rest: readonly string[] } {
  const named = command.actions.find(({ name }) => name !== undefined && name === words[0]);
  if (named !== undefined) return { action: named, rest: words.slice(1) };
  const unnamed = command.actions.find(({ name }) => name === undefined);
  if (unnamed !== undefined) return { action: unnamed, rest: words };
  const names = command.actions.map(({ name }) => name).join(", ");
  const problem = words[0] === undefined ? "" : `There is no '${words[0]}'. `;
  throw new UsageError(`${problem}aios ${command.name} takes one of: ${names}.`);
}

/** Refuses words that the action has no place for, and says which are missing. Throws `UsageError`. */
export function checkPositionals(command: Command, action: Action, rest: readonly string[]): void {
  const { positionals } = action;
  const isMany = positionals.at(-1)?.includes("…") === true;
  const missing = positionals.filter((name) => name.startsWith("<"))[rest.length];
  const title = actionTitle(command, action);
  if (missing !== undefined) throw new UsageError(`${missing} is missing. ${title} takes ${takes(action)}.`);
  const extra = isMany ? undefined : rest[positionals.length];
  if (extra !== undefined) throw new UsageError(`'${extra}' is too much: ${title} takes ${takes(action)}.`);
}

/** The options of the line, each declared for the action or for all. Throws `UsageError`. */
export function checkOptions(
  command: Command | undefined,
  action: Action | undefined,
  given: readonly GivenOption[],
): GivenOptions {
  const title = command === undefined ? "aios" : actionTitle(command, action);
  const declared: OptionDeclarations = { ...GLOBAL_OPTIONS, ...action?.options };
  const values: Record<string, string> = {};
  const switches = new Set<string>();
  for (const { name, value, inline } of given) {
    const option = Object.hasOwn(declared, name) ? declared[name] : undefined;
    if (option === undefined) {
      const own = action === undefined ? "a command first" : takes(action);
      throw new UsageError(`There is no option --${name} here: ${title} takes ${own}.`);
    }
    if (option.value === undefined) {
      if (value !== undefined) throw new UsageError(`--${name} takes no value.`);
      switches.add(name);
      continue;
    }
    if (value === undefined || (!inline && value.startsWith("-")))
      throw new UsageError(`--${name} needs a value: --${name} ${option.value}.`);
    values[name] = value;
  }
  return { values, switches };
}

/** Throws `UsageError` where an option that the action cannot do without is absent. */
export function checkRequired(command: Command, action: Action, { values }: GivenOptions): void {
  for (const [name, { required, value }] of Object.entries(action.options))
    if (required === true && values[name] === undefined)
      throw new UsageError(`--${name} is missing: ${actionTitle(command, action)} needs --${name} ${value}.`);
}
