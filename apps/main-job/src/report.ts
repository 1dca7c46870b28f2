/** One line of evidence under a step: a name and what anyone can check. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** Where the main job tells what it does: a terminal, a test, a benchmark. */
export interface Report {
  /** A step begins. */
  step(title: string): void;
  /** The running step moved on. */
  progress(message: string): void;
  /** The running step is done. */
  done(tookMs: number, facts: readonly Fact[]): void;
  /** Free text, such as a picture of the digit. */
  text(block: string): void;
}
