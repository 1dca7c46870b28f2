/**
 * 0x00, 0x50–0x53, 0x56–0x5b, 0x5e–0x9f, 0xf3, 0xfd: stack, memory and flow (Yellow Paper appendix H.2; MCOPY EIP-5656,
 * PUSH0 EIP-3855, REVERT EIP-140).
 */
import { type Frame, STATUS, type Status } from "../frame.js";
import { GAS } from "../gas.js";
import { copyWord, isZero, setBigint, setBytes, setZero, swapWords, toNumber, writeBytes } from "../word.js";
import type { Family, Handler } from "./handler.js";

const memoryLoad: Handler = (frame) => {
  const at = frame.sp - 8;
  const offset = toNumber(frame.stack, at);
  if (frame.expand(offset, 32)) setBytes(frame.stack, at, frame.memory, offset, 32);
};

const memoryStore: Handler = (frame) => {
  const offset = toNumber(frame.stack, frame.sp - 8);
  if (frame.expand(offset, 32)) writeBytes(frame.stack, frame.sp - 16, frame.memory, offset);
  frame.sp -= 16;
};

const memoryStoreByte: Handler = (frame) => {
  const offset = toNumber(frame.stack, frame.sp - 8);
  if (frame.expand(offset, 1)) frame.memory[offset] = frame.stack[frame.sp - 16];
  frame.sp -= 16;
};

const memoryCopy: Handler = (frame) => {
  const target = toNumber(frame.stack, frame.sp - 8);
  const from = toNumber(frame.stack, frame.sp - 16);
  const size = toNumber(frame.stack, frame.sp - 24);
  frame.sp -= 24;
  if (!frame.charge(GAS.copyWord * Math.ceil(size / 32))) return;
  if (!frame.expand(Math.max(target, from), size) || size === 0) return;
  frame.memory.copyWithin(target, from, from + size);
};

function jumpTo(frame: Frame, destination: number): void {
  if (frame.code.jumpDestinations[destination] === 1) frame.pc = destination;
  else frame.fail("invalid jump");
}

const jump: Handler = (frame) => {
  frame.sp -= 8;
  jumpTo(frame, toNumber(frame.stack, frame.sp));
};

const jumpIf: Handler = (frame) => {
  frame.sp -= 16;
  if (!isZero(frame.stack, frame.sp)) jumpTo(frame, toNumber(frame.stack, frame.sp + 8));
};

function push(size: number): Handler {
  return (frame) => {
    setBytes(frame.stack, frame.sp, frame.code.padded, frame.pc, size);
    frame.sp += 8;
    frame.pc += size;
  };
}

function duplicate(depth: number): Handler {
  return (frame) => {
    copyWord(frame.stack, frame.sp, frame.stack, frame.sp - depth * 8);
    frame.sp += 8;
  };
}

function swap(depth: number): Handler {
  return ({ stack, sp }) => swapWords(stack, sp - 8, sp - depth * 8 - 8);
}

function ending(status: Status): Handler {
  return (frame) => {
    const offset = toNumber(frame.stack, frame.sp - 8);
    const size = toNumber(frame.stack, frame.sp - 16);
    if (frame.expand(offset, size)) frame.finish(status, offset, size);
  };
}

const range = (first: number, count: number, make: (n: number) => Handler): Family =>
  Array.from({ length: count }, (_, i) => [first + i, make(i + 1)] as const);

export const stackMemoryFlow: Family = [
  [
    0x00,
    (frame) => {
      frame.status = STATUS.succeeded;
    },
  ],
  [
    0x50,
    (frame) => {
      frame.sp -= 8;
    },
  ],
  [0x51, memoryLoad],
  [0x52, memoryStore],
  [0x53, memoryStoreByte],
  [0x56, jump],
  [0x57, jumpIf],
  [0x58, (frame) => frame.push(frame.pc - 1)],
  [0x59, (frame) => frame.push(frame.memorySize)],
  [
    0x5a,
    (frame) => {
      if (frame.reserve === 0) frame.push(frame.gas);
      else {
        setBigint(frame.stack, frame.sp, frame.totalGas);
        frame.sp += 8;
      }
    },
  ],
  [0x5b, () => undefined],
  [0x5e, memoryCopy],
  [
    0x5f,
    (frame) => {
      setZero(frame.stack, frame.sp);
      frame.sp += 8;
    },
  ],
  ...range(0x60, 32, push),
  ...range(0x80, 16, duplicate),
  ...range(0x90, 16, swap),
  [0xf3, ending(STATUS.succeeded)],
  [0xfd, ending(STATUS.reverted)],
];
