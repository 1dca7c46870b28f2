/** 0xf0, 0xf5: contract creation (Yellow Paper 7; CREATE2 EIP-1014, init code limits EIP-3860). */
import { Code } from "../code.js";
import { create2Address, createAddress } from "../contract-address.js";
import { type Frame, NO_BYTES } from "../frame.js";
import { GAS, LIMITS } from "../gas.js";
import { FORK } from "../hardfork.js";
import type { RefusedCall } from "../tracer.js";
import { copyWord, toBigint, toBytes, toNumber } from "../word.js";
import { refuse, start } from "./calling.js";
import type { Family, Handler } from "./handler.js";

/** Why a creation may not begin, in the order in which it is looked at. */
function refusalOf(frame: Frame, amount: bigint): RefusedCall["reason"] | undefined {
  if (frame.depth >= LIMITS.callDepth) return "depth";
  if (amount > frame.self.balance) return "balance";
  return frame.self.nonce >= LIMITS.nonce ? "nonce" : undefined;
}

function create(withSalt: boolean): Handler {
  return (frame, context) => {
    if (frame.isStatic) return frame.fail("write protection");
    const { stack, sp } = frame;
    const { state, rules } = context;
    const offset = toNumber(stack, sp - 16);
    const size = toNumber(stack, sp - 24);
    const limited = rules.fork >= FORK.shanghai;
    if (limited && size > LIMITS.initCodeBytes) return frame.fail("init code too large");
    const perWord = (limited ? GAS.initCodeWord : 0) + (withSalt ? GAS.keccakWord : 0);
    if (!frame.charge(perWord * Math.ceil(size / 32)) || !frame.expand(offset, size)) return;
    const amount = toBigint(stack, sp - 8);
    frame.sp = withSalt ? sp - 32 : sp - 24;
    const { self } = frame;
    const initCode = size === 0 ? NO_BYTES : frame.memory.slice(offset, offset + size);
    const address = withSalt
      ? create2Address(self.bytes, toBytes(stack, sp - 32), initCode)
      : createAddress(self.bytes, self.nonce);
    const kind = withSalt ? "CREATE2" : "CREATE";
    const reason = refusalOf(frame, amount);
    if (reason !== undefined) {
      const gas = frame.gasToPass(undefined);
      const refused = { kind, to: address, input: initCode, amount, gas, gasPassed: gas, reason } as const;
      context.tracer?.onRefused?.(frame, refused);
      return refuse(frame, 0);
    }
    state.setNonce(self, self.nonce + 1n);
    const created = state.accountAt(address);
    context.warm(created);
    const child = context.frame(frame.depth + 1);
    child.kind = kind;
    frame.passGas(child, undefined);
    child.self = created;
    child.codeOwner = created;
    child.caller = self;
    child.code = new Code(initCode);
    child.isStatic = false;
    child.amount = amount;
    copyWord(child.value, 0, stack, sp - 8);
    child.input = NO_BYTES;
    child.outputOffset = 0;
    child.outputSize = 0;
    start(frame, context, child);
  };
}

export const creation: Family = [
  [0xf0, create(false)],
  [0xf5, create(true)],
];
