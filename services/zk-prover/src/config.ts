import { DEFAULT_MAX_LOG_ROWS } from "@aios/core-ultra-honk/gate-count";
import { address } from "@aios/kernel/identifiers";
import { weiAmount } from "@aios/kernel/units";
import {
  byteSize,
  commonSettings,
  defineSettings,
  duration,
  grpcPeers,
  integer,
  setting,
  text,
} from "@aios/service-kit/config";
import { z } from "zod";

export const proverSettings = defineSettings({
  ...commonSettings,
  STORAGE_GRPC_URL: grpcPeers.STORAGE_GRPC_URL,
  ECONOMY_GRPC_URL: grpcPeers.ECONOMY_GRPC_URL,
  PROVER_PAYOUT_ADDRESS: setting(
    text.transform((value) => address(value, "PROVER_PAYOUT_ADDRESS")),
    { description: "account that is paid for proofs, 0x and 40 hex digits" },
  ),
  PROVER_PRICE_WEI: setting(
    text.transform((value) => weiAmount(value, "PROVER_PRICE_WEI")),
    { description: "price of one proof, in wei", default: "50000000000000000" },
  ),
  PROVER_HONK_PRICE_WEI: setting(
    text.transform((value) => weiAmount(value, "PROVER_HONK_PRICE_WEI")),
    {
      description: "price of one UltraHonk proof, in wei: some five times the work of a Groth16 proof",
      default: "150000000000000000",
    },
  ),
  PROVER_HONK_MAX_LOG_ROWS: setting(integer(8, 20), {
    description:
      "log2 of the rows of the largest circuit that UltraHonk proofs are made of; 2^16 rows take 110 MB for the time of a proof, each more doubles that",
    default: DEFAULT_MAX_LOG_ROWS,
  }),
  PROVER_HONK_POWERS_FILE: setting(z.string(), {
    description:
      "powers of tau for UltraHonk's reference string, a file in snarkjs' format; the contracts are deployed with the same tau·G2. None: the development string, under which everybody can forge",
    default: "",
  }),
  PROVER_HONK_POWERS_SHA256: setting(z.string().regex(/^([0-9a-f]{64})?$/, "SHA-256 as hex"), {
    description:
      "what that file must have, compared with the publication of those who made it; needed where there is a file",
    default: "",
  }),
  PROVER_CONCURRENCY: setting(integer(1, 16), {
    description:
      "proofs that are worked on at a time; their proving itself takes turns in the prover's threads",
    default: 2,
  }),
  PROVER_THREADS: setting(integer(1, 64), {
    description: "threads that share the work of one proof; each holds its part of the loaded keys",
    default: 2,
  }),
  PROVER_QUEUE_LIMIT: setting(integer(1, 100_000), {
    description: "unfinished proofs beyond which new ones are refused",
    default: 500,
  }),
  PROVER_LOADED_MODELS: setting(integer(1, 64), {
    description: "models whose keys stay in memory, about 30 MiB each",
    default: 4,
  }),
  PROVER_LEASE: setting(duration, {
    description: "work of a process that shows no life for this long is taken over, with its unit",
    default: "5s",
  }),
  PROVER_PROOF_TIMEOUT: setting(duration, {
    description: "longest time for one proof, with its unit",
    default: "60s",
  }),
  PROVER_SET_UP_TIMEOUT: setting(duration, {
    description: "longest time for the keys of one model, with its unit",
    default: "5m",
  }),
  PROVER_LISTED_POWERS: setting(
    z
      .string()
      .regex(/^([0-9a-f]{64}(,[0-9a-f]{64})*)?$/, "SHA-256 hashes as hex, separated by commas")
      .transform((list) => (list === "" ? [] : list.split(","))),
    {
      description:
        "SHA-256 of the powers of tau that ceremonies may begin from, hex, separated by commas; list only what was compared with the publication of those who made them",
      default: "",
    },
  ),
  PROVER_MAX_POWERS: setting(byteSize, {
    description:
      "largest file of powers of tau that is read, with its unit: 72MiB for 2^16 constraints, 288MiB for the 2^18 of a LeNet-5; three times as much memory is needed for the time of it",
    default: "96MiB",
  }),
  PROVER_STORAGE_DEADLINE: setting(duration, {
    description: "longest time for one transfer from or to storage, with its unit",
    default: "30s",
  }),
  PROVER_POLL_INTERVAL: setting(duration, {
    description: "how often the queue is looked at without a request, with its unit",
    default: "500ms",
  }),
});
