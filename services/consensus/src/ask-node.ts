import { decodeContractError } from "@aios/contracts/errors";
import { CodedError } from "@aios/kernel/coded-error";

const TIMEOUT_MS = 10_000;

interface RpcError {
  readonly message: string;
  readonly data?: unknown;
}

/** One question to a node's JSON-RPC. Throws `node-unreachable`, and `node-refused` with what the node or a contract says. */
export async function askNode<T>(url: string, method: string, params: readonly unknown[]): Promise<T> {
  let answer: { readonly result?: T; readonly error?: RpcError };
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    answer = (await response.json()) as typeof answer;
  } catch (cause) {
    throw new CodedError({
      code: "node-unreachable",
      kind: "unavailable",
      message: `No node answers at ${url}.`,
      cause,
    });
  }
  if (answer.error !== undefined) throw refused(answer.error);
  return answer.result as T;
}

function refused({ message, data }: RpcError): CodedError {
  const isRevert = typeof data === "string" && data.length > 2;
  return new CodedError({
    code: "node-refused",
    kind: "unprocessable",
    message: isRevert ? decodeContractError(data).message : message,
  });
}
