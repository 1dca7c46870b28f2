import type { HaltReason } from "@aios/core-evm/frame";

/** Geth's words, where they differ from the engine's. */
const NAMES: Readonly<Partial<Record<HaltReason, string>>> = {
  "invalid jump": "invalid jump destination",
  "address collision": "contract address collision",
  "code too large": "max code size exceeded",
  "invalid code": "invalid code: must not begin with 0xef",
  // Found where the gas of the instruction is counted.
  "init code too large": "out of gas",
  "precompile failed": "precompiled contract failed",
};

/** Ethereum's name of how a call failed: `halt`, or a revert where there is none. */
export function failureName(halt: HaltReason | undefined): string {
  return halt === undefined ? "execution reverted" : (NAMES[halt] ?? halt);
}
