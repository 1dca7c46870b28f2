import {
  commonSettings,
  defineSettings,
  duration,
  grpcPeers,
  httpUrl,
  type Settings,
  setting,
} from "@aios/service-kit/config";

export const settings = defineSettings({
  ...commonSettings,
  CONSENSUS_GRPC_URL: grpcPeers.CONSENSUS_GRPC_URL,
  ECONOMY_GRPC_URL: grpcPeers.ECONOMY_GRPC_URL,
  STORAGE_GRPC_URL: grpcPeers.STORAGE_GRPC_URL,
  ZK_PROVER_GRPC_URL: grpcPeers.ZK_PROVER_GRPC_URL,
  CHAIN_RPC_URL: setting(httpUrl, {
    description: "the node's JSON-RPC, for permit nonces and licence checks",
    default: "http://127.0.0.1:8545",
  }),
  CHAIN_RPC_TIMEOUT: setting(duration, {
    description: "longest wait for an answer of the node",
    default: "5s",
  }),
  MARKETPLACE_REPEAT_INTERVAL: setting(duration, {
    description: "how often steps that were left unfinished are taken up again",
    default: "3s",
  }),
});

export type MarketplaceSettings = Settings<typeof settings>;
