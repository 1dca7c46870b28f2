import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import { HealthRegistry, startHealthServer } from "@aios/service-kit/health";
import type { Logger } from "@aios/service-kit/logger";
import { monotonicMs, systemClock } from "@aios/service-kit/system-clock";
import { systemRng } from "@aios/service-kit/system-rng";
import type { Telemetry } from "@aios/service-kit/telemetry";
import { tlsClientCredentials } from "@aios/service-kit/tls-client";
import { RegistryNetworkPin } from "./adapters/chain/registry-network.pin.js";
import { FileLeaseJournal } from "./adapters/file/file-lease-journal.js";
import { FileStakeLedger } from "./adapters/file/file-stake-ledger.js";
import { readSelfTest, writeSelfTest } from "./adapters/file/self-test-file.js";
import { ComputeLink } from "./adapters/grpc/compute-link.js";
import type { WireSecurity } from "./adapters/grpc/grpc-contents.js";
import { loadSigner } from "./adapters/keys/key-file-signer.js";
import { detectMachine } from "./adapters/system/machine.js";
import { nodeAead } from "./adapters/system/node-aead.js";
import { ChildProcessTrainer } from "./adapters/tensorflow/child-process-trainer.js";
import { LeaseWorker } from "./application/lease-worker.js";
import { measureMachine } from "./application/measure-machine.js";
import type { ProviderSettings } from "./config.js";
import type { NetworkPin } from "./domain/network.js";
import type { Signer, Trainer } from "./domain/ports.js";
import { CHALLENGE_VERSION } from "./domain/registration.js";
import { type SelfTestFigures, selfTestText } from "./domain/self-test.js";
import { SOFTWARE_VERSION } from "./software-version.js";

export interface RunningProvider {
  readonly signer: Signer;
  /** Resolves when the provider has stopped by itself; it does not. */
  readonly link: ComputeLink;
  /** Takes no more work, finishes what it can in the drain time, keeps the rest on disk. */
  close(): Promise<void>;
}

/** Puts the provider's parts together and dials compute. */
export async function startProvider(
  settings: ProviderSettings,
  logger: Logger,
  trainer: Trainer = new ChildProcessTrainer({ gpuNode: settings.PROVIDER_GPU_NODE }),
): Promise<RunningProvider> {
  const pin = networkPin(settings);
  const signer = await loadSigner(settings.PROVIDER_KEY_FILE);
  const telemetry = await startWatching(settings, signer);
  await mkdir(settings.AIOS_DATA_DIR, { recursive: true, mode: 0o700 });
  const journal = await FileLeaseJournal.open(join(settings.AIOS_DATA_DIR, "leases"));
  const figures = await selfTest(settings, trainer, logger);
  const machine = await detectMachine(settings.AIOS_DATA_DIR);
  const maxParallelJobs = settings.PROVIDER_MAX_PARALLEL_JOBS;

  const worker = new LeaseWorker({
    journal,
    trainer,
    signer,
    rng: systemRng,
    aead: nodeAead,
    clock: systemClock,
    logger,
    maxParallelJobs,
  });
  await worker.recover();

  const kinds = settings.PROVIDER_JOB_KINDS;
  const prices = pricesOf(settings);
  const link = new ComputeLink({
    url: settings.COMPUTE_GRPC_URL,
    tls: await wireSecurity(settings),
    pin,
    stakes: new FileStakeLedger(settings.AIOS_DATA_DIR),
    signer,
    hello: {
      address: signer.address,
      challengeVersion: CHALLENGE_VERSION,
      name: settings.PROVIDER_NAME,
      capabilities: {
        ...machine,
        gpus: [...machine.gpus],
        jobKinds: [...kinds],
        maxParallelJobs,
        softwareVersion: SOFTWARE_VERSION,
      },
      priceWei: Object.fromEntries(Object.entries(prices).map(([kind, price]) => [kind, price.toString()])),
    },
    selfTest: {
      ...figures,
      resultHash: Uint8Array.from(Buffer.from(figures.resultHash.slice(2), "hex")),
      signature: signer.signText(selfTestText(figures)),
    },
    prices,
    kinds,
    maxParallelJobs,
    maxStakeWei: settings.PROVIDER_MAX_STAKE_WEI,
    worker,
    rng: systemRng,
    clock: systemClock,
    logger,
  });
  const health = await startHealth(settings, link, telemetry);
  const stopping = new AbortController();
  const running = link.run(stopping.signal);
  logger.info({ address: signer.address, compute: settings.COMPUTE_GRPC_URL, kinds }, "provider started");

  return {
    signer,
    link,
    async close() {
      link.drain();
      const drained = AbortSignal.timeout(settings.AIOS_DRAIN_TIMEOUT);
      await Promise.race([
        worker.untilIdle(),
        systemClock.wait(durationMs(settings.AIOS_DRAIN_TIMEOUT), drained),
      ]).catch(() => undefined);
      worker.stop();
      stopping.abort();
      await running;
      await health?.close();
      await telemetry?.shutdown().catch((error: unknown) => {
        logger.warn({ error }, "the last traces could not be sent");
      });
      logger.info("provider stopped");
    },
  };
}

/** Throws `invalid-settings` where nothing says for which network this provider may sign. */
function networkPin(settings: ProviderSettings): NetworkPin {
  const { PROVIDER_CHAIN_ID: chainId, PROVIDER_CONTRACTS: contracts } = settings;
  const { CHAIN_RPC_URL: url, CONTRACT_REGISTRY_ADDRESS: registry } = settings;
  if (contracts !== undefined && chainId !== undefined) {
    return { network: async () => ({ chainId, contracts }) };
  }
  if (contracts === undefined && url !== undefined && registry !== undefined) {
    return new RegistryNetworkPin(url, registry, chainId);
  }
  throw new CodedError({
    code: "invalid-settings",
    kind: "invalid",
    message:
      "Say which network this provider may sign for: set CONTRACT_REGISTRY_ADDRESS and CHAIN_RPC_URL, or PROVIDER_CONTRACTS and PROVIDER_CHAIN_ID. The network's operator publishes them.",
  });
}

async function wireSecurity({ PROVIDER_TLS_CA_FILE: file }: ProviderSettings): Promise<WireSecurity> {
  if (file === undefined) return {};
  return { channelCredentials: await tlsClientCredentials("PROVIDER_TLS_CA_FILE", file) };
}

function pricesOf(settings: ProviderSettings): Record<string, bigint> {
  const all = {
    training: settings.PROVIDER_PRICE_TRAINING_WEI,
    inference: settings.PROVIDER_PRICE_INFERENCE_WEI,
  };
  return Object.fromEntries(settings.PROVIDER_JOB_KINDS.map((kind) => [kind, all[kind]]));
}

async function selfTest(
  settings: ProviderSettings,
  trainer: Trainer,
  logger: Logger,
): Promise<SelfTestFigures> {
  const directory = settings.AIOS_DATA_DIR;
  const stored = await readSelfTest(directory, SOFTWARE_VERSION);
  if (stored !== undefined && systemClock.now() - stored.measuredAtMs < settings.PROVIDER_SELF_TEST_MAX_AGE)
    return stored;
  const training = settings.PROVIDER_JOB_KINDS.includes("training") ? trainer : undefined;
  const figures = await measureMachine(training, systemClock, monotonicMs, new AbortController().signal);
  await writeSelfTest(directory, SOFTWARE_VERSION, figures);
  logger.info({ ...figures }, "self-test measured");
  return figures;
}

/** Telemetry costs 40 MB; a provider that nobody watches does without. */
async function startWatching(settings: ProviderSettings, signer: Signer): Promise<Telemetry | undefined> {
  const { AIOS_HEALTH_LISTEN, OTEL_EXPORTER_OTLP_ENDPOINT } = settings;
  if (AIOS_HEALTH_LISTEN === undefined && OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return undefined;
  const [{ startTelemetry }, { observeProcess }] = await Promise.all([
    import("@aios/service-kit/telemetry"),
    import("@aios/service-kit/process-metrics"),
  ]);
  const telemetry = await startTelemetry({
    service: "provider",
    instanceId: signer.address,
    otlpEndpoint: OTEL_EXPORTER_OTLP_ENDPOINT,
    samplePercent: 100,
  });
  observeProcess({ service: "provider", version: SOFTWARE_VERSION, dataDirectory: settings.AIOS_DATA_DIR });
  return telemetry;
}

async function startHealth(
  settings: ProviderSettings,
  link: ComputeLink,
  telemetry: Telemetry | undefined,
): Promise<{ close(): Promise<void> } | undefined> {
  if (settings.AIOS_HEALTH_LISTEN === undefined || telemetry === undefined) return undefined;
  const health = new HealthRegistry("provider");
  const welcomed = async (): Promise<void> => {
    if (!link.welcomed) throw new Error("compute has not welcomed this provider yet");
  };
  // Nobody calls a provider; its link is all that it is ready for.
  health.register("compute-link", welcomed, "always");
  const server = await startHealthServer(settings.AIOS_HEALTH_LISTEN, health, () =>
    telemetry.prometheusText(),
  );
  health.started();
  return server;
}
