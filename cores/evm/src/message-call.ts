import type { ExecutionContext } from "./context.js";
import { type Frame, NO_BYTES, STATUS } from "./frame.js";
import { GAS, LIMITS } from "./gas.js";
import { FORK } from "./hardfork.js";
import { copyWord, setNumber, setZero } from "./word.js";

/** Whether the frame creates a contract. */
export function isCreation(frame: Frame): boolean {
  return frame.kind === "CREATE" || frame.kind === "CREATE2";
}

function transfer(context: ExecutionContext, frame: Frame): void {
  const { state } = context;
  if (frame.amount === 0n) {
    state.touch(frame.self);
    return;
  }
  state.setBalance(frame.caller, frame.caller.balance - frame.amount);
  state.setBalance(frame.self, frame.self.balance + frame.amount);
}

/**
 * Starts a call whose frame is filled in (Yellow Paper 8). The caller has enough balance, and for a creation its nonce
 * is raised. True when its code must run; false when it has ended already, with its effects settled.
 */
export function beginCall(context: ExecutionContext, frame: Frame): boolean {
  frame.checkpoint = context.state.checkpoint();
  frame.refundBefore = context.refund;
  frame.gasGiven = frame.gas;
  context.tracer?.onEnter?.(frame);
  if (isCreation(frame)) beginCreation(context, frame);
  else {
    if (frame.kind === "CALL") transfer(context, frame);
    else if (frame.kind === "STATICCALL") context.state.touch(frame.self);
    runPrecompile(context, frame);
  }
  if (frame.status === STATUS.running && frame.code.length === 0) frame.status = STATUS.succeeded;
  if (frame.status === STATUS.running) return true;
  endCall(context, frame);
  return false;
}

/** Yellow Paper 7, with EIP-684 and EIP-7610 for an address that is taken. */
function beginCreation(context: ExecutionContext, frame: Frame): void {
  const { state } = context;
  const { self } = frame;
  if (self.nonce !== 0n || self.code.length > 0 || state.hasStorage(self)) {
    frame.fail("address collision");
    return;
  }
  state.markCreated(self);
  state.setNonce(self, 1n);
  transfer(context, frame);
}

function runPrecompile(context: ExecutionContext, frame: Frame): void {
  const precompile = context.precompileOf(frame.codeOwner);
  if (precompile === undefined) return;
  if (!frame.charge(precompile.gas(frame.input))) return;
  const output = precompile.run(frame.input);
  if (output === undefined) {
    frame.fail("precompile failed");
    return;
  }
  frame.output = output;
  frame.status = STATUS.succeeded;
}

/** EIP-170, EIP-3541 and the price of deployed code. */
function deploy(context: ExecutionContext, frame: Frame): void {
  const code = frame.output;
  if (code.length > LIMITS.codeBytes) frame.fail("code too large");
  else if (code[0] === 0xef && context.rules.fork >= FORK.london) frame.fail("invalid code");
  else if (frame.charge(GAS.codeByte * code.length)) context.state.setCode(frame.self, code);
}

/** Settles a call that has ended: deploys code, or undoes what it did. */
export function endCall(context: ExecutionContext, frame: Frame): void {
  if (frame.status === STATUS.succeeded && isCreation(frame)) deploy(context, frame);
  const succeeded = frame.status === STATUS.succeeded;
  if (!succeeded) {
    context.state.revertTo(frame.checkpoint);
    context.refund = frame.refundBefore;
    if (frame.status === STATUS.halted) {
      frame.gas = 0;
      frame.reserve = 0;
      frame.output = NO_BYTES;
    }
  }
  context.tracer?.onExit?.(frame, succeeded, frame.gasGiven - frame.gas);
}

/** Hands the result of an ended call to its caller: gas, return data, memory, and the word on the stack. */
export function deliver(caller: Frame, ended: Frame): void {
  const succeeded = ended.status === STATUS.succeeded;
  caller.addGasOf(ended);
  caller.status = STATUS.running;
  if (isCreation(ended)) {
    caller.returnData = ended.status === STATUS.reverted ? ended.output : NO_BYTES;
    if (succeeded) copyWord(caller.stack, caller.sp, ended.self.word, 0);
    else setZero(caller.stack, caller.sp);
  } else {
    caller.returnData = ended.output;
    const size = Math.min(ended.outputSize, ended.output.length);
    if (size > 0) caller.memory.set(ended.output.subarray(0, size), ended.outputOffset);
    setNumber(caller.stack, caller.sp, succeeded ? 1 : 0);
  }
  caller.sp += 8;
}
