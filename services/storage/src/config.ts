import {
  baseSettings,
  byteSize,
  databaseSettings,
  defineSettings,
  duration,
  flag,
  grpcPeers,
  httpUrl,
  optionalSetting,
  providerListenSettings,
  type Settings,
  setting,
} from "@aios/service-kit/config";
import { z } from "zod";

export const storageSettings = defineSettings({
  ...baseSettings,
  ...databaseSettings,
  ...providerListenSettings,
  COMPUTE_GRPC_URL: grpcPeers.COMPUTE_GRPC_URL,
  LIBP2P_LISTEN: setting(
    z.string().regex(/^\/ip[46]\/[0-9a-f.:]+\/tcp\/[0-9]{1,5}$/, "expected /ip4/<address>/tcp/<port>"),
    {
      description:
        "multiaddress on which IPFS peers may connect, /ip4/<address>/tcp/<port>; port 0: any free one",
      default: "/ip4/127.0.0.1/tcp/4001",
    },
  ),
  KUBO_RPC_URL: optionalSetting(httpUrl, {
    description:
      "RPC of the Kubo node that holds the contents, http(s)://user:password@host:port; absent: an embedded node does",
    secret: true,
  }),
  KUBO_TIMEOUT: setting(duration, {
    description: "longest wait for an answer of Kubo, and for it to take the next piece of an upload",
    default: "10s",
  }),
  KUBO_COLLECT_GARBAGE: setting(flag, {
    description:
      "whether a sweep has Kubo delete every block that nothing pins; false on a node that others use too",
    default: true,
  }),
  STORAGE_MAX_CONTENT: setting(byteSize, {
    description: "largest content that is taken, with its unit",
    default: "256MiB",
  }),
  STORAGE_ACCOUNT_QUOTA: setting(byteSize, {
    description: "how much one account may store altogether, with its unit; an account costs nothing",
    default: "1GiB",
  }),
  STORAGE_SWEEP_INTERVAL: setting(duration, {
    description: "how often blocks that no claim needs are looked for",
    default: "6h",
  }),
  STORAGE_SWEEP_AGE: setting(duration, {
    description: "blocks younger than this are left alone by the sweep; longer than any upload takes",
    default: "24h",
  }),
  STORAGE_RESERVED_DISK: setting(byteSize, {
    description:
      "free space above STORAGE_MIN_FREE_DISK that only the platform's own work may use (inputs, outputs and proofs of jobs), with its unit",
    default: "256MiB",
  }),
  STORAGE_MIN_FREE_DISK: setting(byteSize, {
    description:
      "uploads are refused while less than this is free on the disk of AIOS_DATA_DIR, with its unit",
    default: "256MiB",
  }),
});

export type StorageSettings = Settings<typeof storageSettings>;
