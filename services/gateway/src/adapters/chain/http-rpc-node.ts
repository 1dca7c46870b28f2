import { chainUnavailable } from "../../domain/errors.js";
import type { RpcNode } from "../../domain/ports.js";

export interface HttpRpcNodeSettings {
  readonly url: string;
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
}

/** The chain's node over HTTP, with limits on time and size. */
export class HttpRpcNode implements RpcNode {
  constructor(private readonly settings: HttpRpcNodeSettings) {}

  async post(body: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    const limit = AbortSignal.timeout(this.settings.timeoutMs);
    try {
      const response = await fetch(this.settings.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
        redirect: "error",
      });
      return JSON.parse(await this.#text(response)) as unknown;
    } catch (cause) {
      throw chainUnavailable(cause);
    }
  }

  async #text(response: Response): Promise<string> {
    const pieces: Buffer[] = [];
    let total = 0;
    for await (const piece of response.body ?? []) {
      total += piece.length;
      if (total > this.settings.maxAnswerBytes)
        throw new Error(`the node's answer exceeds ${this.settings.maxAnswerBytes} bytes`);
      pieces.push(Buffer.from(piece));
    }
    return Buffer.concat(pieces).toString("utf8");
  }
}
