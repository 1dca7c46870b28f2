import {
  commonSettings,
  defineSettings,
  duration,
  grpcPeers,
  grpcUrl,
  integer,
  type Settings,
  setting,
} from "@aios/service-kit/config";

export const settings = defineSettings({
  ...commonSettings,
  CONSENSUS_GRPC_URL: grpcPeers.CONSENSUS_GRPC_URL,
  ECONOMY_GRPC_URL: setting(grpcUrl, {
    description: "the economy service, host:port",
    default: "127.0.0.1:50056",
  }),
  ANCHOR_GATHER_TIME: setting(duration, {
    description: "how long a counted receipt waits for others to share a batch with",
    default: "250ms",
  }),
  ANCHOR_MAX_RECEIPTS: setting(integer(1, 4_096), {
    description: "most receipts of one batch",
    default: 256,
  }),
  ANCHOR_RETRY_INTERVAL: setting(duration, {
    description: "how often unfinished batches are looked after; first pause after a refused one",
    default: "2s",
  }),
});

export type ScoringSettings = Settings<typeof settings>;
