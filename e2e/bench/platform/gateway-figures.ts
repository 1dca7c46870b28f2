import { fork } from "node:child_process";
import { once } from "node:events";
import { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import { createGrpcClient } from "@aios/service-kit/grpc-client";
import { loadTokenIssuer } from "@aios/service-kit/service-token";
import { type Figure, percentile } from "../../src/figures.js";
import { LocalPlatform } from "../../src/local-platform.js";
import { residentMiB } from "../../src/resident-memory.js";
import type { HttpLoadReport } from "./http-load.js";

const LOAD_SECONDS = 4;
const HOPS = 2_000;
const UNLIMITED = { GATEWAY_RATE_BURST: "1000000", GATEWAY_RATE_PER_SECOND: "1000000" };
/** Of the peer's speed. */
const LEAST_SHARE = 0.6;

/** A read at the gateway beside Fastify alone, one gRPC hop, and what each process of the platform keeps resident. */
export async function gatewayFigures(suite: string): Promise<Figure[]> {
  const local = await LocalPlatform.start({ gateway: UNLIMITED });
  try {
    return [...(await reads(suite, local)), await grpcHop(suite, local), ...memory(suite, local)];
  } finally {
    await local.stop();
  }
}

async function reads(suite: string, local: LocalPlatform): Promise<Figure[]> {
  const { ports, identities } = local.platform;
  const marketplace = `127.0.0.1:${ports.get("grpc-marketplace")}`;
  const peer = fork(new URL("./bare-fastify.js", import.meta.url), [
    marketplace,
    identities.serviceKeyFiles.gateway,
  ]);
  const [peerUrl] = (await once(peer, "message")) as [string];
  try {
    const gateway = await p95(`${local.url}/v1/models`);
    const call = await p95(`${peerUrl}/call`);
    const inMemory = await p95(`${peerUrl}/memory`);
    const row = { suite, unit: "ms", better: "lower" } as const;
    return [
      {
        ...row,
        name: "gateway read (GET /v1/models), p95 of 4 connections",
        value: gateway,
        goal: call / LEAST_SHARE,
        peer: "bare Fastify with the same call to marketplace",
        peerValue: call,
      },
      {
        ...row,
        name: "the same beside an answer from memory",
        value: gateway,
        peer: "bare Fastify, the same answer from memory",
        peerValue: inMemory,
      },
    ];
  } finally {
    peer.send("close");
    await once(peer, "exit");
  }
}

async function p95(url: string): Promise<number> {
  const load = fork(new URL("./http-load.js", import.meta.url), [url, String(LOAD_SECONDS)]);
  const ended = once(load, "exit").then(([code]) => {
    throw new Error(`the load on ${url} ended with ${code} and told nothing`);
  });
  const [{ latenciesMs, failures }] = (await Promise.race([once(load, "message"), ended])) as [
    HttpLoadReport,
  ];
  ended.catch(() => undefined);
  if (failures > 0) throw new Error(`${failures} of ${latenciesMs.length} reads of ${url} failed`);
  return percentile(latenciesMs, 0.95);
}

async function grpcHop(suite: string, local: LocalPlatform): Promise<Figure> {
  const { ports, identities } = local.platform;
  const economy = createGrpcClient(EconomyServiceService, `127.0.0.1:${ports.get("grpc-economy")}`, {
    audience: "economy",
    identity: await loadTokenIssuer("gateway", identities.serviceKeyFiles.gateway),
  });
  const latenciesMs: number[] = [];
  for (let hop = 0; hop < HOPS; hop++) {
    const askedAt = performance.now();
    await economy.getProtocol({});
    latenciesMs.push(performance.now() - askedAt);
  }
  economy[Symbol.dispose]();
  const note = `p95 ${percentile(latenciesMs, 0.95).toFixed(2)} ms; one after the other, with token and checks of it`;
  return {
    suite,
    name: "gRPC hop, p50",
    value: percentile(latenciesMs, 0.5),
    unit: "ms",
    better: "lower",
    note,
  };
}

function memory(suite: string, local: LocalPlatform): Figure[] {
  return [...local.platform.supervisor.pids()].map(([name, pid]) => ({
    suite,
    name: `resident after the reads: ${name}`,
    value: residentMiB(pid),
    unit: "MiB",
    better: "lower",
  }));
}
