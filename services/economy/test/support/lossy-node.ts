import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { keccak256 } from "ethers";

interface RpcRequest {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What happens to a broadcast: it reaches the node, is lost, or is held back while the node claims to have it. */
export type Fate = "forward" | "lose" | "hold";

/** JSON-RPC in front of a real node that mistreats broadcasts. Has no WebSocket: clients have to poll. */
export class LossyNode {
  readonly broadcasts: string[] = [];
  readonly #held = new Set<string>();
  #server: Server | undefined;
  fateOf: (transactionHash: string, nth: number) => Fate = () => "forward";

  constructor(private readonly upstream: string) {}

  get url(): string {
    const listening = this.#server?.address() as AddressInfo | undefined;
    if (listening === undefined) throw new TypeError("the lossy node was not started");
    return `http://127.0.0.1:${listening.port}`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.#answer(Buffer.concat(chunks).toString("utf8"))
          .then((answer) => response.setHeader("content-type", "application/json").end(answer))
          .catch(() => response.writeHead(502).end());
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #answer(body: string): Promise<string> {
    const request = JSON.parse(body) as RpcRequest | readonly RpcRequest[];
    if ("method" in request) {
      const own = this.#ownAnswer(request);
      if (own !== undefined) return JSON.stringify({ jsonrpc: "2.0", id: request.id, result: own });
    }
    const headers = { "content-type": "application/json" };
    return (await fetch(this.upstream, { method: "POST", headers, body })).text();
  }

  /** `undefined`: the node itself answers. */
  #ownAnswer({ method, params }: RpcRequest): unknown {
    if (method === "eth_sendRawTransaction") {
      const hash = keccak256(String(params[0]));
      this.broadcasts.push(hash);
      const fate = this.fateOf(hash, this.broadcasts.filter((one) => one === hash).length);
      if (fate === "hold") this.#held.add(hash);
      return fate === "forward" ? undefined : hash;
    }
    const held = method === "eth_getTransactionByHash" && this.#held.has(String(params[0]));
    return held ? { hash: params[0] } : undefined;
  }
}
