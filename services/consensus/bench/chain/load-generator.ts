import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { SignedLoad } from "./workload.js";

const CONNECTIONS = 4;
const POLL_MS = 20;
/** A chain that includes nothing for so long will include no more. */
const STALL_MS = 20_000;

export interface LoadResult {
  readonly perSecond: number;
  readonly seconds: number;
  readonly receipts: number;
  readonly blocks: number;
  readonly refused: number;
  /** Processor time of the node's process, all threads, from the first transaction sent to the last in a block. */
  readonly processorMs: number | null;
}

/** Processor time that a process has used so far, in milliseconds; nothing where the platform does not say. */
export type UsedProcessor = () => Promise<number | null>;

/** One endpoint over kept-alive connections. */
export class RpcClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS + 2 });
  readonly #url: URL;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  post(body: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const outgoing = request(this.#url, { method: "POST", agent: this.#agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
        response.on("error", reject);
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  async call(method: string, params: readonly unknown[]): Promise<unknown> {
    const answer = JSON.parse(await this.post(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }))) as {
      readonly result?: unknown;
      readonly error?: { readonly message: string };
    };
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result;
  }

  close(): void {
    this.#agent.destroy();
  }
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/**
 * Sends everything, at most `maxOutstanding` ahead of what is in blocks, and stops the clock when the last transaction
 * is in a committed block. Then it counts the receipts that say success, which is not part of the time.
 */
export async function runLoad(
  url: string,
  load: SignedLoad,
  maxOutstanding: number,
  usedProcessor: UsedProcessor = async () => null,
): Promise<LoadResult> {
  const client = new RpcClient(url);
  try {
    const firstBlock = Number(await client.call("eth_blockNumber", [])) + 1;
    const progress = { sent: 0, refused: 0, included: 0, height: firstBlock - 1 };
    const usedBefore = await usedProcessor();
    const startedAt = performance.now();
    const sending = sendAll(client, load, maxOutstanding, progress);
    let lastProgressAt = performance.now();
    let endedAt = startedAt;
    while (progress.included + progress.refused < load.count) {
      const before = progress.included;
      await followChain(client, progress);
      if (progress.included > before) {
        lastProgressAt = performance.now();
        endedAt = lastProgressAt;
      } else if (performance.now() - lastProgressAt > STALL_MS) break;
      await sleep(POLL_MS);
    }
    await sending;
    const used = await usedProcessor();
    const receipts = await countReceipts(client, firstBlock, progress.height);
    const seconds = (endedAt - startedAt) / 1_000;
    return {
      perSecond: seconds > 0 ? receipts / seconds : 0,
      seconds,
      receipts,
      blocks: progress.height - firstBlock + 1,
      refused: progress.refused,
      processorMs: used === null || usedBefore === null ? null : used - usedBefore,
    };
  } finally {
    client.close();
  }
}

interface Progress {
  sent: number;
  refused: number;
  included: number;
  height: number;
}

async function sendAll(
  client: RpcClient,
  load: SignedLoad,
  maxOutstanding: number,
  progress: Progress,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < load.bodies.length) {
      const index = next++;
      const size = load.sizes[index] ?? 0;
      const waitedFrom = performance.now();
      while (progress.sent - progress.included - progress.refused + size > maxOutstanding) {
        if (performance.now() - waitedFrom > STALL_MS) return;
        await sleep(POLL_MS);
      }
      progress.sent += size;
      const answer = await client.post(load.bodies[index] ?? "");
      progress.refused += answer.split('"error"').length - 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
}

async function followChain(client: RpcClient, progress: Progress): Promise<void> {
  const height = Number(await client.call("eth_blockNumber", []));
  while (progress.height < height) {
    const count = await client.call("eth_getBlockTransactionCountByNumber", [hex(progress.height + 1)]);
    progress.included += Number(count);
    progress.height++;
  }
}

async function countReceipts(client: RpcClient, from: number, to: number): Promise<number> {
  let count = 0;
  for (let height = from; height <= to; height++) {
    const receipts = await receiptsOf(client, hex(height));
    count += receipts.filter((receipt) => receipt?.status === "0x1").length;
  }
  return count;
}

type Receipts = readonly ({ readonly status: string } | null)[];

/** All receipts of a block at once, or one by one in a batch where the node has no method for that (Hardhat). */
async function receiptsOf(client: RpcClient, height: string): Promise<Receipts> {
  const all = await client.call("eth_getBlockReceipts", [height]).catch(() => undefined);
  if (all !== undefined) return all as Receipts;
  const block = (await client.call("eth_getBlockByNumber", [height, false])) as {
    readonly transactions: readonly string[];
  };
  if (block.transactions.length === 0) return [];
  const requests = block.transactions.map((hash, id) => ({
    jsonrpc: "2.0",
    id,
    method: "eth_getTransactionReceipt",
    params: [hash],
  }));
  const answers = JSON.parse(await client.post(JSON.stringify(requests))) as readonly {
    readonly result: Receipts[number];
  }[];
  return answers.map(({ result }) => result);
}

export interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly calls: number;
}

/** Pause between two calls, so that they measure the load and are not the load. */
const CALL_PAUSE_MS = 5;

/** Sends the load at a steady rate, and asks the same call one after the other for as long as that takes. */
export async function callsUnderLoad(
  url: string,
  load: SignedLoad,
  perSecond: number,
  call: { readonly to: string; readonly data: string },
): Promise<Latencies> {
  const sender = new RpcClient(url);
  const caller = new RpcClient(url);
  try {
    let isSending = true;
    const sending = sendSteadily(sender, load, perSecond).finally(() => {
      isSending = false;
    });
    const latencies: number[] = [];
    while (isSending) {
      const startedAt = performance.now();
      await caller.call("eth_call", [call, "latest"]);
      latencies.push(performance.now() - startedAt);
      await sleep(CALL_PAUSE_MS);
    }
    await sending;
    latencies.sort((a, b) => a - b);
    const quantile = (share: number): number =>
      latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
    return { p50Ms: quantile(0.5), p99Ms: quantile(0.99), calls: latencies.length };
  } finally {
    sender.close();
    caller.close();
  }
}

async function sendSteadily(client: RpcClient, load: SignedLoad, perSecond: number): Promise<void> {
  const startedAt = performance.now();
  const answers: Promise<string>[] = [];
  let sent = 0;
  for (const [index, body] of load.bodies.entries()) {
    const dueAt = startedAt + (sent * 1_000) / perSecond;
    if (dueAt > performance.now()) await sleep(dueAt - performance.now());
    answers.push(client.post(body));
    sent += load.sizes[index] ?? 0;
  }
  await Promise.all(answers);
}
