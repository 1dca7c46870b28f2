import type { RpcMethod, RpcMethods } from "../method.js";
import { RPC, RpcError } from "../rpc-error.js";

const noKeys: RpcMethod = () => {
  throw new RpcError(
    RPC.methodNotSupported,
    "this node holds no keys: sign in the wallet and use eth_sendRawTransaction",
  );
};

const laterFork: RpcMethod = () => {
  throw new RpcError(RPC.methodNotSupported, "unsupported: block access lists need a fork after Osaka");
};

/** Methods of Ethereum's definitions that this node answers with one stable error. */
export const refusedMethods: RpcMethods = {
  eth_sendTransaction: noKeys,
  eth_signTransaction: noKeys,
  eth_sign: noKeys,
  eth_signTypedData: noKeys,
  eth_signTypedData_v3: noKeys,
  eth_signTypedData_v4: noKeys,
  personal_sign: noKeys,
  eth_getBlockAccessList: laterFork,
  eth_getBlockAccessListByBlockHash: laterFork,
  eth_getBlockAccessListByBlockNumber: laterFork,
  debug_getRawBlockAccessList: laterFork,
};
