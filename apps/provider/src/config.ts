import { address } from "@aios/kernel/identifiers";
import {
  baseSettings,
  defineSettings,
  duration,
  grpcUrl,
  hostPort,
  httpUrl,
  integer,
  optionalSetting,
  type Settings,
  setting,
  text,
} from "@aios/service-kit/config";
import { z } from "zod";
import { parseContracts } from "./domain/network.js";

const wei = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,37})$/, "expected a whole number of wei")
  .transform((value) => BigInt(value));

const jobKinds = z.string().transform((value, context): readonly ("training" | "inference")[] => {
  const kinds = value.split(",").map((kind) => kind.trim());
  const known = kinds.filter((kind) => kind === "training" || kind === "inference");
  if (known.length === kinds.length && known.length > 0) return [...new Set(known)];
  context.addIssue({ code: "custom", message: "expected training, inference or both, separated by a comma" });
  return z.NEVER;
});

const chainId = integer(1, Number.MAX_SAFE_INTEGER).transform((value) => BigInt(value));

const contracts = z.string().transform((value, context) => {
  try {
    return parseContracts(value);
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : "unreadable" });
    return z.NEVER;
  }
});

export const providerSettings = defineSettings({
  COMPUTE_GRPC_URL: setting(grpcUrl, {
    description: "address of the network's compute service, host:port; this program dials out to it",
    default: "127.0.0.1:50053",
  }),
  PROVIDER_TLS_CA_FILE: optionalSetting(text, {
    description:
      "file with the authorities that the network's services show certificates of, as PEM, or system for those of this machine; absent: plain connections",
  }),
  PROVIDER_CHAIN_ID: optionalSetting(chainId, {
    description:
      "number of the network's chain; with PROVIDER_CONTRACTS required, else asked of CHAIN_RPC_URL",
  }),
  PROVIDER_CONTRACTS: optionalSetting(contracts, {
    description:
      "addresses of the network's contracts, JobEscrow=0x…,ProviderRegistry=0x…,ReceiptRegistry=0x…,WrappedAios=0x…: nothing is signed for others",
  }),
  CHAIN_RPC_URL: optionalSetting(httpUrl, {
    description:
      "JSON-RPC over HTTP of a node that you trust: where PROVIDER_CONTRACTS is absent the contracts' addresses are read there",
  }),
  CONTRACT_REGISTRY_ADDRESS: optionalSetting(
    text.transform((value) => address(value, "CONTRACT_REGISTRY_ADDRESS")),
    { description: "address of the network's ContractRegistry, which names its contracts at CHAIN_RPC_URL" },
  ),
  PROVIDER_KEY_FILE: setting(text, {
    description:
      "file with this provider's secp256k1 private key, 64 hex digits; its address is paid and stakes",
  }),
  PROVIDER_NAME: setting(
    z
      .string()
      .regex(/^[\p{L}\p{N} ._-]{1,64}$/u, "expected 1 to 64 letters, digits, spaces, dots or hyphens"),
    {
      description: "name shown to buyers",
      default: "aios-provider",
    },
  ),
  PROVIDER_JOB_KINDS: setting(jobKinds, {
    description: "work that is taken: training, inference, or both separated by a comma",
    default: "training,inference",
  }),
  PROVIDER_PRICE_TRAINING_WEI: setting(wei, {
    description: "least price of one training, in wei",
    default: "2000000000000000000",
  }),
  PROVIDER_PRICE_INFERENCE_WEI: setting(wei, {
    description: "least price of one inference, in wei",
    default: "10000000000000000",
  }),
  PROVIDER_MAX_STAKE_WEI: setting(wei, {
    description:
      "most wei of the wrapped coin that this provider signs away as its stake, in all and for good",
    default: "10000000000000000000000",
  }),
  PROVIDER_MAX_PARALLEL_JOBS: setting(integer(1, 256), {
    description: "most jobs worked on at once",
    default: 8,
  }),
  PROVIDER_GPU_NODE: optionalSetting(text, {
    description:
      "path of a Node.js that @tensorflow/tfjs-node-gpu runs on, as the image provider-gpu has one: trainings run there, on an NVIDIA GPU; absent: on the processor",
  }),
  PROVIDER_SELF_TEST_MAX_AGE: setting(duration, {
    description: "a self-test on disk younger than this is used again at the start, with its unit",
    default: "1d",
  }),
  AIOS_DATA_DIR: setting(text, {
    description: "directory for leases in progress and the self-test",
    default: ".aios/provider",
  }),
  AIOS_HEALTH_LISTEN: optionalSetting(hostPort, {
    description: "address of health and metrics over HTTP, host:port; absent: none",
  }),
  AIOS_DRAIN_TIMEOUT: baseSettings.AIOS_DRAIN_TIMEOUT,
  LOG_LEVEL: baseSettings.LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT: baseSettings.OTEL_EXPORTER_OTLP_ENDPOINT,
});

export type ProviderSettings = Settings<typeof providerSettings>;
