import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { packOutput } from "@aios/core-zkml/output-packing";

const DIST = join(import.meta.dirname, "..", "..", "dist");
const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
// As the gateway sends it.
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'";

const JOB_ID = `0x${"ab".repeat(32)}`;
const address = (digit: string): string => `0x${digit.repeat(40)}`;
const transaction = (digit: string): string => `0x${digit.repeat(64)}`;

export type Mood = "full" | "empty" | "broken" | "silent";

/** The built studio with a platform that answers from fixtures; its mood can change while the page is open. */
export class FakePlatform {
  mood: Mood = "full";
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}/`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const dynamic = url.pathname.startsWith("/v1") || url.pathname === "/rpc" || url.pathname === "/health";
    if (!dynamic) return this.#file(url.pathname === "/" ? "/index.html" : url.pathname, response);
    if (this.mood === "silent") return;
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = pieces.length === 0 ? {} : (JSON.parse(Buffer.concat(pieces).toString()) as { method?: string; params?: string[]; id?: number });
    if (this.mood === "broken") return send(response, 503, { code: "peer-unavailable", status: 503, detail: "compute cannot be reached just now; try again shortly." });
    if (url.pathname === "/rpc") return send(response, 200, { jsonrpc: "2.0", id: body.id, result: rpc(body.method ?? "", body.params ?? []) });
    const value = this.mood === "empty" ? empty(url.pathname) : full(url.pathname);
    if (value === undefined) return send(response, 404, { code: "not-found", status: 404, detail: "There is no such thing." });
    send(response, 200, value);
  }

  async #file(path: string, response: ServerResponse): Promise<void> {
    try {
      const bytes = await readFile(join(DIST, path));
      response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream", "content-security-policy": POLICY });
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

function empty(path: string): unknown {
  if (path === "/health") return { status: "ok", version: "0.1.0", services: [] };
  if (path === "/v1/models") return { items: [], nextCursor: null };
  if (path === "/v1/providers") return { providers: [] };
  return undefined;
}

function full(path: string): unknown {
  switch (path) {
    case "/health":
      return { status: "ok", version: "0.1.0", services: ["consensus", "economy", "compute"].map((name) => ({ name, healthy: true, detail: "answers", latencyMs: 1.2 })) };
    case "/v1/demo":
      return { warning: "A demo key of a local network. Everyone who opens this page has it.", privateKey: `0x${"a1".repeat(32)}`, account: address("1") };
    case "/v1/models":
      return { items: [model()], nextCursor: null };
    case "/v1/providers":
      return { providers: [provider("north", "2"), provider("south", "3")] };
    default:
      return undefined;
  }
}

function model(): unknown {
  return {
    draftId: "00000000-0000-4000-8000-000000000001",
    modelId: 1,
    state: "published",
    owner: address("4"),
    name: "Handwritten digits",
    description: "",
    contentCid: "bafkreimodel",
    modelCommitment: transaction("5"),
    verifyingKeyHash: transaction("6"),
    verifyingKeyCid: null,
    keyTrust: "forgeable by whoever ran the development set-up",
    licencePriceWei: "20000000000000000000",
    royaltyBps: 700,
    usageFeeWei: "100000000000000000",
    report: null,
    publicationTransactionHash: transaction("7"),
    createdAtMs: 1,
    progress: null,
    error: null,
  };
}

function provider(name: string, digit: string): unknown {
  return {
    address: address(digit),
    name,
    online: true,
    draining: false,
    capabilities: { cpuCores: 2, memoryBytes: 1, diskBytes: 1, gpus: [], jobKinds: ["inference"], maxParallelJobs: 2, softwareVersion: "0.1.0" },
    selfTest: { evaluatorMacsPerSecond: 320_000_000, trainingSamplesPerSecond: 900, resultHash: "0x", measuredAtMs: 1, signature: "0x" },
    stakedWei: "1000000000000000000000",
    registrationTransactionHash: transaction("8"),
    lastSeenMs: 1,
    runningJobs: 0,
    priceWei: { inference: "500000000000000000" },
  };
}

/** A settled job as the API answers it. */
export function settledJob(): Record<string, unknown> {
  const steps = ["prepared", "funded", "matched", "leased", "computed", "delivered", "proven", "settled"];
  const onChain = new Set(["funded", "leased", "delivered", "settled"]);
  return {
    jobId: JOB_ID,
    state: "settled",
    output: `0x${packOutput([-900, -500, 120, 300, -800, -200, -1100, 2400, -40, 610]).toString(16).padStart(64, "0")}`,
    steps: steps.map((name, index) => ({
      name,
      atMs: 1_000 + index * 420,
      transactionHash: onChain.has(name) ? transaction(String(index + 1)) : null,
      gasUsed: onChain.has(name) ? 120_000 + index * 9_000 : null,
      note: "",
    })),
  };
}

function rpc(method: string, params: readonly string[]): unknown {
  if (method === "eth_blockNumber") return "0x2a";
  if (method === "eth_getBlockByNumber") {
    const number = Number(params[0]);
    return {
      number: `0x${number.toString(16)}`,
      hash: transaction((number % 10).toString()),
      parentHash: transaction("0"),
      timestamp: "0x6560a000",
      gasUsed: "0x1d4c0",
      gasLimit: "0x1c9c380",
      transactions: number % 2 === 0 ? [{ hash: `0x${number.toString(16).padStart(64, "0")}`, from: address("1"), to: address("2"), input: "0x", value: "0x0", nonce: "0x0", blockNumber: "0x2a" }] : [],
    };
  }
  if (method === "eth_getTransactionByHash") return { hash: params[0], from: address("1"), to: address("2"), input: "0x12345678", value: "0x0", nonce: "0x1", blockNumber: "0x2a" };
  if (method === "eth_getTransactionReceipt") {
    return { transactionHash: params[0], blockHash: transaction("1"), blockNumber: "0x2a", from: address("1"), to: address("2"), gasUsed: "0x1d4c0", status: "0x1", logs: [] };
  }
  return null;
}
