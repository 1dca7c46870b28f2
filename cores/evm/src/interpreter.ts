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
import {
  add,
  copyWord,
  equal,
  isZero,
  lessThan,
  setBytes,
  setNumber,
  setZero,
  signedLessThan,
  sub,
  swapWords,
  toNumber,
  writeBytes,
} from "./word.js";
import { addMod, div, mod, mulMod, multiply } from "./word-multiply.js";
import { shiftLeft, shiftRight } from "./word-shift.js";

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
    if ((frame.status as number) === STATUS.halted)
      tracer?.onFault?.(frame, opcode, broken ? staticGas[opcode] : before - frame.gas + frame.unpaid);
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
      case 0x02:
        multiply(stack, sp - 16, sp - 8, sp - 16);
        sp -= 8;
        break;
      case 0x03:
        sub(stack, sp);
        sp -= 8;
        break;
      case 0x04:
        div(stack, sp);
        sp -= 8;
        break;
      case 0x06:
        mod(stack, sp);
        sp -= 8;
        break;
      case 0x08:
        addMod(stack, sp);
        sp -= 16;
        break;
      case 0x09:
        mulMod(stack, sp);
        sp -= 16;
        break;
      case 0x10:
        setNumber(stack, sp - 16, lessThan(stack, sp - 8, sp - 16) ? 1 : 0);
        sp -= 8;
        break;
      case 0x11:
        setNumber(stack, sp - 16, lessThan(stack, sp - 16, sp - 8) ? 1 : 0);
        sp -= 8;
        break;
      case 0x12:
        setNumber(stack, sp - 16, signedLessThan(stack, sp - 8, sp - 16) ? 1 : 0);
        sp -= 8;
        break;
      case 0x13:
        setNumber(stack, sp - 16, signedLessThan(stack, sp - 16, sp - 8) ? 1 : 0);
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
      case 0x17:
        sp -= 8;
        stack[sp - 8] |= stack[sp];
        stack[sp - 7] |= stack[sp + 1];
        stack[sp - 6] |= stack[sp + 2];
        stack[sp - 5] |= stack[sp + 3];
        stack[sp - 4] |= stack[sp + 4];
        stack[sp - 3] |= stack[sp + 5];
        stack[sp - 2] |= stack[sp + 6];
        stack[sp - 1] |= stack[sp + 7];
        break;
      case 0x18:
        sp -= 8;
        stack[sp - 8] ^= stack[sp];
        stack[sp - 7] ^= stack[sp + 1];
        stack[sp - 6] ^= stack[sp + 2];
        stack[sp - 5] ^= stack[sp + 3];
        stack[sp - 4] ^= stack[sp + 4];
        stack[sp - 3] ^= stack[sp + 5];
        stack[sp - 2] ^= stack[sp + 6];
        stack[sp - 1] ^= stack[sp + 7];
        break;
      case 0x19:
        stack[sp - 8] = ~stack[sp - 8];
        stack[sp - 7] = ~stack[sp - 7];
        stack[sp - 6] = ~stack[sp - 6];
        stack[sp - 5] = ~stack[sp - 5];
        stack[sp - 4] = ~stack[sp - 4];
        stack[sp - 3] = ~stack[sp - 3];
        stack[sp - 2] = ~stack[sp - 2];
        stack[sp - 1] = ~stack[sp - 1];
        break;
      case 0x1b:
        shiftLeft(stack, sp);
        sp -= 8;
        break;
      case 0x1c:
        shiftRight(stack, sp);
        sp -= 8;
        break;
      case 0x50:
        sp -= 8;
        break;
      case 0x51: {
        const offset = toNumber(stack, sp - 8);
        if (offset + 32 > frame.memorySize) {
          frame.gas = gas;
          if (!frame.expand(offset, 32)) return;
          gas = frame.gas;
        }
        setBytes(stack, sp - 8, frame.memory, offset, 32);
        break;
      }
      case 0x52: {
        sp -= 16;
        const offset = toNumber(stack, sp + 8);
        if (offset + 32 > frame.memorySize) {
          frame.gas = gas;
          if (!frame.expand(offset, 32)) return;
          gas = frame.gas;
        }
        writeBytes(stack, sp, frame.memory, offset);
        break;
      }
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
      case 0x62:
      case 0x63:
      case 0x64:
      case 0x65:
      case 0x66:
      case 0x67:
      case 0x68:
      case 0x69:
      case 0x6a:
      case 0x6b:
      case 0x6c:
      case 0x6d:
      case 0x6e:
      case 0x6f:
      case 0x70:
      case 0x71:
      case 0x72:
      case 0x73:
      case 0x74:
      case 0x75:
      case 0x76:
      case 0x77:
      case 0x78:
      case 0x79:
      case 0x7a:
      case 0x7b:
      case 0x7c:
      case 0x7d:
      case 0x7e:
      case 0x7f:
        setBytes(stack, sp, code, pc, opcode - 0x5f);
        pc += opcode - 0x5f;
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
      case 0x88:
      case 0x89:
      case 0x8a:
      case 0x8b:
      case 0x8c:
      case 0x8d:
      case 0x8e:
      case 0x8f:
        copyWord(stack, sp, stack, sp - (opcode - 0x7f) * 8);
        sp += 8;
        break;
      case 0x90:
      case 0x91:
      case 0x92:
      case 0x93:
      case 0x94:
      case 0x95:
      case 0x96:
      case 0x97:
      case 0x98:
      case 0x99:
      case 0x9a:
      case 0x9b:
      case 0x9c:
      case 0x9d:
      case 0x9e:
      case 0x9f:
        swapWords(stack, sp - 8, sp - (opcode - 0x8e) * 8);
        break;
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
