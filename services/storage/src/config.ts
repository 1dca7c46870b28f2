import {
  baseSettings,
  byteSize,
  databaseSettings,
  defineSettings,
  grpcPeers,
  hostPort,
  type Settings,
  setting,
} from "@aios/service-kit/config";

export const storageSettings = defineSettings({
  ...baseSettings,
  ...databaseSettings,
  COMPUTE_GRPC_URL: grpcPeers.COMPUTE_GRPC_URL,
  STORAGE_LIBP2P_LISTEN: setting(hostPort, {
    description: "address on which IPFS peers may connect (libp2p over TCP), IP:port; port 0: any free one",
    default: "127.0.0.1:4001",
  }),
  STORAGE_MAX_CONTENT: setting(byteSize, {
    description: "largest content that is taken, with its unit",
    default: "256MiB",
  }),
  STORAGE_MIN_FREE_DISK: setting(byteSize, {
    description:
      "uploads are refused while less than this is free on the disk of AIOS_DATA_DIR, with its unit",
    default: "256MiB",
  }),
});

export type StorageSettings = Settings<typeof storageSettings>;
