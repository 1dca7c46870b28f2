/**
 * 0xf1, 0xf2, 0xf4, 0xfa: message calls (Yellow Paper appendix H.2; gas by EIP-150 and EIP-2929, DELEGATECALL EIP-7,
 * STATICCALL EIP-214, delegated code EIP-7702), and 0xff: SELFDESTRUCT (EIP-6780, EIP-3529).
 */
import type { Account } from "../account.js";
import { type Code, EMPTY_CODE } from "../code.js";
import type { ExecutionContext } from "../context.js";
import { type CallKind, type Frame, NO_BYTES, STATUS } from "../frame.js";
import { GAS, LIMITS } from "../gas.js";
import { FORK } from "../hardfork.js";
import { beginCall, deliver } from "../message-call.js";
import { copyWord, isZero, setZero, toBigint, toNumber } from "../word.js";
import type { Family, Handler } from "./handler.js";

/** A call that cannot begin: zero on the stack, no return data, the gas back. */
export function refuse(frame: Frame, gasBack: number): void {
  frame.gas += gasBack;
  frame.returnData = NO_BYTES;
  setZero(frame.stack, frame.sp);
  frame.sp += 8;
}

/** Starts the child, or settles it at once. */
export function start(frame: Frame, context: ExecutionContext, child: Frame): void {
  if (beginCall(context, child)) {
    context.child = child;
    frame.status = STATUS.calling;
  } else deliver(frame, child);
}

/** The code that runs for an account, following one delegation (EIP-7702). */
export function codeToRun(context: ExecutionContext, account: Account): Code {
  if (context.rules.fork < FORK.prague) return account.code;
  const delegate = account.code.delegate;
  if (delegate === undefined) return account.code;
  const target = context.state.accountAt(delegate);
  return context.precompileOf(target) === undefined ? target.code : EMPTY_CODE;
}

/** Gas to reach the account and, where it delegates, the account behind it. */
function accessGas(context: ExecutionContext, target: Account): number {
  const gas = context.warm(target) ? GAS.coldAccount : GAS.warm;
  if (context.rules.fork < FORK.prague) return gas;
  const delegate = target.code.delegate;
  if (delegate === undefined) return gas;
  return gas + (context.warm(context.state.accountAt(delegate)) ? GAS.coldAccount : GAS.warm);
}

function call(kind: CallKind): Handler {
  const hasValue = kind === "CALL" || kind === "CALLCODE";
  return (frame, context) => {
    const { stack, sp } = frame;
    const valueAt = sp - 24;
    const withValue = hasValue && !isZero(stack, valueAt);
    if (withValue && kind === "CALL" && frame.isStatic) return frame.fail("write protection");
    const rest = hasValue ? sp - 32 : sp - 24;
    const [inputOffset, inputSize] = [toNumber(stack, rest), toNumber(stack, rest - 8)];
    const [outputOffset, outputSize] = [toNumber(stack, rest - 16), toNumber(stack, rest - 24)];
    if (!frame.expand(inputOffset, inputSize) || !frame.expand(outputOffset, outputSize)) return;
    const target = context.state.account(stack, sp - 16);
    let gas = accessGas(context, target);
    if (withValue) gas += GAS.callValue + (kind === "CALL" && target.isEmpty ? GAS.newAccount : 0);
    if (!frame.charge(gas)) return;
    frame.sp = rest - 24;
    const amount = withValue ? toBigint(stack, valueAt) : 0n;
    const stipend = withValue ? GAS.callStipend : 0;
    const isTooDeep = frame.depth >= LIMITS.callDepth;
    if (isTooDeep || amount > frame.self.balance) {
      const gasPassed = frame.gasToPass(sp - 8);
      context.tracer?.onRefused?.(frame, {
        kind,
        to: target.bytes,
        input: inputSize === 0 ? NO_BYTES : frame.memory.subarray(inputOffset, inputOffset + inputSize),
        amount: kind === "DELEGATECALL" ? frame.amount : amount,
        gas: gasPassed + stipend,
        gasPassed,
        reason: isTooDeep ? "depth" : "balance",
      });
      return refuse(frame, stipend);
    }
    const child = context.frame(frame.depth + 1);
    child.kind = kind;
    frame.passGas(child, sp - 8);
    child.gas += stipend;
    child.self = kind === "CALL" || kind === "STATICCALL" ? target : frame.self;
    child.caller = kind === "DELEGATECALL" ? frame.caller : frame.self;
    child.codeOwner = target;
    child.code = codeToRun(context, target);
    child.isStatic = frame.isStatic || kind === "STATICCALL";
    child.amount = kind === "DELEGATECALL" ? frame.amount : amount;
    if (kind === "DELEGATECALL") copyWord(child.value, 0, frame.value, 0);
    else if (withValue) copyWord(child.value, 0, stack, valueAt);
    else setZero(child.value, 0);
    child.input = inputSize === 0 ? NO_BYTES : frame.memory.subarray(inputOffset, inputOffset + inputSize);
    child.outputOffset = outputOffset;
    child.outputSize = outputSize;
    start(frame, context, child);
  };
}

const selfDestruct: Handler = (frame, context) => {
  if (frame.isStatic) return frame.fail("write protection");
  const { state, rules } = context;
  const { self } = frame;
  const beneficiary = state.account(frame.stack, frame.sp - 8);
  frame.sp -= 8;
  let gas = context.warm(beneficiary) ? GAS.coldAccount : 0;
  if (self.balance > 0n && beneficiary.isEmpty) gas += GAS.newAccount;
  if (!frame.charge(gas)) return;
  const amount = self.balance;
  const destroys = rules.fork < FORK.cancun || self.createdIn === state.transaction;
  if (beneficiary !== self) {
    state.setBalance(beneficiary, beneficiary.balance + amount);
    state.setBalance(self, 0n);
  } else if (destroys) state.setBalance(self, 0n);
  if (destroys && state.markDestroyed(self)) {
    state.touch(self);
    if (rules.fork < FORK.london) context.refund += GAS.selfdestructRefundBerlin;
  }
  context.tracer?.onSelfDestruct?.(frame, beneficiary.bytes, amount);
  frame.status = STATUS.succeeded;
};

export const calling: Family = [
  [0xf1, call("CALL")],
  [0xf2, call("CALLCODE")],
  [0xf4, call("DELEGATECALL")],
  [0xfa, call("STATICCALL")],
  [0xff, selfDestruct],
];
