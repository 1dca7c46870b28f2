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
 * accept the same signatures: one suite runs over both. TypeScript takes 20 to 40 times as long, so that Node's warning
 * `AIOS_BLS_SLOW` says why it is used.
 */
export async function fastestBls(
  load: () => Promise<BlstModule> = () => import("@chainsafe/blst"),
): Promise<FastestBls> {
  let loaded: BlstModule;
  try {
    loaded = await load();
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    process.emitWarning(
      `BLS signatures are checked in TypeScript, which takes far longer than native code: ${why}`,
      {
        code: "AIOS_BLS_SLOW",
      },
    );
    return { signatures: blsSignatures, implementation: "noble" };
  }
  return { signatures: blstSignatures(loaded.default), implementation: "blst" };
}

interface BlstModule {
  readonly default: Parameters<typeof blstSignatures>[0];
}
