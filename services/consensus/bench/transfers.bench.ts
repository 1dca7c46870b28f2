import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "@aios/service-kit/free-port";
import { HDNodeWallet } from "ethers";
import { testGenesisJson } from "../test/support/test-chain.js";

const PHRASE = "test test test test test test test test test test test junk";
const SENDERS = 6;
const PER_SENDER = Number(process.env["BENCH_TRANSFERS_PER_SENDER"] ?? 500);
const BATCH = 100;
const LATENCY_SAMPLES = 40;

interface Measured {
  readonly perSecond: number;
  readonly latencyP50Ms: number;
  readonly latencyP95Ms: number;
}

async function post(url: string, body: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

const call = async (url: string, method: string, params: unknown[]): Promise<unknown> =>
  ((await post(url, { jsonrpc: "2.0", id: 1, method, params })) as { result?: unknown }).result;

async function signedTransfers(chainId: number): Promise<string[][]> {
  return Promise.all(
    Array.from({ length: SENDERS }, async (_, index) => {
      const wallet = HDNodeWallet.fromPhrase(PHRASE, undefined, `m/44'/60'/0'/0/${index}`);
      const raw: string[] = [];
      for (let nonce = 0; nonce < PER_SENDER + (index === 0 ? LATENCY_SAMPLES : 0); nonce++) {
        raw.push(
          await wallet.signTransaction({
            type: 2,
            chainId,
            nonce,
            to: `0x${"31".repeat(20)}`,
            value: 1n,
            gasLimit: 21_000n,
            maxFeePerGas: 100_000_000_000n,
            maxPriorityFeePerGas: 1n,
          }),
        );
      }
      return raw;
    }),
  );
}

async function measure(url: string, transfers: string[][]): Promise<Measured> {
  const [first = []] = transfers;
  const latencies: number[] = [];
  for (const raw of first.slice(0, LATENCY_SAMPLES)) {
    const startedAt = performance.now();
    const hash = await call(url, "eth_sendRawTransaction", [raw]);
    while ((await call(url, "eth_getTransactionReceipt", [hash])) === null) await sleep(2);
    latencies.push(performance.now() - startedAt);
  }
  latencies.sort((a, b) => a - b);
  const rest = transfers.map((raw, index) => (index === 0 ? raw.slice(LATENCY_SAMPLES) : raw));
  const startedAt = performance.now();
  await Promise.all(
    rest.map(async (raw) => {
      for (let at = 0; at < raw.length; at += BATCH) {
        await post(
          url,
          raw
            .slice(at, at + BATCH)
            .map((item, id) => ({ jsonrpc: "2.0", id, method: "eth_sendRawTransaction", params: [item] })),
        );
      }
    }),
  );
  const addresses = transfers.map(
    (_, index) => HDNodeWallet.fromPhrase(PHRASE, undefined, `m/44'/60'/0'/0/${index}`).address,
  );
  for (const [index, address] of addresses.entries()) {
    while (
      Number(await call(url, "eth_getTransactionCount", [address, "latest"])) <
      (transfers[index]?.length ?? 0)
    )
      await sleep(10);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const count = rest.reduce((sum, raw) => sum + raw.length, 0);
  return {
    perSecond: count / seconds,
    latencyP50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? Number.NaN,
    latencyP95Ms: latencies[Math.floor(latencies.length * 0.95)] ?? Number.NaN,
  };
}

/** The same load against anvil, which mines every 200 ms as this node does at most. */
async function measureAnvil(): Promise<Measured | string> {
  const port = await freePort();
  const binary = createRequire(import.meta.url).resolve("@foundry-rs/anvil-linux-amd64/bin/anvil");
  const child = spawn(binary, ["--port", String(port), "--silent", "--block-time", "0.2"], {
    stdio: "ignore",
  });
  try {
    const url = `http://127.0.0.1:${port}`;
    for (let attempt = 0; attempt < 100; attempt++) {
      const id = await call(url, "eth_chainId", []).catch(() => undefined);
      if (id !== undefined) return await measure(url, await signedTransfers(Number(id)));
      await sleep(100);
    }
    return "anvil did not answer";
  } finally {
    child.kill("SIGTERM");
  }
}

/** This node in a process of its own, as anvil is. */
async function measureNode(): Promise<Measured & { readonly rssMiB: number | null }> {
  const directory = await mkdtemp(join(tmpdir(), "aios-bench-"));
  const genesisFile = join(directory, "genesis.json");
  await writeFile(genesisFile, JSON.stringify(testGenesisJson()));
  const script = fileURLToPath(new URL("../test/support/node-process.js", import.meta.url));
  const child = spawn(process.execPath, [script, genesisFile, join(directory, "data"), "200"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [url] = (await once(createInterface(child.stdout), "line")) as [string];
    const measured = await measure(url, await signedTransfers(26_070));
    const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
    const rssKiB = /VmRSS:\s+(\d+) kB/.exec(status)?.[1];
    return { ...measured, rssMiB: rssKiB === undefined ? null : Number(rssKiB) / 1024 };
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
    await rm(directory, { recursive: true, force: true });
  }
}

const own = await measureNode();
const peer = await measureAnvil();
const peerOf = (pick: (measured: Measured) => number): number | null =>
  typeof peer === "string" ? null : pick(peer);

const figures = [
  {
    name: "native transfers",
    value: own.perSecond,
    unit: "tx/s",
    goal: 20_000,
    better: "higher",
    peerValue: peerOf((m) => m.perSecond),
  },
  {
    name: "sent to receipt, p50",
    value: own.latencyP50Ms,
    unit: "ms",
    goal: 1_500,
    better: "lower",
    peerValue: peerOf((m) => m.latencyP50Ms),
  },
  {
    name: "sent to receipt, p95",
    value: own.latencyP95Ms,
    unit: "ms",
    goal: 2_000,
    better: "lower",
    peerValue: peerOf((m) => m.latencyP95Ms),
  },
  {
    name: "resident memory after the load",
    value: own.rssMiB,
    unit: "MiB",
    goal: 250,
    better: "lower",
    peerValue: null,
  },
] as const;
const note =
  typeof peer === "string" ? peer : "load generator, node and anvil are processes of the same machine";
if (process.argv.includes("--json")) {
  for (const figure of figures)
    console.log(JSON.stringify({ suite: "transfers", peer: "anvil 1.7.1", note, ...figure }));
} else {
  console.table(
    figures.map(({ name, value, unit, goal, peerValue }) => ({
      name,
      value: value === null ? "–" : Math.round(value),
      unit,
      goal,
      anvil: peerValue === null ? "–" : Math.round(peerValue),
    })),
  );
  console.log(note);
}
