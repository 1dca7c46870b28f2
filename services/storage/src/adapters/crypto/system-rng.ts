import { randomBytes } from "node:crypto";
import type { Rng } from "@aios/kernel/random";

/** The operating system's generator. */
export const systemRng: Rng = { bytes: (length) => Uint8Array.from(randomBytes(length)) };
