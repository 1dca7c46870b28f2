import type { ExecutionContext } from "./context.js";
import { type Frame, STATUS } from "./frame.js";
import { beginCall, deliver, endCall } from "./message-call.js";
import { arithmetic } from "./opcodes/arithmetic.js";
import { block } from "./opcodes/block.js";
import { calling } from "./opcodes/calling.js";
import { creation } from "./opcodes/creation.js";
import { environment } from "./opcodes/environment.js";
import type { Handler } from "./opcodes/handler.js";
import { hashing } from "./opcodes/hashing.js";
import { logging } from "./opcodes/logging.js";
import { stackMemoryFlow } from "./opcodes/stack-memory-flow.js";
import { storage } from "./opcodes/storage.js";
import { add, copyWord, equal, isZero, lessThan, setNumber, setZero, sub, toNumber } from "./word.js";
import { shiftRight } from "./word-shift.js";

const HANDLERS: Handler[] = new Array<Handler>(256).fill((frame) => frame.fail("invalid opcode"));
for (const family of [
  arithmetic,
  hashing,
  environment,
  block,
  stackMemoryFlow,
  storage,
  logging,
  calling,
  creation,
])
  for (const [opcode, handler] of family) HANDLERS[opcode] = handler;

/** Runs a call of depth 0, filled in, with all calls it makes. Its result is in the frame. */
export function execute(context: ExecutionContext, root: Frame): void {
  if (!beginCall(context, root)) return;
  const run = context.tracer === undefined ? runFrame : runTraced;
  let frame = root;
  for (;;) {
    run(frame, context);
    if (frame.status === STATUS.calling) {
      frame = context.child as Frame;
      continue;
    }
    endCall(context, frame);
    if (frame === root) return;
    const caller = context.frames.at(frame.depth - 1);
    deliver(caller, frame);
    frame = caller;
  }
}

/** Names what the checks before an instruction found wrong. */
function failChecks(frame: Frame, context: ExecutionContext, opcode: number): void {
  const { minStack, maxStack } = context.rules;
  if (maxStack[opcode] < 0) frame.fail("invalid opcode");
  else if (frame.sp < minStack[opcode]) frame.fail("stack underflow");
  else if (frame.sp > maxStack[opcode]) frame.fail("stack overflow");
  else frame.fail("out of gas");
}

/** One instruction after the other through its handler, with the hooks of the tracer around it. */
function runTraced(frame: Frame, context: ExecutionContext): void {
  const { staticGas, minStack, maxStack } = context.rules;
  const code = frame.code.padded;
  const tracer = context.tracer;
  while (frame.status === STATUS.running) {
    const opcode = code[frame.pc];
    if (frame.gas < staticGas[opcode]) frame.refill();
    const before = frame.gas;
    tracer?.onStep?.(frame, opcode, context.refund);
    const broken = frame.sp < minStack[opcode] || frame.sp > maxStack[opcode] || before < staticGas[opcode];
    if (broken) failChecks(frame, context, opcode);
    else {
      frame.pc++;
      frame.gas -= staticGas[opcode];
      HANDLERS[opcode](frame, context);
    }
    // The handler changes what the loop's condition has narrowed.
    if ((frame.status as number) === STATUS.halted) tracer?.onFault?.(frame, opcode);
    else tracer?.onStepEnd?.(frame, opcode, before - frame.gas);
  }
}

/**
 * The same without hooks. The most frequent instructions are written out on local variables; all others go through
 * their handlers. Every vector runs through both loops in the tests.
 */
function runFrame(frame: Frame, context: ExecutionContext): void {
  const { staticGas, minStack, maxStack } = context.rules;
  const code = frame.code.padded;
  const stack = frame.stack;
  let pc = frame.pc;
  let sp = frame.sp;
  let gas = frame.gas;
  for (;;) {
    const opcode = code[pc];
    gas -= staticGas[opcode];
    if (gas < 0 && frame.reserve > 0) {
      frame.gas = gas;
      frame.refill();
      gas = frame.gas;
    }
    if (gas < 0 || sp < minStack[opcode] || sp > maxStack[opcode]) {
      frame.sp = sp;
      failChecks(frame, context, opcode);
      return;
    }
    pc++;
    switch (opcode) {
      case 0x01:
        add(stack, sp);
        sp -= 8;
        break;
      case 0x03:
        sub(stack, sp);
        sp -= 8;
        break;
      case 0x10:
        setNumber(stack, sp - 16, lessThan(stack, sp - 8, sp - 16) ? 1 : 0);
        sp -= 8;
        break;
      case 0x11:
        setNumber(stack, sp - 16, lessThan(stack, sp - 16, sp - 8) ? 1 : 0);
        sp -= 8;
        break;
      case 0x14:
        setNumber(stack, sp - 16, equal(stack, sp - 8, sp - 16) ? 1 : 0);
        sp -= 8;
        break;
      case 0x15:
        setNumber(stack, sp - 8, isZero(stack, sp - 8) ? 1 : 0);
        break;
      case 0x16:
        sp -= 8;
        stack[sp - 8] &= stack[sp];
        stack[sp - 7] &= stack[sp + 1];
        stack[sp - 6] &= stack[sp + 2];
        stack[sp - 5] &= stack[sp + 3];
        stack[sp - 4] &= stack[sp + 4];
        stack[sp - 3] &= stack[sp + 5];
        stack[sp - 2] &= stack[sp + 6];
        stack[sp - 1] &= stack[sp + 7];
        break;
      case 0x1c:
        shiftRight(stack, sp);
        sp -= 8;
        break;
      case 0x50:
        sp -= 8;
        break;
      case 0x56: {
        sp -= 8;
        const destination = toNumber(stack, sp);
        if (frame.code.jumpDestinations[destination] !== 1) {
          frame.fail("invalid jump");
          return;
        }
        pc = destination;
        break;
      }
      case 0x57: {
        sp -= 16;
        if (isZero(stack, sp)) break;
        const destination = toNumber(stack, sp + 8);
        if (frame.code.jumpDestinations[destination] !== 1) {
          frame.fail("invalid jump");
          return;
        }
        pc = destination;
        break;
      }
      case 0x5b:
        break;
      case 0x5f:
        setZero(stack, sp);
        sp += 8;
        break;
      case 0x60:
        setZero(stack, sp);
        stack[sp] = code[pc++];
        sp += 8;
        break;
      case 0x61:
        setZero(stack, sp);
        stack[sp] = (code[pc] << 8) | code[pc + 1];
        pc += 2;
        sp += 8;
        break;
      case 0x63:
        setZero(stack, sp);
        stack[sp] = (code[pc] << 24) | (code[pc + 1] << 16) | (code[pc + 2] << 8) | code[pc + 3];
        pc += 4;
        sp += 8;
        break;
      case 0x80:
      case 0x81:
      case 0x82:
      case 0x83:
      case 0x84:
      case 0x85:
      case 0x86:
      case 0x87:
        copyWord(stack, sp, stack, sp - (opcode - 0x7f) * 8);
        sp += 8;
        break;
      case 0x90:
      case 0x91:
      case 0x92:
      case 0x93:
      case 0x94:
      case 0x95: {
        const other = sp - (opcode - 0x8e) * 8;
        for (let i = 0, top = sp - 8; i < 8; i++) {
          const kept = stack[top + i];
          stack[top + i] = stack[other + i];
          stack[other + i] = kept;
        }
        break;
      }
      default:
        frame.pc = pc;
        frame.sp = sp;
        frame.gas = gas;
        HANDLERS[opcode](frame, context);
        if (frame.status !== STATUS.running) return;
        pc = frame.pc;
        sp = frame.sp;
        gas = frame.gas;
    }
  }
}
