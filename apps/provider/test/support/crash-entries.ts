import { jobId } from "@aios/kernel/identifiers";
import type { LeaseRef } from "../../src/domain/ports.js";

const JOB = jobId(`0x${"0c".repeat(32)}`);

/** What the writer that is killed puts into its journal. */
export const crashLease = (number: number): LeaseRef => ({ jobId: JOB, fencingToken: number });
export const crashBytes = (number: number): Uint8Array => new Uint8Array(50_000 + number).fill(number % 251);
