/** 0xa0–0xa4: logs (Yellow Paper appendix H.2). */
import { NO_BYTES } from "../frame.js";
import { GAS } from "../gas.js";
import { toBytes, toNumber } from "../word.js";
import type { Family, Handler } from "./handler.js";

function log(count: number): Handler {
  return (frame, context) => {
    if (frame.isStatic) return frame.fail("write protection");
    const offset = toNumber(frame.stack, frame.sp - 8);
    const size = toNumber(frame.stack, frame.sp - 16);
    if (!frame.charge(GAS.logByte * size) || !frame.expand(offset, size)) return;
    const topics: Uint8Array[] = [];
    for (let i = 0; i < count; i++) topics.push(toBytes(frame.stack, frame.sp - 24 - i * 8));
    frame.sp -= 16 + count * 8;
    const data = size === 0 ? NO_BYTES : frame.memory.slice(offset, offset + size);
    context.state.addLog({ address: frame.self.bytes, topics, data });
    context.tracer?.onLog?.(frame, topics, data);
  };
}

export const logging: Family = [0, 1, 2, 3, 4].map((count) => [0xa0 + count, log(count)] as const);
