import type { ExecutionContext } from "../context.js";
import type { Frame } from "../frame.js";

/**
 * One instruction. Stack depth and static gas are checked and paid before; `frame.pc` is behind the opcode. A handler
 * that fails sets the frame's status through `charge`, `expand` or `fail` and returns.
 */
export type Handler = (frame: Frame, context: ExecutionContext) => void;

/** Handlers of one family, by opcode. */
export type Family = readonly (readonly [opcode: number, handler: Handler])[];
