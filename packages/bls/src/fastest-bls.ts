import { blsSignatures } from "@aios/core-finality/bls-signatures";
import type { BlsSignatures } from "@aios/core-finality/signature-scheme";
import { blstSignatures } from "./blst-signatures.js";

/** The fastest BLS12-381 that this machine can run, and which one it is. */
export interface FastestBls {
  readonly signatures: BlsSignatures;
  readonly implementation: "blst" | "noble";
}

/**
 * Native code where the platform has it (Linux with glibc or musl, macOS, Windows on x64), TypeScript elsewhere. Both
 * accept the same signatures: one suite runs over both.
 */
export async function fastestBls(
  load: () => Promise<BlstModule> = () => import("@chainsafe/blst"),
): Promise<FastestBls> {
  let loaded: BlstModule;
  try {
    loaded = await load();
  } catch {
    return { signatures: blsSignatures, implementation: "noble" };
  }
  return { signatures: blstSignatures(loaded.default), implementation: "blst" };
}

interface BlstModule {
  readonly default: Parameters<typeof blstSignatures>[0];
}
