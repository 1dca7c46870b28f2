import { toHex } from "@aios/core-rlp/hex";
import { isCodedError } from "@aios/kernel/coded-error";

export interface RpcErrorObject {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** Codes of JSON-RPC 2.0 and of EIP-1474. */
export const RPC = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  server: -32000,
  resourceNotFound: -32001,
  resourceUnavailable: -32002,
  transactionRejected: -32003,
  methodNotSupported: -32004,
  limitExceeded: -32005,
  executionReverted: 3,
} as const;

/** An error with its JSON-RPC code; everything else is mapped by `toRpcError`. */
export class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(message);
    this.name = "RpcError";
  }
}

export const invalidParams = (message: string): RpcError => new RpcError(RPC.invalidParams, message);
export const limitExceeded = (message: string): RpcError => new RpcError(RPC.limitExceeded, message);

/** What the caller sees. `onInternal` receives what must not leak. */
export function toRpcError(error: unknown, onInternal: (error: unknown) => void): RpcErrorObject {
  if (error instanceof RpcError) {
    return error.data === undefined
      ? { code: error.code, message: error.message }
      : { code: error.code, message: error.message, data: error.data };
  }
  if (!isCodedError(error) || error.kind === "internal") {
    onInternal(error);
    return { code: RPC.internal, message: "internal error" };
  }
  if (error.code === "execution-reverted") {
    const output = error.details["output"];
    return {
      code: RPC.executionReverted,
      message: error.message,
      data: output instanceof Uint8Array ? toHex(output) : "0x",
    };
  }
  if (error.code === "simulation-refused" || error.code === "history-pruned") {
    const code = error.details["rpcCode"];
    return { code: typeof code === "number" ? code : RPC.server, message: error.message };
  }
  // Named, so that callers tell a call that can never work from a node that cannot answer now.
  if (error.code === "execution-halted" || error.code === "not-an-honor-chain")
    return { code: RPC.server, message: error.message, data: { code: error.code } };
  if (error.code === "invalid-hex" || error.code === "invalid-unit")
    return { code: RPC.invalidParams, message: error.message };
  if (error.kind === "rate-limited" || error.code === "engine-busy")
    return { code: RPC.limitExceeded, message: error.message };
  return { code: RPC.server, message: error.message };
}
