import type { RpcValue } from "./format.js";

export type RpcParameters = readonly unknown[];
export interface RpcMethod {
  (parameters: RpcParameters): RpcValue | Promise<RpcValue>;
  /** As so many requests of one batch, at the cost of one: of each its result, or what would have been thrown. */
  readonly many?: (all: readonly RpcParameters[]) => Promise<readonly (RpcValue | Error)[]>;
}
export type RpcMethods = Readonly<Record<string, RpcMethod>>;
