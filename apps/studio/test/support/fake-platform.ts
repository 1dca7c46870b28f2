import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  jobIdOfOrder,
  type Order,
  orderTypedData,
  permitTypedData,
} from "@aios/core-settlement/order-digest";
import { tokenDomain } from "@aios/core-settlement/permit";
import { typedDataPayload } from "@aios/core-settlement/signed-data";
import { signingDomain } from "@aios/core-settlement/typed-data";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { packOutput } from "@aios/core-zkml/output-packing";
import type { ModelCapability } from "@aios/sdk/api-types";
import { requestHashOf } from "@aios/sdk/job-api";
import { privateKeySigner } from "@aios/sdk/wallet";
import { address, rpc, transaction } from "./chain-fixture.js";
import { HonorFixture } from "./honor-fixture.js";
import { operations, trace } from "./operations-fixture.js";

const DIST = join(import.meta.dirname, "..", "..", "dist");
const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
// As the gateway sends it.
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'";

const CHAIN_ID = 8018;
const DEMO_KEY = `0x${"a1".repeat(32)}`;
const DEMO_ACCOUNT = privateKeySigner(DEMO_KEY).address;
const SALT = new Uint8Array(32).fill(4);
const PRICE_WEI = 1_000_000_000_000_000_000n;

const PAGES: Readonly<Record<string, string>> = {
  "/": "/index.html",
  "/chain": "/chain.html",
  "/operations": "/operations.html",
  "/proof": "/proof.html",
};

export type Mood = "full" | "empty" | "broken" | "silent";

/** The built studio with a platform that answers from fixtures; its mood can change while the page is open. */
export class FakePlatform {
  mood: Mood = "full";
  /** Whether the visitor may see the page of operations. */
  operator = true;
  /** What the prover of a job's output reports; the job goes on once it is undefined. */
  proving: object | undefined;
  /** Nodes of the honor set; 1: one node makes the chain. */
  honorNodes = 1;
  #jobId = "";
  readonly #startedAtMs = Date.now();
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
    if (!dynamic) return this.#file(PAGES[url.pathname] ?? url.pathname, response);
    if (this.mood === "silent") return;
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body =
      pieces.length === 0
        ? {}
        : (JSON.parse(Buffer.concat(pieces).toString()) as {
            method?: string;
            params?: string[];
            id?: number;
            inference?: { input: string };
          });
    if (this.mood === "broken")
      return send(response, 503, {
        code: "peer-unavailable",
        status: 503,
        detail: "compute cannot be reached just now; try again shortly.",
      });
    if (url.pathname.startsWith("/v1/operations")) return this.#operations(url.pathname, response);
    if (url.pathname === "/rpc") return this.#rpc(body, response);
    if (this.mood === "full" && url.pathname.endsWith("/events")) return this.#events(response);
    const value =
      this.mood === "empty"
        ? empty(url.pathname)
        : (full(url.pathname) ?? this.#work(url.pathname, request.method ?? "GET", body));
    if (value === undefined)
      return send(response, 404, { code: "not-found", status: 404, detail: "There is no such thing." });
    send(response, 200, value);
  }

  #rpc(
    { method = "", params = [], id }: { method?: string; params?: string[]; id?: number },
    response: ServerResponse,
  ): void {
    const fixture = new HonorFixture(this.#startedAtMs, this.honorNodes);
    const error = {
      code: -32_000,
      message: "One node makes this chain.",
      data: { code: "not-an-honor-chain" },
    };
    const answer = !method.startsWith("aios_")
      ? { result: rpc(method, params) }
      : this.honorNodes === 1
        ? { error }
        : { result: fixture.answer(method, params, Date.now()) };
    send(response, 200, { jsonrpc: "2.0", id, ...answer });
  }

  #operations(path: string, response: ServerResponse): void {
    const now = Date.now();
    const refusal = { code: "sign-in-required", status: 401, detail: "Sign in first." };
    const answer = path.includes("/traces/") ? trace(now) : operations(now);
    send(response, this.operator ? 200 : 401, this.operator ? answer : refusal);
  }

  /** A job that goes through: its order is one that the SDK agrees to sign. */
  #work(path: string, method: string, body: { inference?: { input: string } }): unknown {
    const now = Date.now();
    if (path === "/v1/protocol") {
      const contracts = {
        JobEscrow: address("e"),
        WrappedAios: address("a"),
        Groth16ResultVerifier: address("9"),
        ReceiptRegistry: address("d"),
      };
      return {
        chainId: CHAIN_ID,
        jsonRpcUrl: "",
        contracts,
        accounts: { matcher: address("3") },
        protocolFeeBps: 500,
        challengeWindowSeconds: 60,
      };
    }
    if (path === "/v1/auth/nonce")
      return { nonce: "0123456789abcdef", expiresAtMs: now + 60_000, chainId: CHAIN_ID };
    if (path === "/v1/auth/siwe")
      return { accessToken: "token", expiresAtMs: now + 900_000, account: DEMO_ACCOUNT };
    if (path === "/v1/quotes")
      return {
        refusals: [
          {
            verification: "honk",
            code: "model-does-not-fit",
            message: "Too large. Groth16 takes it.",
            fits: "proof",
          },
        ],
        quotes: ["none", "sample", "replicate", "proof"].map((verification) => ({
          verificationGas: verification === "proof" ? 235_000 : null,
          proofSystem: verification === "proof" ? "groth16-bn254" : null,
          absent:
            verification === "proof"
              ? [{ name: "groth16-bn254-cuda", reason: "there is no GPU prover." }]
              : [],
          verification,
          priceWei: PRICE_WEI.toString(),
          expectedMs: 5_000,
          trust: `what ${verification} leaves to trust`,
          visibility: "",
        })),
      };
    if (path === "/v1/jobs" && method === "POST")
      return this.#prepared(Buffer.from((body.inference?.input ?? "0x").slice(2), "hex"), now);
    if (path.endsWith("/placement"))
      return {
        placements: [
          {
            fencingToken: 1,
            decidedAtMs: now,
            candidates: candidates(),
            considered: 2,
            removed: {},
            endedBecause: null,
          },
        ],
        advice: [],
      };
    if (path.endsWith("/signatures")) return job(this.#jobId, "funding", 1);
    return undefined;
  }

  #prepared(input: Uint8Array, now: number): unknown {
    const soon = BigInt(Math.floor(now / 1_000) + 60);
    const order: Order = {
      buyer: DEMO_ACCOUNT,
      jobKind: 2,
      modelId: 1n,
      licenceId: 1n,
      requestHash: requestHashOf({
        inference: { modelId: 1, input: "0x" },
        verification: "proof",
        priceCapWei: PRICE_WEI,
      }),
      inputCommitment: `0x${inputCommitment(input, SALT).toString(16).padStart(64, "0")}`,
      verifier: address("9"),
      matcher: address("3"),
      maxPriceWei: PRICE_WEI,
      leaseBy: soon,
      deliverWithinSeconds: 60n,
      settleWithinSeconds: 60n,
      nonce: 1n,
    };
    const domain = signingDomain(BigInt(CHAIN_ID), address("e"));
    this.#jobId = jobIdOfOrder(domain, order);
    const permit = {
      owner: DEMO_ACCOUNT,
      spender: address("e"),
      value: PRICE_WEI,
      nonce: 0n,
      deadline: soon,
    };
    const toSign = [
      { name: "order", typedData: typedDataPayload(orderTypedData(domain, order)) },
      {
        name: "permit",
        typedData: typedDataPayload(permitTypedData(tokenDomain(BigInt(CHAIN_ID), address("a")), permit)),
      },
    ];
    return {
      job: job(this.#jobId, "prepared", 1),
      toSign,
      inputSalt: `0x${Buffer.from(SALT).toString("hex")}`,
    };
  }

  async #events(response: ServerResponse): Promise<void> {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (let shown: object | undefined; this.proving !== undefined; await pause(20)) {
      if (shown === this.proving) continue;
      shown = this.proving;
      const held = { ...job(this.#jobId, "leased", 5), progress: shown };
      response.write(`id: proving\nevent: job\ndata: ${JSON.stringify(held)}\n\n`);
    }
    for (const [state, steps] of [
      ["funded", 3],
      ["delivered", 6],
      ["settled", 8],
    ] as const) {
      response.write(`id: ${state}\nevent: job\ndata: ${JSON.stringify(job(this.#jobId, state, steps))}\n\n`);
    }
    response.end();
  }

  async #file(path: string, response: ServerResponse): Promise<void> {
    try {
      const bytes = await readFile(join(DIST, path));
      response.writeHead(200, {
        "content-type": TYPES[extname(path)] ?? "application/octet-stream",
        "content-security-policy": POLICY,
      });
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
  if (path.endsWith("/capabilities")) return { items: [] };
  return undefined;
}

function full(path: string): unknown {
  switch (path) {
    case "/health":
      return {
        status: "ok",
        version: "0.1.0",
        services: ["consensus", "economy", "compute"].map((name) => ({
          name,
          healthy: true,
          detail: "answers",
          latencyMs: 1.2,
        })),
      };
    case "/v1/demo":
      return {
        warning: "A demo key of a local network. Everyone who opens this page has it.",
        privateKey: DEMO_KEY,
        account: DEMO_ACCOUNT,
      };
    case "/v1/models":
      return { items: [model()], nextCursor: null };
    case "/v1/models/1/capabilities":
      return { items: [capability()] };
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
    inputShape: [1, 28, 28],
    multiplications: 101_632,
    honkKeyHash: null,
    honkKeyCid: null,
    honkKeyTrust: null,
    honkRefusal: null,
    verifyingKeyCid: null,
    keyTrust: "forgeable by whoever ran the development set-up",
    ceremonyTranscriptHash: null,
    ceremonyTranscriptCid: null,
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

function capability(): ModelCapability {
  return {
    claimId: 1,
    state: "proven",
    testSetRoot: transaction("b"),
    testSetSize: 2_000,
    publisher: address("4"),
    drawer: address("c"),
    drawCount: 60,
    answered: 60,
    correct: 60,
    minimumCorrect: 58,
    attempt: 1,
    accuracyAtLeastBps: 9_512,
    says: [
      "60 of 60 samples, drawn at random from a committed set of 2000, are right by proof; 58 were claimed.",
    ],
    trusted: ["Whoever ran the development set-up of the model's key: it can forge."],
  };
}

function provider(name: string, digit: string): unknown {
  return {
    address: address(digit),
    name,
    online: true,
    draining: false,
    capabilities: {
      cpuCores: 2,
      memoryBytes: 1,
      diskBytes: 1,
      gpus: [],
      jobKinds: ["inference"],
      maxParallelJobs: 2,
      softwareVersion: "0.1.0",
    },
    selfTest: {
      evaluatorMacsPerSecond: 320_000_000,
      trainingSamplesPerSecond: 900,
      resultHash: "0x",
      measuredAtMs: 1,
      signature: "0x",
    },
    stakedWei: "1000000000000000000000",
    registrationTransactionHash: transaction("8"),
    lastSeenMs: 1,
    runningJobs: 0,
    priceWei: { inference: "500000000000000000" },
  };
}

function candidates(): unknown[] {
  const [north, south] = [address("2"), address("3")];
  return [
    {
      provider: north,
      chosen: true,
      removedBy: null,
      explanation: "It scored highest.",
      scoreParts: {},
      score: 831,
      offeredPriceWei: "1",
    },
    {
      provider: south,
      chosen: false,
      removedBy: null,
      explanation: `It scored 817, ${north} scored 831.`,
      scoreParts: {},
      score: 817,
      offeredPriceWei: "1",
    },
  ];
}

function job(jobId: string, state: string, stepsDone: number): object {
  const steps = [
    "prepared",
    "funded",
    "matched",
    "leased",
    "computed",
    "delivered",
    "proven",
    "settled",
  ].slice(0, stepsDone);
  const onChain = new Set(["funded", "leased", "delivered", "settled"]);
  const packed = packOutput([-900, -500, 120, 300, -800, -200, -1100, 2400, -40, 610]);
  return {
    jobId,
    state,
    output: stepsDone < 6 ? null : `0x${packed.toString(16).padStart(64, "0")}`,
    steps: steps.map((name, index) => ({
      name,
      atMs: 1_000 + index * 420,
      transactionHash: onChain.has(name) ? transaction(String(index + 1)) : null,
      gasUsed: onChain.has(name) ? 120_000 + index * 9_000 : null,
      note: name === "matched" ? `${address("2")} under token 1` : "",
    })),
    progress: null,
    error: null,
  };
}
