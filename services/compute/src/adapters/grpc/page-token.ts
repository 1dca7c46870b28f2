import { CodedError } from "@aios/kernel/coded-error";
import { jobId } from "@aios/kernel/identifiers";
import type { Job } from "../../domain/job.js";
import type { JobCursor } from "../../domain/ports.js";

const DEFAULT_PAGE = 20;
const LARGEST_PAGE = 100;

export function pageSize(requested: number): number {
  return requested === 0 ? DEFAULT_PAGE : Math.min(requested, LARGEST_PAGE);
}

export function writePageToken(last: Job): string {
  return Buffer.from(`${last.createdAtMs}:${last.jobId}`).toString("base64url");
}

/** Throws `page-token-invalid`. */
export function readPageToken(token: string): JobCursor | undefined {
  if (token === "") return undefined;
  const match = /^([0-9]{1,15}):(0x[0-9a-f]{64})$/.exec(
    Buffer.from(token.slice(0, 200), "base64url").toString(),
  );
  if (match !== null) return { createdAtMs: Number(match[1]), jobId: jobId(match[2]) };
  throw new CodedError({
    code: "page-token-invalid",
    kind: "invalid",
    message: "Send the page token exactly as the last page gave it.",
    field: "pageToken",
  });
}
