import { Groth16Prover } from "@aios/core-groth16/groth16-prover";
import { queueFull } from "@aios/core-proving-queue/admission";
import { ServiceTimes } from "@aios/core-proving-queue/service-times";
import type { Claim, WorkQueue } from "@aios/core-proving-queue/work-queue";
import { isCodedError } from "@aios/kernel/coded-error";
import { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import { ContentKeyServiceService, ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import type { ServiceContext } from "@aios/service-kit/service-context";
import { systemRng } from "@aios/service-kit/system-rng";
import { inSpan } from "@aios/service-kit/tracing";
import type { DynamicModule, Provider } from "@nestjs/common";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../generated/prisma/client.js";
import { ProverController } from "./adapters/grpc/prover.controller.js";
import { CalculationThread } from "./adapters/native/calculation-thread.js";
import { honkBackEnd } from "./adapters/native/honk-prover.js";
import { EconomyProofVerifiers } from "./adapters/peers/economy.proof-verifiers.js";
import { StorageContentStore } from "./adapters/peers/storage.content-store.js";
import { PrismaModelKeyStore } from "./adapters/prisma/prisma-model-key.store.js";
import { PrismaProofStore } from "./adapters/prisma/prisma-proof.store.js";
import { CeremonyKeys } from "./application/ceremony-key.js";
import { Groth16BackEnd } from "./application/groth16-back-end.js";
import { HonkOffer } from "./application/honk-offer.js";
import { LoadedModels } from "./application/loaded-models.js";
import { MakeKey } from "./application/make-key.use-case.js";
import { MakeProof } from "./application/make-proof.use-case.js";
import { OfferedSystems } from "./application/offered-systems.js";
import { ProgressBoard } from "./application/progress-board.js";
import { testBackEnd, testedFirst } from "./application/prover-self-test.js";
import { QuoteProof } from "./application/quote-proof.use-case.js";
import { RequestProof } from "./application/request-proof.use-case.js";
import { SetUpKey } from "./application/set-up-key.use-case.js";
import { WorkLoop, type WorkLoopHooks, type WorkLoopOptions } from "./application/work-loop.js";
import type { proverSettings } from "./config.js";
import { provenModelId } from "./domain/proof-system.js";
import { metrics } from "./metrics.js";
import { CLOCK, MODEL_KEY_STORE, PROOF_STORE } from "./tokens.js";

type Context = ServiceContext<typeof proverSettings>;

class ProverModule {}

/** Gates a millisecond of UltraHonk on 2 cores, before anything was measured. */
const HONK_FIRST_GUESS = 25;

/** The one place where the prover's parts are put together. */
export async function proverModule(context: Context): Promise<DynamicModule> {
  const stores = storesOf(context);
  const prover = new Groth16Prover({ threads: context.settings.PROVER_THREADS });
  context.onShutdown("prover threads", () => prover.close());
  const calculations = new CalculationThread();
  context.onShutdown("calculation thread", () => calculations.close());
  await offerGroth16(context, stores, prover);
  await offerHonk(context, stores, calculations);
  const work = workOf(context, stores, calculations);
  const loops = startLoops(context, stores, work);
  observe(context, stores, work);
  return {
    module: ProverModule,
    controllers: [ProverController],
    providers: providersOf(context, stores, work, loops),
  };
}

type Stores = ReturnType<typeof storesOf>;
type Work = ReturnType<typeof workOf>;
type Loops = ReturnType<typeof startLoops>;

function storesOf(context: Context) {
  const { settings, clock } = context;
  const prisma = new PrismaClient({ adapter: new PrismaPg(context.pool) });
  context.onShutdown("prisma", () => prisma.$disconnect());
  const offered = new OfferedSystems();
  const contents = new StorageContentStore(
    context.grpcClient(ContentServiceService, "STORAGE_GRPC_URL"),
    context.grpcClient(ContentKeyServiceService, "STORAGE_GRPC_URL"),
    systemRng,
    settings.PROVER_STORAGE_DEADLINE,
  );
  return {
    offered,
    contents,
    keys: new PrismaModelKeyStore(prisma, context.pool, clock, () => offered.names()),
    proofs: new PrismaProofStore(prisma, context.pool, clock, () => offered.names()),
  };
}

async function offerGroth16(
  { settings }: Context,
  { contents, offered }: Stores,
  prover: Groth16Prover,
): Promise<void> {
  const limits = {
    listedPowers: new Set(settings.PROVER_LISTED_POWERS),
    maxPowersBytes: settings.PROVER_MAX_POWERS,
    threads: settings.PROVER_THREADS,
  };
  const groth16 = new Groth16BackEnd(prover, new CeremonyKeys(contents, limits, systemRng), systemRng);
  await testBackEnd(groth16, systemRng);
  offered.offer(groth16);
}

function workOf(
  { settings, clock, logger }: Context,
  { keys, proofs, contents, offered }: Stores,
  calculations: CalculationThread,
) {
  const models = new LoadedModels(keys, contents, offered, calculations, settings.PROVER_LOADED_MODELS, {
    loaded: (durationMs) => metrics.keyLoadDuration.record(durationMs),
  });
  const progress = new ProgressBoard();
  const times = { groth16: new ServiceTimes(), honk: new ServiceTimes(HONK_FIRST_GUESS) };
  const makeKey = new MakeKey(keys, contents, models, offered, calculations, progress, systemRng, {
    notKept: (error) => logger.warn({ error }, "a new key could not be kept in memory"),
  });
  const makeProof = new MakeProof({
    proofs,
    contents,
    models,
    progress,
    clock,
    hooks: {
      proven(model, constraints, proveMs) {
        times[model.proofSystem].record(provenModelId(model), constraints, proveMs);
        metrics.proveDuration.record(proveMs);
      },
    },
  });
  return { models, progress, times, makeKey, makeProof };
}

function startLoops(context: Context, { keys, proofs }: Stores, { models, makeKey, makeProof }: Work) {
  const { settings } = context;
  const key = startLoop(
    context,
    "key",
    keys,
    (claim, record, signal) => makeKey.execute(claim, record, signal),
    metrics.keysEnded,
    { concurrency: 1, timeoutMs: settings.PROVER_SET_UP_TIMEOUT },
  );
  const proof = startLoop(
    context,
    "proof",
    proofs,
    (claim, record, signal) => makeProof.execute(claim, record, signal),
    metrics.proofsEnded,
    {
      concurrency: settings.PROVER_CONCURRENCY,
      timeoutMs: settings.PROVER_PROOF_TIMEOUT,
      loaded: () => models.names(),
    },
  );
  return { key, proof };
}

function startLoop<T>(
  context: Context,
  name: string,
  queue: WorkQueue<T>,
  work: WorkLoopHooks<T>["work"],
  ended: typeof metrics.proofsEnded,
  own: Pick<WorkLoopOptions, "concurrency" | "timeoutMs" | "loaded">,
): WorkLoop<T> {
  const { settings, clock, logger } = context;
  const hooks: WorkLoopHooks<T> = {
    work: (claim: Claim, item: T, signal: AbortSignal) =>
      inSpan(`zk-prover ${name}`, { parent: claim.traceHeaders }, () => work(claim, item, signal)),
    ended(outcome, error) {
      ended.add(1, { outcome });
      if (error !== undefined && outcome !== "lost")
        logger.warn({ error, outcome }, `${name} work did not end well`);
    },
    problem(error) {
      metrics.queueProblems.add(1);
      logger.warn({ error }, `the ${name} queue could not be reached`);
    },
  };
  const options = { ...own, leaseMs: settings.PROVER_LEASE, pollMs: settings.PROVER_POLL_INTERVAL };
  const loop = new WorkLoop(queue, hooks, clock, options);
  // Work goes back to the queue at once, while calls under way are still answered.
  context.draining.addEventListener("abort", () => void loop.stop(), { once: true });
  context.onShutdown(`${name} work`, () => loop.stop());
  loop.start();
  return loop;
}

function observe({ settings, health }: Context, { proofs }: Stores, { models, times }: Work): void {
  metrics.queuedProofs.observe(() => proofs.depth());
  metrics.loadedModels.observe(() => models.size);
  const queueHasRoom = async (): Promise<void> => {
    if ((await proofs.depth()) >= settings.PROVER_QUEUE_LIMIT) throw queueFull(times.groth16.nextFreeMs());
  };
  // New proofs are refused one by one; keys, quotes and proofs that are made are answered.
  health.register("proof-queue", queueHasRoom, "never");
}

function providersOf(
  { settings, clock }: Context,
  { keys, proofs, offered }: Stores,
  { models, progress, times }: Work,
  loops: Loops,
): Provider[] {
  return [
    { provide: MODEL_KEY_STORE, useValue: keys },
    { provide: PROOF_STORE, useValue: proofs },
    { provide: CLOCK, useValue: clock },
    { provide: LoadedModels, useValue: models },
    { provide: ProgressBoard, useValue: progress },
    { provide: SetUpKey, useValue: new SetUpKey(keys, offered, () => loops.key.ring()) },
    {
      provide: RequestProof,
      useValue: new RequestProof(proofs, times, settings.PROVER_QUEUE_LIMIT, () => loops.proof.ring()),
    },
    {
      provide: QuoteProof,
      useValue: new QuoteProof(keys, proofs, times, offered, {
        priceWei: { groth16: settings.PROVER_PRICE_WEI, honk: settings.PROVER_HONK_PRICE_WEI },
        payout: settings.PROVER_PAYOUT_ADDRESS,
        parallel: settings.PROVER_CONCURRENCY,
      }),
    },
  ];
}

/** UltraHonk where this machine has its program and the chain's verifier takes the proofs. */
async function offerHonk(
  context: Context,
  { offered }: Stores,
  calculations: CalculationThread,
): Promise<void> {
  const { clock, logger } = context;
  try {
    const { backEnd, tauG2 } = await honkBackEnd(context, calculations);
    const verifiers = new EconomyProofVerifiers(
      context.grpcClient(EconomyServiceService, "ECONOMY_GRPC_URL"),
    );
    const offer = new HonkOffer(testedFirst(backEnd, systemRng), tauG2, verifiers, offered, clock, {
      changed(refusal) {
        if (refusal === undefined) logger.info("UltraHonk proofs are made here");
        else logger.error({ error: refusal }, "UltraHonk proofs are not made here");
      },
    });
    void offer.run(context.draining);
  } catch (error) {
    if (!isCodedError(error) || error.code !== "proof-system-unavailable") throw error;
    offered.refuse("honk", error);
    logger.warn({ error }, "UltraHonk proofs are not made here");
  }
}
