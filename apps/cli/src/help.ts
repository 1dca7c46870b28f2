import type { Action, Command, OptionDeclaration, OptionDeclarations } from "./command.js";

const SUMMARY_COLUMN = 28;

/** The program, the command and the action, as they are typed. */
export function actionTitle(command: Command, action: Action | undefined): string {
  return ["aios", command.name, ...(action?.name === undefined ? [] : [action.name])].join(" ");
}

/** What an action takes beside what every command does, in one line: what it needs first. */
export function takes({ positionals, options }: Action): string {
  const entries = Object.entries(options);
  const needed = entries.filter(([, option]) => option.required === true).map(written);
  const others = entries
    .filter(([, option]) => option.required !== true)
    .map((entry) => `[${written(entry)}]`);
  return [...positionals, ...needed, ...others].join(" ") || "nothing more";
}

function written([name, { value }]: readonly [string, OptionDeclaration]): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

/** Every command in a line or two. */
export function overview(commands: readonly Command[], globals: OptionDeclarations): string {
  const lines = commands.map((command) => {
    const named = command.actions.flatMap(({ name }) => name ?? []).join("|");
    const unnamed = command.actions.find(({ name }) => name === undefined);
    const alone = unnamed?.positionals.join(" ") ?? "";
    const words =
      alone === "" && unnamed !== undefined && named !== ""
        ? `[${named}]`
        : [alone, named].filter(Boolean).join("|");
    return `${`  aios ${command.name} ${words}`.trimEnd()}\n      ${command.summary}`;
  });
  return `aios: look at an AiOS platform and check what it did.\n\n${lines.join("\n")}\n\n${everyCommand(globals)}\nMore about one: aios help <command>\n`;
}

/** What a command does and takes, with an example of each of its actions. */
export function commandHelp(
  command: Command,
  actions: readonly Action[],
  globals: OptionDeclarations,
): string {
  const parts = actions.map((action) => actionHelp(command, action));
  return `aios ${command.name}: ${command.summary}\n\n${command.description}\n\n${parts.join("\n\n")}\n\n${everyCommand(globals)}`;
}

function actionHelp(command: Command, action: Action): string {
  const own = takes(action);
  const title = `${actionTitle(command, action)}${own === "nothing more" ? "" : ` ${own}`}`;
  const lines = [title, `    ${action.summary}`, ...optionLines(action.options, "  ")];
  return [...lines, `    Example: aios ${action.example}`].join("\n");
}

function everyCommand(globals: OptionDeclarations): string {
  return `Options for every command:\n${optionLines(globals, "").join("\n")}\n`;
}

function optionLines(options: OptionDeclarations, indent: string): string[] {
  return Object.entries(options).map((entry) => {
    const left = `${indent}  ${written(entry)}`.padEnd(SUMMARY_COLUMN);
    return `${left}${left.endsWith(" ") ? "" : "  "}${entry[1].summary}`;
  });
}
