export interface Output {
  readonly env: Readonly<Record<string, string | undefined>>;
  write(text: string): void;
  writeError(text: string): void;
}

export interface OptionDeclaration {
  /** What stands for its value in help, such as `<file>`; absent for a switch. */
  readonly value?: string;
  readonly summary: string;
  /** The action cannot do without. */
  readonly required?: true;
}

export type OptionDeclarations = Readonly<Record<string, OptionDeclaration>>;

/** What one action of one command was given. */
export interface CommandInput {
  readonly positionals: readonly string[];
  readonly url: string | undefined;
  readonly keyFile: string | undefined;
  /** Options with a value, by name: only those that the action declares. */
  readonly options: Readonly<Record<string, string | undefined>>;
  /** Switches that were given, likewise. */
  readonly switches: ReadonlySet<string>;
  readonly json: boolean;
  readonly output: Output;
}

/** One thing that a command does, and all that it takes: what is not declared is refused. */
export interface Action {
  /** Word behind the command; absent for what the command does without one. */
  readonly name?: string;
  /** As help shows them: `<file>`, `[file]` where it may be absent, and a `…` behind the last for several. */
  readonly positionals: readonly string[];
  readonly options: OptionDeclarations;
  readonly summary: string;
  /** A command line that works, without the program's name. */
  readonly example: string;
  /** Answers the exit code. */
  run(input: CommandInput): Promise<number>;
}

export interface Command {
  readonly name: string;
  /** For the overview, a few words. */
  readonly summary: string;
  readonly description: string;
  readonly actions: readonly Action[];
}

/** The command line is wrong; its message says how. */
export class UsageError extends Error {}
