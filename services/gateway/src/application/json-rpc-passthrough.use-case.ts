import { CodedError } from "@aios/kernel/coded-error";
import type { RpcNode } from "../domain/ports.js";
import { RPC_ERROR, refusal, refusalOf } from "../domain/rpc-policy.js";

/** Lets allowed JSON-RPC calls through to the chain's node; the others are answered here. */
export class JsonRpcPassthrough {
  constructor(
    private readonly node: RpcNode,
    private readonly maxBatch: number,
  ) {}

  async call(body: unknown, signedIn: boolean, signal: AbortSignal | undefined): Promise<unknown> {
    if (!Array.isArray(body)) return refusalOf(body, signedIn) ?? this.node.post(body, signal);
    if (body.length === 0) return refusal(null, RPC_ERROR.invalidRequest, "An empty batch.");
    if (body.length > this.maxBatch)
      return refusal(null, RPC_ERROR.limit, `A batch may have at most ${this.maxBatch} calls.`);
    const refusals = body.map((request: unknown) => refusalOf(request, signedIn));
    const allowed = body.filter((_, index) => refusals[index] === undefined);
    const answers = allowed.length === 0 ? [] : await this.node.post(allowed, signal);
    if (!Array.isArray(answers)) return answers;
    if (answers.length !== allowed.length) {
      throw new CodedError({
        code: "unreadable-answer",
        kind: "internal",
        message: "The chain's node answered the batch in part.",
      });
    }
    return [...refusals.filter((refused) => refused !== undefined), ...(answers as unknown[])];
  }
}
