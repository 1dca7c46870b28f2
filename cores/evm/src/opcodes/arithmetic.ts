/**
 * 0x01–0x0b: arithmetic (Yellow Paper appendix H.2; EXP gas by EIP-160), and 0x10–0x1e: comparison and bits (shifts
 * EIP-145, CLZ EIP-7939).
 */
import { GAS } from "../gas.js";
import { add, equal, isZero, LIMBS, lessThan, setNumber, signedLessThan, sub } from "../word.js";
import { addMod, div, exp, mod, mulMod, multiply, signedDiv, signedMod } from "../word-multiply.js";
import { byteAt, leadingZeros, shiftLeft, shiftRight, shiftRightSigned, signExtend } from "../word-shift.js";
import type { Family, Handler } from "./handler.js";

type WordOperation = (stack: Int32Array, sp: number) => void;

function taking(operands: number, operation: WordOperation): Handler {
  const drop = (operands - 1) * LIMBS;
  return (frame) => {
    operation(frame.stack, frame.sp);
    frame.sp -= drop;
  };
}

function comparing(holds: (stack: Int32Array, top: number, next: number) => boolean): Handler {
  return (frame) => {
    const next = frame.sp - 16;
    setNumber(frame.stack, next, holds(frame.stack, frame.sp - 8, next) ? 1 : 0);
    frame.sp -= 8;
  };
}

function bitwise(operation: (a: number, b: number) => number): WordOperation {
  return (s, sp) => {
    for (let i = 1; i <= LIMBS; i++) s[sp - 8 - i] = operation(s[sp - i], s[sp - 8 - i]);
  };
}

function byteLength(s: Int32Array, a: number): number {
  return Math.ceil((256 - leadingZeros(s, a)) / 8);
}

const exponentiate: Handler = (frame) => {
  if (!frame.charge(GAS.expByte * byteLength(frame.stack, frame.sp - 16))) return;
  exp(frame.stack, frame.sp);
  frame.sp -= 8;
};

export const arithmetic: Family = [
  [0x01, taking(2, add)],
  [0x02, taking(2, (s, sp) => multiply(s, sp - 16, sp - 8, sp - 16))],
  [0x03, taking(2, sub)],
  [0x04, taking(2, div)],
  [0x05, taking(2, signedDiv)],
  [0x06, taking(2, mod)],
  [0x07, taking(2, signedMod)],
  [0x08, taking(3, addMod)],
  [0x09, taking(3, mulMod)],
  [0x0a, exponentiate],
  [0x0b, taking(2, signExtend)],
  [0x10, comparing(lessThan)],
  [0x11, comparing((s, top, next) => lessThan(s, next, top))],
  [0x12, comparing(signedLessThan)],
  [0x13, comparing((s, top, next) => signedLessThan(s, next, top))],
  [0x14, comparing(equal)],
  [0x15, (frame) => setNumber(frame.stack, frame.sp - 8, isZero(frame.stack, frame.sp - 8) ? 1 : 0)],
  [
    0x16,
    taking(
      2,
      bitwise((a, b) => a & b),
    ),
  ],
  [
    0x17,
    taking(
      2,
      bitwise((a, b) => a | b),
    ),
  ],
  [
    0x18,
    taking(
      2,
      bitwise((a, b) => a ^ b),
    ),
  ],
  [
    0x19,
    (frame) => {
      for (let i = 1; i <= LIMBS; i++) frame.stack[frame.sp - i] = ~frame.stack[frame.sp - i];
    },
  ],
  [0x1a, taking(2, byteAt)],
  [0x1b, taking(2, shiftLeft)],
  [0x1c, taking(2, shiftRight)],
  [0x1d, taking(2, shiftRightSigned)],
  [0x1e, (frame) => setNumber(frame.stack, frame.sp - 8, leadingZeros(frame.stack, frame.sp - 8))],
];
