import type { HaltReason } from "@aios/core-evm/frame";
import { opcodeName, stackNeeds } from "@aios/core-evm/opcode-table";
import type { FrameView, RefusedCall } from "@aios/core-evm/tracer";
import { toBigint } from "@aios/core-evm/word";

const LIMBS = 8;
const MAX_STACK = 1_024;
const SSTORE = 0x55;
/** EIP-2200: with no more gas than this, storage is not written. */
const SSTORE_SENTRY = 2_300;

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

const REFUSALS: Readonly<Record<RefusedCall["reason"], string>> = {
  depth: "max call depth exceeded",
  balance: "insufficient balance for transfer",
  nonce: "nonce uint64 overflow",
};

/** Ethereum's name of how a call failed: `halt`, or a revert where there is none. */
export function failureName(halt: HaltReason | undefined): string {
  return halt === undefined ? "execution reverted" : (NAMES[halt] ?? halt);
}

/** Geth's name of why a call did not begin. */
export function refusalName(reason: RefusedCall["reason"]): string {
  return REFUSALS[reason];
}

/** Whether the instruction never ran. */
export function isUnaffordable(halt: HaltReason | undefined): boolean {
  return (
    halt === "stack underflow" ||
    halt === "stack overflow" ||
    halt === "out of gas" ||
    halt === "init code too large"
  );
}

/** Geth's name of how an instruction failed, with what it says of the stack. `gasBefore`: before it was paid. */
export function faultName({ halt, sp, stack }: FrameView, opcode: number, gasBefore: number): string {
  const { pops, pushes } = stackNeeds(opcode);
  const items = sp / LIMBS;
  switch (halt) {
    case "invalid opcode":
      return `invalid opcode: ${opcodeName(opcode)}`;
    case "stack underflow":
      return `stack underflow (${items} <=> ${pops})`;
    case "stack overflow":
      return `stack limit reached ${items} (${MAX_STACK + pops - pushes})`;
    case "init code too large":
      return `out of gas: max initcode size exceeded: size ${toBigint(stack, sp - 3 * LIMBS)}`;
    case "out of gas":
      return opcode === SSTORE && gasBefore <= SSTORE_SENTRY
        ? "out of gas: not enough gas for reentrancy sentry"
        : "out of gas";
    default:
      return failureName(halt);
  }
}
