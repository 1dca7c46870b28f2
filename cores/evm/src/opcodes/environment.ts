/** 0x30–0x3f: environment (Yellow Paper appendix H.2; account access by EIP-2929, return data by EIP-211). */
import type { Account } from "../account.js";
import type { ExecutionContext } from "../context.js";
import type { Frame } from "../frame.js";
import { GAS } from "../gas.js";
import { copyWord, setBigint, setBytes, setNumber, setZero, toNumber } from "../word.js";
import type { Family, Handler } from "./handler.js";

function pushWord(frame: Frame, word: Int32Array): void {
  copyWord(frame.stack, frame.sp, word, 0);
  frame.sp += 8;
}

/** The account of the top word, paid for. `undefined` when the gas does not suffice. */
function accessTop(frame: Frame, context: ExecutionContext): Account | undefined {
  const account = context.state.account(frame.stack, frame.sp - 8);
  return frame.charge(context.warm(account) ? GAS.coldAccount : GAS.warm) ? account : undefined;
}

/** Copies from `source` to memory; target, offset and size are on top of the stack. */
function copyToMemory(frame: Frame, source: Uint8Array): void {
  const { stack } = frame;
  const target = toNumber(stack, frame.sp - 8);
  const from = toNumber(stack, frame.sp - 16);
  const size = toNumber(stack, frame.sp - 24);
  frame.sp -= 24;
  if (!frame.charge(GAS.copyWord * Math.ceil(size / 32)) || !frame.expand(target, size)) return;
  frame.copyIn(target, source, from, size);
}

const balance: Handler = (frame, context) => {
  const account = accessTop(frame, context);
  if (account !== undefined) setBigint(frame.stack, frame.sp - 8, account.balance);
};

const callDataLoad: Handler = (frame) => {
  const { stack, input } = frame;
  const at = frame.sp - 8;
  const from = toNumber(stack, at);
  if (from >= input.length) setZero(stack, at);
  else if (from + 32 <= input.length) setBytes(stack, at, input, from, 32);
  else {
    const word = new Uint8Array(32);
    word.set(input.subarray(from));
    setBytes(stack, at, word, 0, 32);
  }
};

const extCodeSize: Handler = (frame, context) => {
  const account = accessTop(frame, context);
  if (account !== undefined) setNumber(frame.stack, frame.sp - 8, account.code.length);
};

const extCodeCopy: Handler = (frame, context) => {
  const account = accessTop(frame, context);
  frame.sp -= 8;
  if (account !== undefined) copyToMemory(frame, account.code.bytes);
};

/** EIP-1052: zero for an account that is not there. */
const extCodeHash: Handler = (frame, context) => {
  const account = accessTop(frame, context);
  if (account === undefined) return;
  if (account.isEmpty) setZero(frame.stack, frame.sp - 8);
  else setBytes(frame.stack, frame.sp - 8, account.code.hash, 0, 32);
};

const returnDataCopy: Handler = (frame) => {
  const from = toNumber(frame.stack, frame.sp - 16);
  const size = toNumber(frame.stack, frame.sp - 24);
  if (from + size > frame.returnData.length) frame.fail("return data out of bounds");
  else copyToMemory(frame, frame.returnData);
};

export const environment: Family = [
  [0x30, (frame) => pushWord(frame, frame.self.word)],
  [0x31, balance],
  [0x32, (frame, context) => pushWord(frame, context.origin.word)],
  [0x33, (frame) => pushWord(frame, frame.caller.word)],
  [0x34, (frame) => pushWord(frame, frame.value)],
  [0x35, callDataLoad],
  [0x36, (frame) => frame.push(frame.input.length)],
  [0x37, (frame) => copyToMemory(frame, frame.input)],
  [0x38, (frame) => frame.push(frame.code.length)],
  [0x39, (frame) => copyToMemory(frame, frame.code.bytes)],
  [0x3a, (frame, context) => pushWord(frame, context.gasPrice)],
  [0x3b, extCodeSize],
  [0x3c, extCodeCopy],
  [0x3d, (frame) => frame.push(frame.returnData.length)],
  [0x3e, returnDataCopy],
  [0x3f, extCodeHash],
];
