/** JSON-RPC methods that anyone may call: they read. */
export const OPEN_RPC_METHODS: ReadonlySet<string> = new Set([
  "aios_getCertificate",
  "aios_getDag",
  "aios_getHandOvers",
  "aios_getHonorSet",
  "aios_honorStatus",
  "eth_blockNumber",
  "eth_call",
  "eth_chainId",
  "eth_estimateGas",
  "eth_feeHistory",
  "eth_gasPrice",
  "eth_getBalance",
  "eth_getBlockByHash",
  "eth_getBlockByNumber",
  "eth_getBlockReceipts",
  "eth_getBlockTransactionCountByHash",
  "eth_getBlockTransactionCountByNumber",
  "eth_getCode",
  "eth_getLogs",
  "eth_getProof",
  "eth_getStorageAt",
  "eth_getTransactionByBlockHashAndIndex",
  "eth_getTransactionByBlockNumberAndIndex",
  "eth_getTransactionByHash",
  "eth_getTransactionCount",
  "eth_getTransactionReceipt",
  "eth_maxPriorityFeePerGas",
  "eth_syncing",
  "net_version",
  "web3_clientVersion",
]);

/** Methods for signed-in accounts: they cost the platform work, and carry their own signature. */
export const ACCOUNT_RPC_METHODS: ReadonlySet<string> = new Set(["eth_sendRawTransaction"]);

/** JSON-RPC 2.0 and EIP-1474 error codes that the gateway itself gives. */
export const RPC_ERROR = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  unauthorised: -32001,
  limit: -32005,
} as const;

export interface RpcRequest {
  readonly jsonrpc: "2.0";
  readonly id: string | number | null;
  readonly method: string;
  readonly params?: unknown;
}

export interface RpcRefusal {
  readonly jsonrpc: "2.0";
  readonly id: string | number | null;
  readonly error: { readonly code: number; readonly message: string };
}

/** Calls that a body makes the node answer: those of a batch, otherwise one. A batch over the limit is refused unread. */
export function callsIn(body: unknown, maxBatch: number): number {
  return Array.isArray(body) && body.length <= maxBatch ? Math.max(1, body.length) : 1;
}

/** A refusal for the node never to see the request, or undefined where it may pass. */
export function refusalOf(request: unknown, signedIn: boolean): RpcRefusal | undefined {
  if (!isRequest(request)) return refusal(null, RPC_ERROR.invalidRequest, "Not a JSON-RPC 2.0 request.");
  if (OPEN_RPC_METHODS.has(request.method)) return undefined;
  if (!ACCOUNT_RPC_METHODS.has(request.method)) {
    return refusal(
      request.id,
      RPC_ERROR.methodNotFound,
      `The method ${request.method.slice(0, 64)} is not offered here.`,
    );
  }
  return signedIn
    ? undefined
    : refusal(request.id, RPC_ERROR.unauthorised, `Sign in to call ${request.method}.`);
}

export function refusal(id: string | number | null, code: number, message: string): RpcRefusal {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

function isRequest(value: unknown): value is RpcRequest {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { jsonrpc, id, method } = value as Record<string, unknown>;
  const idFits = id === null || typeof id === "number" || (typeof id === "string" && id.length <= 128);
  return jsonrpc === "2.0" && idFits && typeof method === "string";
}
