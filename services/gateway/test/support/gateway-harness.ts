import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AiosClient } from "@aios/sdk/client";
import { privateKeySigner } from "@aios/sdk/wallet";
import { freePort } from "@aios/service-kit/free-port";
import { startService } from "@aios/service-kit/service";
import { generateServiceKeys } from "@aios/service-kit/service-keys";
import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { gatewayService } from "../../src/service.js";
import { FakePeers } from "./fake-peers.js";

export const CHAIN_ID = 8018;
export const BUYER_KEY = `0x${"a1".repeat(32)}`;
export const OTHER_KEY = `0x${"b2".repeat(32)}`;

export interface GatewayHarness {
  readonly baseUrl: string;
  readonly peers: FakePeers;
  readonly postgres: TestPostgres;
  readonly healthPort: number;
  client(privateKey?: string): AiosClient;
  /** An access token of an account. */
  token(privateKey?: string): Promise<string>;
  close(): Promise<void>;
}

/** A gateway on real Postgres with fake services behind it. */
export async function startGateway(
  env: Readonly<Record<string, string>> = {},
  shared?: TestPostgres,
): Promise<GatewayHarness> {
  const directory = await mkdtemp(join(tmpdir(), "aios-gateway-"));
  const postgres = shared ?? (await startPostgres());
  const peers = new FakePeers();
  await peers.start();
  answerProtocol(peers);
  const listen = env.GATEWAY_HTTP_LISTEN ?? `127.0.0.1:${await freePort()}`;
  const service = await startService({
    ...gatewayService,
    argv: [],
    env: {
      ...(await gatewayEnv(directory, postgres, peers)),
      LOG_LEVEL: "silent",
      GATEWAY_HTTP_LISTEN: listen,
      ...env,
    },
  });
  const baseUrl = `http://127.0.0.1:${listen.split(":").at(-1)}`;
  const client = (privateKey = BUYER_KEY): AiosClient =>
    new AiosClient({ baseUrl, signer: privateKeySigner(privateKey), retries: 0 });
  return {
    baseUrl,
    peers,
    postgres,
    healthPort: service.healthPort,
    client,
    token: async (privateKey) => (await client(privateKey).signIn()).accessToken,
    async close() {
      await service.close();
      peers.stop();
      if (shared === undefined) await postgres.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Settings of a gateway in front of fake peers, with keys of its own in `directory`. */
export async function gatewayEnv(
  directory: string,
  postgres: TestPostgres,
  peers: FakePeers,
): Promise<Readonly<Record<string, string>>> {
  const keys = await generateServiceKeys(["gateway"]);
  const keyFile = join(directory, "gateway.jwk");
  const bundleFile = join(directory, "trust.json");
  await writeFile(keyFile, JSON.stringify(keys.privateKeys.get("gateway")));
  await writeFile(bundleFile, JSON.stringify(keys.trustBundle));
  return {
    DATABASE_URL: postgres.url("aios_gateway"),
    AIOS_SERVICE_KEY_FILE: keyFile,
    AIOS_TRUST_BUNDLE_FILE: bundleFile,
    GATEWAY_SSE_HEARTBEAT: "200ms",
    GATEWAY_RATE_BURST: "100000",
    CHAIN_RPC_URL: "http://127.0.0.1:9",
    ...Object.fromEntries(
      ["CONSENSUS", "STORAGE", "COMPUTE", "ZK_PROVER", "MARKETPLACE", "ECONOMY", "SCORING"].map((name) => [
        `${name}_GRPC_URL`,
        peers.url,
      ]),
    ),
  };
}

export function answerProtocol(peers: FakePeers): void {
  peers.answer("GetProtocol", () => ({
    chainId: CHAIN_ID,
    jsonRpcUrl: "http://127.0.0.1:8545",
    contracts: { JobEscrow: `0x${"e5".repeat(20)}`, WrappedAios: `0x${"7a".repeat(20)}` },
    accounts: { matcher: `0x${"3a".repeat(20)}` },
    protocolFeeBps: 500,
    honkTauG2: [],
    challengeWindowSeconds: 60,
  }));
}
