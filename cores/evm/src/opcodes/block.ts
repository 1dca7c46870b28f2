/**
 * 0x40–0x4a: block information (Yellow Paper appendix H.2; PREVRANDAO EIP-4399, CHAINID EIP-1344, SELFBALANCE
 * EIP-1884, BASEFEE EIP-3198, BLOBHASH EIP-4844, BLOBBASEFEE EIP-7516).
 */
import type { Frame } from "../frame.js";
import { copyWord, setBigint, setBytes, setZero, toNumber } from "../word.js";
import type { Family, Handler } from "./handler.js";

const HISTORY_BLOCKS = 256;

function pushWord(frame: Frame, word: Int32Array): void {
  copyWord(frame.stack, frame.sp, word, 0);
  frame.sp += 8;
}

function setOptional(frame: Frame, bytes: Uint8Array | undefined): void {
  if (bytes === undefined) setZero(frame.stack, frame.sp - 8);
  else setBytes(frame.stack, frame.sp - 8, bytes, 0, 32);
}

const blockHash: Handler = (frame, { block }) => {
  const number = toNumber(frame.stack, frame.sp - 8);
  const known = number < block.number && number >= block.number - HISTORY_BLOCKS;
  setOptional(frame, known ? block.blockHash(number) : undefined);
};

const blobHash: Handler = (frame, context) =>
  setOptional(frame, context.blobHashes[toNumber(frame.stack, frame.sp - 8)]);

const selfBalance: Handler = (frame) => {
  setBigint(frame.stack, frame.sp, frame.self.balance);
  frame.sp += 8;
};

export const block: Family = [
  [0x40, blockHash],
  [0x41, (frame, context) => pushWord(frame, context.coinbase.word)],
  [0x42, (frame, context) => frame.push(context.block.timestamp)],
  [0x43, (frame, context) => frame.push(context.block.number)],
  [0x44, (frame, context) => pushWord(frame, context.prevRandao)],
  [0x45, (frame, context) => pushWord(frame, context.gasLimit)],
  [0x46, (frame, context) => pushWord(frame, context.chainId)],
  [0x47, selfBalance],
  [0x48, (frame, context) => pushWord(frame, context.baseFee)],
  [0x49, blobHash],
  [0x4a, (frame, context) => pushWord(frame, context.blobBaseFee)],
];
