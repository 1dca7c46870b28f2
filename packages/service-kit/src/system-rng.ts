import { randomBytes } from "node:crypto";
import type { Rng } from "@aios/kernel/random";

/** The operating system's cryptographic generator. */
export const systemRng: Rng = { bytes: (length) => new Uint8Array(randomBytes(length)) };
