export interface Output {
  readonly env: Readonly<Record<string, string | undefined>>;
  write(text: string): void;
  writeError(text: string): void;
}

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
