import { isIP } from "node:net";
import {
  baseSettings,
  byteSize,
  coordinationSettings,
  databaseSettings,
  defineSettings,
  duration,
  flag,
  grpcUrl,
  hostPort,
  httpUrl,
  integer,
  optionalSetting,
  setting,
  text,
} from "@aios/service-kit/config";
import { z } from "zod";

const list: z.ZodType<readonly string[]> = z.string().transform((value) =>
  value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);

const accounts: z.ZodType<readonly string[]> = list.refine(
  (items) => items.every((item) => /^0x[0-9a-fA-F]{40}$/.test(item)),
  { message: "expected accounts, 0x and 40 hex digits each" },
);

const addressRanges: z.ZodType<readonly string[]> = list.refine((items) => items.every(isAddressRange), {
  message: "expected IP addresses or CIDR ranges of at least one bit, for example 10.0.0.0/8,fd00::/8",
});

/** A range of no bits would let every caller choose the address that it is counted under. */
function isAddressRange(text: string): boolean {
  const [address = "", prefix = "1", ...rest] = text.split("/");
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  return rest.length === 0 && /^[1-9][0-9]{0,2}$/.test(prefix) && Number(prefix) <= bits;
}

/** Everything the gateway reads from its environment. */
export const gatewaySettings = defineSettings({
  ...baseSettings,
  ...databaseSettings,
  ...coordinationSettings,
  GATEWAY_HTTP_LISTEN: setting(hostPort, {
    description: "address of the public API, host:port",
    default: "127.0.0.1:8080",
  }),
  GATEWAY_SIGN_IN_DOMAINS: setting(list, {
    description:
      "comma-separated host[:port] that sign-in messages may name; empty: localhost and 127.0.0.1 at the listening port",
    default: " ",
  }),
  GATEWAY_CORS_ORIGINS: setting(list, {
    description: "comma-separated origins of other sites that browsers may call this API from; empty: none",
    default: " ",
  }),
  GATEWAY_OPERATORS: setting(accounts, {
    description: "comma-separated accounts (0x and 40 hex digits) that may see /operations",
    default: " ",
  }),
  GATEWAY_LOOPBACK_OPERATOR: setting(flag, {
    description:
      "whether everyone on this machine may see /operations without an account, where GATEWAY_HTTP_LISTEN is a loopback address; never behind a proxy: what it hands on may look like this machine's own",
    default: false,
  }),
  GATEWAY_STUDIO_DIR: optionalSetting(text, {
    description: "directory of the built studio, served at /; absent: not served",
  }),
  GATEWAY_SESSION_LIFETIME: setting(duration, {
    description: "life of an access token, with its unit",
    default: "15m",
  }),
  GATEWAY_NONCE_LIFETIME: setting(duration, {
    description: "life of a sign-in nonce, with its unit",
    default: "5m",
  }),
  GATEWAY_IDEMPOTENCY_CLAIM: setting(duration, {
    description: "how long a mutating call may run before a repetition takes it over, with its unit",
    default: "30s",
  }),
  GATEWAY_IDEMPOTENCY_KEEP: setting(duration, {
    description: "how long outcomes are replayed, with its unit",
    default: "24h",
  }),
  GATEWAY_JSON_MAX: setting(byteSize, { description: "largest JSON body, with its unit", default: "512KiB" }),
  GATEWAY_CONTENT_MAX: setting(byteSize, {
    description: "largest stored content, with its unit",
    default: "64MiB",
  }),
  GATEWAY_RATE_BURST: setting(integer(1, 1_000_000), {
    description: "calls that one address may make at once",
    default: 600,
  }),
  GATEWAY_TRUSTED_PROXIES: setting(addressRanges, {
    description:
      "comma-separated addresses or CIDR ranges of the proxies in front, whose X-Forwarded-For names the caller that is counted; empty: none, the connection's own address counts",
    default: " ",
  }),
  GATEWAY_RATE_PER_SECOND: setting(integer(1, 1_000_000), {
    description: "calls a second that one address may go on making",
    default: 200,
  }),
  GATEWAY_SSE_HEARTBEAT: setting(duration, {
    description: "time between heartbeats of a progress stream, with its unit",
    default: "10s",
  }),
  GATEWAY_SSE_MAX_PER_ACCOUNT: setting(integer(1, 10_000), {
    description: "progress streams that one account may hold open",
    default: 256,
  }),
  GATEWAY_RPC_TIMEOUT: setting(duration, {
    description: "longest wait for the chain's node, with its unit",
    default: "10s",
  }),
  GATEWAY_RPC_MAX_BATCH: setting(integer(1, 1_000), {
    description: "calls in one JSON-RPC batch; each costs a call of GATEWAY_RATE_BURST",
    default: 50,
  }),
  GATEWAY_RPC_MAX_ANSWER: setting(byteSize, {
    description: "largest answer of the chain's node, with its unit",
    default: "8MiB",
  }),
  GATEWAY_GRAPHQL_MAX_DEPTH: setting(integer(1, 50), {
    description: "fields that a GraphQL document may nest",
    default: 10,
  }),
  GATEWAY_GRAPHQL_MAX_COST: setting(integer(1, 100_000), {
    description:
      "cost of one GraphQL document at most: its calls at their worst, and one for each hundred fields of the answer; taken from GATEWAY_RATE_BURST",
    default: 250,
  }),
  GATEWAY_GRAPHQL_MAX_DOCUMENT: setting(byteSize, {
    description: "largest GraphQL document, with its unit",
    default: "16KiB",
  }),
  GATEWAY_GRAPHQL_PERSISTED: setting(integer(0, 100_000), {
    description: "GraphQL documents that callers may have kept under their hash, in memory; 0: none",
    default: 1_000,
  }),
  GATEWAY_GRAPHQL_DOCUMENTS_FILE: optionalSetting(text, {
    description: "JSON file of registered GraphQL documents by id, as graphql-codegen and Relay write it",
  }),
  GATEWAY_GRAPHQL_REGISTERED_ONLY: setting(flag, {
    description: "whether only documents of GATEWAY_GRAPHQL_DOCUMENTS_FILE are executed",
    default: false,
  }),
  GATEWAY_GRAPHQL_EXPLORER: setting(flag, {
    description: "whether the GraphQL schema may be introspected, and /graphql is a page to try documents on",
    default: false,
  }),
  DEMO_BUYER_KEY_FILE: optionalSetting(text, {
    description:
      "file with the private key (hex) of a demo buyer that /v1/demo gives to everyone on this machine; refused unless GATEWAY_HTTP_LISTEN is a loopback address",
  }),
  CHAIN_RPC_URL: setting(httpUrl, {
    description: "JSON-RPC of the chain's node",
    default: "http://127.0.0.1:8545",
  }),
  CONSENSUS_GRPC_URL: setting(grpcUrl, {
    description: "gRPC of consensus, host:port",
    default: "127.0.0.1:50051",
  }),
  STORAGE_GRPC_URL: setting(grpcUrl, {
    description: "gRPC of storage, host:port",
    default: "127.0.0.1:50052",
  }),
  COMPUTE_GRPC_URL: setting(grpcUrl, {
    description: "gRPC of compute, host:port",
    default: "127.0.0.1:50053",
  }),
  ZK_PROVER_GRPC_URL: setting(grpcUrl, {
    description: "gRPC of zk-prover, host:port",
    default: "127.0.0.1:50054",
  }),
  MARKETPLACE_GRPC_URL: setting(grpcUrl, {
    description: "gRPC of marketplace, host:port",
    default: "127.0.0.1:50055",
  }),
  ECONOMY_GRPC_URL: setting(grpcUrl, {
    description: "gRPC of economy, host:port",
    default: "127.0.0.1:50056",
  }),
  SCORING_GRPC_URL: setting(grpcUrl, {
    description: "gRPC of scoring, host:port",
    default: "127.0.0.1:50057",
  }),
});
