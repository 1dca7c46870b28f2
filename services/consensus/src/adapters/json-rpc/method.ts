import type { RpcValue } from "./format.js";

export type RpcParameters = readonly unknown[];
export type RpcMethod = (parameters: RpcParameters) => RpcValue | Promise<RpcValue>;
export type RpcMethods = Readonly<Record<string, RpcMethod>>;
