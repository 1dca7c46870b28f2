import type { PlacementPolicy } from "@aios/core-scheduler/placement-model";
import {
  commonSettings,
  defineSettings,
  duration,
  grpcPeers,
  grpcUrl,
  httpUrl,
  integer,
  providerListenSettings,
  type Settings,
  setting,
} from "@aios/service-kit/config";
import { z } from "zod";

const wei = z.string().regex(/^(0|[1-9][0-9]{0,37})$/, "expected whole wei");
const anyText = z.string();

export const settings = defineSettings({
  ...commonSettings,
  ...providerListenSettings,
  CONSENSUS_GRPC_URL: grpcPeers.CONSENSUS_GRPC_URL,
  ECONOMY_GRPC_URL: setting(grpcUrl, {
    description: "economy's gRPC address, host:port",
    default: "127.0.0.1:50056",
  }),
  MARKETPLACE_GRPC_URL: setting(grpcUrl, {
    description: "marketplace's gRPC address, host:port",
    default: "127.0.0.1:50055",
  }),
  STORAGE_GRPC_URL: setting(grpcUrl, {
    description: "storage's gRPC address, host:port",
    default: "127.0.0.1:50052",
  }),
  STORAGE_PUBLIC_URL: setting(anyText, {
    description: "storage's address as providers reach it, host:port; none means STORAGE_GRPC_URL",
    default: "none",
  }),
  ZK_PROVER_GRPC_URL: setting(grpcUrl, {
    description: "zk-prover's gRPC address, host:port",
    default: "127.0.0.1:50054",
  }),
  CHAIN_RPC_URL: setting(httpUrl, {
    description: "the node's JSON-RPC over HTTP",
    default: "http://127.0.0.1:8545",
  }),
  CHAIN_RPC_TIMEOUT: setting(duration, {
    description: "longest wait for an answer of the node",
    default: "5s",
  }),
  ORDERS_AT_ONCE: setting(integer(1, 1_000), {
    description: "orders that are prepared or placed at once",
    default: 16,
  }),
  ORDERS_WAITING: setting(integer(0, 100_000), {
    description: "orders that may wait for their turn; more are answered 503 with Retry-After at once",
    default: 128,
  }),
  ORDER_TURN_WITHIN: setting(duration, {
    description: "an order that waited this long for its turn is answered 503 with Retry-After",
    default: "4s",
  }),
  LEASE_WITHIN: setting(duration, {
    description: "an order that no provider took for this long is refunded",
    default: "15m",
  }),
  DELIVER_WITHIN_INFERENCE: setting(duration, {
    description: "time a provider has for an inference",
    default: "60s",
  }),
  DELIVER_WITHIN_TRAINING: setting(duration, {
    description: "time a provider has for a training",
    default: "20m",
  }),
  SETTLE_WITHIN: setting(duration, {
    description: "time to settle a delivered job before it is refunded",
    default: "1h",
  }),
  SAMPLE_SHARE_BPS: setting(integer(1, 10_000), {
    description: "of 10,000 sampled deliveries so many are drawn and proven",
    default: 1_000,
  }),
  DELIVER_MARGIN: setting(duration, {
    description: "a result whose proof takes this close to the delivery deadline goes on chain unproven",
    default: "15s",
  }),
  CLOCK_MARGIN: setting(duration, {
    description: "how far chain time and this clock may differ",
    default: "2s",
  }),
  OFFER_TIMEOUT: setting(duration, {
    description: "how long an offer waits for the provider's answer",
    default: "5s",
  }),
  ACCEPT_WITHIN: setting(duration, {
    description: "how long signed lease terms are good for",
    default: "2m",
  }),
  PROVIDER_REST: setting(duration, {
    description: "a provider that did not answer or vanished is not offered the same job again for this long",
    default: "20s",
  }),
  PROVIDER_GRACE: setting(duration, {
    description: "a provider whose link broke loses its leases after this long",
    default: "10s",
  }),
  PLACEMENT_RETRY: setting(duration, {
    description: "pause before an unplaced job is looked at again, doubled each time",
    default: "500ms",
  }),
  PLACEMENT_HISTORY: setting(duration, {
    description: "how long it can be asked why a job was placed as it was",
    default: "720h",
  }),
  HEARTBEAT_INTERVAL: setting(duration, { description: "how often providers report", default: "5s" }),
  PROVIDER_LINK_NAMES: setting(
    z.string().transform((text) => (text === "any" ? [] : text.split(",").map((name) => name.trim()))),
    {
      description:
        "host:port under which providers dial this service, separated by commas; a link under another name is refused, so that no server in between passes on a proof made for it; any: all names",
      default: "any",
    },
  ),
  HANDSHAKE_STEP_TIMEOUT: setting(duration, {
    description: "how long a provider has for its hello and proof together, then for its signed registration",
    default: "8s",
  }),
  HANDSHAKE_TIMEOUT: setting(duration, {
    description:
      "longest handshake of a provider whose signed and funded registration is on its way to the chain",
    default: "90s",
  }),
  MAX_HANDSHAKES: setting(integer(1, 10_000), {
    description:
      "links of providers that may be in their handshake at once, a quarter of them from one IPv4 address or IPv6 /64; more are told to come back",
    default: 64,
  }),
  REGISTRATIONS_PER_MINUTE: setting(integer(1, 100_000), {
    description: "registrations that one IPv4 address or IPv6 /64 has relayed within a minute",
    default: 30,
  }),
  SESSION_TOKEN_LIFETIME: setting(duration, {
    description: "life of a provider's storage token; renewed at half of it",
    default: "10m",
  }),
  MINIMUM_STAKE_WEI: setting(wei, {
    description: "stake below which a provider gets no work, in wei",
    default: "1",
  }),
  MINIMUM_PROVIDER_VERSION: setting(anyText, {
    description: "oldest provider software that gets work",
    default: "0.0.0",
  }),
  EXPECTED_SELF_TEST_HASH: setting(z.string().regex(/^(any|0x[0-9a-f]{64})$/), {
    description: "result of the self-test on a healthy machine, 0x hex; any accepts all",
    default: "any",
  }),
  MAXIMUM_RECENT_FAULTS: setting(integer(0, 1_000), {
    description: "wrong or forged results within a day above which a provider gets no work",
    default: 3,
  }),
});

export type ComputeSettings = Settings<typeof settings>;

const GIBIBYTE = 1024 ** 3;
export const REQUIRED_MEMORY_BYTES = { training: GIBIBYTE, inference: GIBIBYTE / 8 } as const;

export function placementPolicy(values: ComputeSettings): PlacementPolicy {
  return {
    minimumStakeWei: BigInt(values.MINIMUM_STAKE_WEI),
    minimumSoftwareVersion: values.MINIMUM_PROVIDER_VERSION,
    expectedSelfTestHash: values.EXPECTED_SELF_TEST_HASH === "any" ? "" : values.EXPECTED_SELF_TEST_HASH,
    maximumRecentFaults: values.MAXIMUM_RECENT_FAULTS,
    referenceSpeed: { training: 5_000, inference: 100_000_000 },
    weights: { price: 400, speed: 200, load: 200, level: 100, spread: 100 },
  };
}
