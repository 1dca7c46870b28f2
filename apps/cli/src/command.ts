export interface Output {
  readonly env: Readonly<Record<string, string | undefined>>;
  write(text: string): void;
  writeError(text: string): void;
}

/** Options that take a value and belong to one command or two. */
export const COMMAND_OPTIONS = [
  "model",
  "powers",
  "powers-hash",
  "out",
  "to",
  "every",
  "within",
  "listen",
  "data-dir",
  "passphrase-file",
  "name",
  "beacon",
  "iterations",
  "calibration",
  "samples",
  "labels",
  "proof",
  "key",
  "draw",
  "draws",
  "publisher",
  "correct",
  "secret",
  "rpc",
  "deposit",
  "endpoint",
  "description",
  "price",
  "report",
  "proof-systems",
] as const;

export type CommandOption = (typeof COMMAND_OPTIONS)[number];

export interface CommandInput {
  readonly positionals: readonly string[];
  readonly url: string | undefined;
  readonly keyFile: string | undefined;
  readonly input: string | undefined;
  readonly salt: string | undefined;
  readonly group: string | undefined;
  readonly topic: string | undefined;
  readonly from: string | undefined;
  readonly all: boolean;
  readonly force: boolean;
  readonly once: boolean;
  /** Options of single commands, by name; see `COMMAND_OPTIONS`. */
  readonly options: Readonly<Partial<Record<CommandOption, string>>>;
  readonly json: boolean;
  readonly output: Output;
}

export interface Command {
  readonly name: string;
  readonly usage: string;
  /** For the overview, a few words. */
  readonly summary: string;
  readonly description: string;
  /** Answers the exit code. */
  run(input: CommandInput): Promise<number>;
}

/** The command line is wrong; its message says how. */
export class UsageError extends Error {}
