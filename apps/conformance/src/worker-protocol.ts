import type { CaseResult } from "./suite.js";

/** To a worker: run this file. */
export interface RunFile {
  readonly file: string;
}

/** From a worker: one case of the file, or its end. */
export type WorkerMessage =
  | { readonly kind: "case"; readonly result: CaseResult }
  | { readonly kind: "file-done"; readonly error?: string };
