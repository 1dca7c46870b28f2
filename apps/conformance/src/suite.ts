/** One case of a vector file. */
export interface CaseResult {
  /** Unique inside its file: the format's own name of the case, with fork or index where it has them. */
  readonly name: string;
  readonly status: "passed" | "failed" | "skipped";
  /**
   * Failed: the first difference. Skipped: the reason, the same text for every case with the same reason. Passed: what
   * is still worth a remark, likewise.
   */
  readonly detail?: string;
}

/** One published vector format. */
export interface Suite {
  /** What `npm run conformance -- <name> <path>` is called with. */
  readonly name: string;
  /** One line: the format and where it is published. */
  readonly describe: string;
  /** Whether a file of a folder belongs to the format, by its path. A file that is named directly is always run. */
  accepts(path: string): boolean;
  /**
   * Runs one file. What it throws counts as one failure of the file, so that a file that cannot be read or understood
   * never passes.
   */
  runFile(path: string): AsyncIterable<CaseResult>;
}
