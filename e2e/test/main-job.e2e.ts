import { createHash } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { evaluateModel } from "@aios/core-zkml/provable-model";
import { splitDigits } from "@aios/datasets/digit-split";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt, type LabelledDigits } from "@aios/datasets/labelled-digits";
import { aios } from "@aios/kernel/units";
import { USUAL_HONOR_NODES } from "@aios/launcher/honor-nodes";
import { MainJob, type MainJobResult } from "@aios/main-job/main-job";
import { INFERENCE_PRICE_CAP_WEI, LICENCE_PRICE_LIMIT_WEI, TRAINING } from "@aios/main-job/plan";
import { runInference } from "@aios/main-job/proven-inference";
import { topics } from "@aios/proto/topics";
import type { Model, SigningRequest } from "@aios/sdk/api-types";
import { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import { signAll } from "@aios/sdk/sign-all";
import { exportProof } from "@aios/sdk/verification/export-proof";
import { decodeProofDocument, type ProofStatement, readProof } from "@aios/sdk/verification/proof-document";
import { privateKeySigner } from "@aios/sdk/wallet";
import { systemClock } from "@aios/service-kit/system-clock";
import { eventually } from "@aios/testkit/eventually";
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "@aios/testkit/otlp-receiver";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CEREMONY_INPUT, ceremonyPowers, publishUnderCeremony } from "../src/ceremony-model.js";
import { CrashMarkers } from "../src/crash-markers.js";
import { findCrashPoints, mixedRuns, OTHER_NODE } from "../src/crash-points.js";
import { FaultBench } from "../src/fault-bench.js";
import { problemsOf } from "../src/fault-matrix.js";
import { settledInference } from "../src/foreign-proofs.js";
import { importedDigits, publishImported } from "../src/imported-model.js";
import { LocalPlatform, ROOT } from "../src/local-platform.js";
import { SilentReport } from "../src/silent-report.js";
import type { SoldInference } from "../src/sold-inference.js";
import { ancestryOf } from "../src/span-ancestry.js";
import { verifiedJob } from "../src/verified-job.js";
import { badInputCases } from "./bad-input.cases.js";
import { commandLineCases } from "./command-line.cases.js";
import { studioCases } from "./studio.cases.js";

/** Services whose spans one proven inference consists of, and the processes that send them. */
const TRACED = ["gateway", "compute", "provider", "economy", "storage", "zk-prover", "scoring"];
const SENDERS = [...TRACED.filter((service) => service !== "provider"), "provider-1", "provider-2"];

/** From the buyer's request to the settlement's entry in the chain-write outbox: HTTP, gRPC, the job's step, gRPC. */
const TO_THE_CHAIN = [
  "gateway: POST /v1/jobs",
  "gateway: aios.compute.v1.ComputeService/PrepareJob",
  "compute: aios.compute.v1.ComputeService/PrepareJob",
  "compute: job submit settle",
  "compute: aios.economy.v1.EconomyService/SubmitTransaction",
  "economy: aios.economy.v1.EconomyService/SubmitTransaction",
];
const HEARS_OF_SETTLEMENT = ["compute", "scoring"];

/** Of the platform's own node and of another: a sample; `npm run test:faults` takes them all. */
const honorPoints = findCrashPoints(ROOT, "honor").filter(({ process }) =>
  ["consensus", OTHER_NODE].includes(process),
);
const honorDeaths = mixedRuns(honorPoints, 2);

/** Spans whose parent is not among them. */
function rootsOf(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  const known = new Set(spans.map((span) => span.spanId));
  return spans.filter((span) => span.parentSpanId === undefined || !known.has(span.parentSpanId));
}

describe("the main job, through the gateway only", () => {
  let otlp: OtlpReceiver;
  let local: LocalPlatform;
  let developer: AiosClient;
  let business: AiosClient;
  let result: MainJobResult;
  let unseen: LabelledDigits;
  let powers: Uint8Array;
  let ceremony: Promise<Model> | undefined;
  let markers: CrashMarkers;
  let markerFiles: TemporaryDirectory;
  const report = new SilentReport();
  const sold = (): SoldInference => ({ local, developer, business, result, unseen });

  beforeAll(async () => {
    otlp = await startOtlpReceiver();
    const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url };
    powers = ceremonyPowers();
    const listed = { PROVER_LISTED_POWERS: createHash("sha256").update(powers).digest("hex") };
    markerFiles = temporaryDirectory("crash-points");
    markers = new CrashMarkers(markerFiles.path, honorPoints);
    const environment = {
      ...markers.environment(),
      ...Object.fromEntries(SENDERS.map((name) => [name, traced])),
      "zk-prover": { ...traced, ...listed },
    };
    local = await LocalPlatform.start(environment, undefined, USUAL_HONOR_NODES);
    developer = local.client("developer");
    business = local.client("business");
    unseen = splitDigits(await loadDigits(), TRAINING).unseen;
    try {
      result = await new MainJob({ developer, business }, report, systemClock).run({
        providers: 2,
        digitIndex: 7,
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${local.logs()}`, { cause: error });
    }
  }, 600_000);

  afterAll(async () => {
    await local?.stop();
    await otlp?.close();
    markerFiles?.remove();
  });

  /** Takes its time: begun as soon as another model may be the newest, and looked at some tests later. */
  function modelUnderCeremony(): Promise<Model> {
    ceremony ??= publishUnderCeremony(developer, powers, mkdtempSync(join(local.dataDir, "ceremony-")));
    ceremony.catch(() => undefined);
    return ceremony;
  }

  test("trains, publishes, sells, proves, settles and anchors", () => {
    expect(result.trainedAnew).toBe(true);
    expect(result.inference.job.state).toBe("settled");
    expect(result.receipts.every((receipt) => receipt.state === "anchored")).toBe(true);
    expect(report.steps).toHaveLength(7);
  });

  test("holds when everything is checked again from outside", () => {
    expect(result.verification.checks.filter((check) => check.ok === false)).toEqual([]);
    expect(result.verification.ok).toBe(true);
    expect(result.verification.trusted.join(" ")).toContain("development");
  });

  test("is final by the certificate of a quorum of honor nodes, verified from outside", () => {
    const { checks, trusted } = result.verification;
    expect(checks.find(({ name }) => name === "finality")).toMatchObject({ ok: true });
    expect(trusted.join(" ")).toContain(`The first honor set, of ${USUAL_HONOR_NODES},`);
    expect(trusted.join(" ")).not.toContain("one block producer");
  });

  test("pays exactly the escrowed amount, once", async () => {
    const payments = await business.jobs.payments(result.inference.job.jobId);
    const sum = (kinds: readonly string[]): bigint =>
      payments
        .filter(({ kind }) => kinds.includes(kind))
        .reduce((total, { amountWei }) => total + BigInt(amountWei), 0n);
    const escrowed = sum(["escrow"]);
    expect(escrowed).toBe(INFERENCE_PRICE_CAP_WEI);
    expect(
      sum(["provider", "prover", "royalty", "protocol-fee-burned", "protocol-fee-treasury", "refund"]),
    ).toBe(escrowed);
    for (const kind of ["provider", "prover", "royalty", "refund"]) {
      expect(payments.filter((payment) => payment.kind === kind)).toHaveLength(1);
    }
  });

  test("explains why this provider and not the other", async () => {
    const { placements } = await business.jobs.placement(result.inference.job.jobId);
    const candidates = placements.at(-1)?.candidates ?? [];
    expect(candidates).toHaveLength(2);
    expect(candidates.filter((candidate) => candidate.chosen)).toHaveLength(1);
    expect(candidates.every((candidate) => candidate.explanation.length > 0)).toBe(true);
  });

  test("tells the same story as one GraphQL document, and takes an order through the graph", async () => {
    const { jobId } = result.inference.job;
    const { job } = await business.graphql.request<{
      job: {
        state: string;
        model: { name: string };
        payments: { kind: string; amountWei: string }[];
        proof: { state: string };
        receipts: { state: string }[];
        placement: { placements: { candidates: { chosen: boolean }[] }[] };
      };
    }>(
      `query($id: Bytes32!) {
        job(jobId: $id) {
          state
          model { name }
          payments { kind amountWei }
          proof { state }
          receipts { state }
          placement { placements { candidates { chosen } } }
        }
      }`,
      { id: jobId },
    );
    expect(job.state).toBe("SETTLED");
    expect(job.model.name).toBe(result.model.name);
    const payments = await business.jobs.payments(jobId);
    expect(job.payments.map(({ amountWei }) => amountWei)).toEqual(
      payments.map(({ amountWei }) => amountWei),
    );
    expect(job.proof.state).toBe("PROVEN");
    expect(job.receipts.length).toBeGreaterThan(0);
    expect(job.receipts.every(({ state }) => state === "ANCHORED")).toBe(true);
    expect(job.placement.placements.at(-1)?.candidates).toHaveLength(2);

    const order = await business.graphql.request<{
      prepareJob: { job: { jobId: string }; toSign: SigningRequest[] };
    }>(
      `mutation($input: PrepareJobInput!, $key: String!) {
        prepareJob(input: $input, idempotencyKey: $key) { job { jobId } toSign { name typedData } }
      }`,
      {
        input: {
          inference: { modelId: result.model.modelId, input: toHex(digitAt(unseen, 4)) },
          verification: "PROOF",
          priceCapWei: INFERENCE_PRICE_CAP_WEI.toString(),
        },
        key: crypto.randomUUID(),
      },
    );
    const signer = privateKeySigner(local.platform.privateKey("business"));
    const signatures = await signAll(signer, order.prepareJob.toSign);
    const ordered = order.prepareJob.job.jobId;
    await business.graphql.request(
      `mutation($id: Bytes32!, $signatures: SignaturesInput!, $key: String!) {
        placeJob(jobId: $id, input: $signatures, idempotencyKey: $key) { state }
      }`,
      { id: ordered, signatures: { signatures }, key: crypto.randomUUID() },
    );
    expect((await business.jobs.wait(ordered)).state).toBe("settled");
  });

  test("logs every release of the model's key to its owner", async () => {
    const releases = await developer.content.releases(result.model.contentCid);
    expect(releases.some((release) => release.purpose === "proving-key-setup")).toBe(true);
    expect(releases.some((release) => release.jobId === result.inference.job.jobId)).toBe(true);
  });

  test("is one trace from the HTTP request through gRPC and events to the settling transaction", async () => {
    const { traceId, steps } = result.inference.job;
    const settledIn = steps.find(({ name }) => name === "settled")?.transactionHash;
    const own = (spans: readonly ReceivedSpan[]) => spans.filter((span) => span.traceId === traceId);
    const broadcast = (spans: readonly ReceivedSpan[]) =>
      spans.find(({ attributes }) => attributes["aios.chain.transaction_hash"] === settledIn);
    /** What each service was told about the settlement, by the event that the chain's event became. */
    const told = (spans: readonly ReceivedSpan[]) =>
      spans
        .filter(({ name }) => name === `handle ${topics.economyJobChanged.name}`)
        .map((span) => ancestryOf(span, spans))
        .filter((line) => line.includes("economy: index JobSettled"));
    const isWhole = (spans: readonly ReceivedSpan[]): boolean =>
      TRACED.every((service) => spans.some((span) => span.service === service)) &&
      rootsOf(spans).every((root) => root.service === "gateway") &&
      broadcast(spans) !== undefined &&
      HEARS_OF_SETTLEMENT.every((service) => told(spans).some((line) => line.at(-1)?.startsWith(service)));
    const spans = own(await otlp.awaitTrace((received) => isWhole(own(received)), 30_000));

    const settling = broadcast(spans) as ReceivedSpan;
    expect(ancestryOf(settling, spans)).toEqual([...TO_THE_CHAIN, "economy: broadcast transaction"]);
    for (const service of HEARS_OF_SETTLEMENT)
      expect(told(spans)).toContainEqual([
        ...TO_THE_CHAIN,
        "economy: index JobSettled",
        `economy: publish ${topics.economyJobChanged.name}`,
        `${service}: handle ${topics.economyJobChanged.name}`,
      ]);
  });

  studioCases(sold);

  test("goes through again on the same platform, with the model and the licence of before", async () => {
    const again = await new MainJob({ developer, business }, new SilentReport(), systemClock).run({
      providers: 2,
      digitIndex: 8,
    });
    expect(again.trainedAnew).toBe(false);
    expect(again.model.modelId).toBe(result.model.modelId);
    expect(again.inference.job.jobId).not.toBe(result.inference.job.jobId);
    expect(again.verification.ok).toBe(true);
    void modelUnderCeremony();
  });

  test("offers every rung of the ladder with price, time and trust before one is chosen", async () => {
    const inference = { modelId: result.model.modelId as number, input: toHex(digitAt(unseen, 11)) };
    const { quotes, refusals } = await business.jobs.quotes({ inference });
    expect(quotes.map(({ verification }) => verification)).toEqual([
      "none",
      "sample",
      "replicate",
      "proof",
      "honk",
    ]);
    expect(refusals).toEqual([]);
    for (const quote of quotes) {
      expect(BigInt(quote.priceWei)).toBeGreaterThan(0n);
      expect(quote.expectedMs).toBeGreaterThan(0);
      expect(quote.trust.length).toBeGreaterThan(20);
    }
    const absent = quotes.map((quote) => quote.absent.map(({ name }) => name));
    expect(absent).toEqual([
      [],
      ["groth16-bn254-cuda"],
      [],
      ["groth16-bn254-cuda"],
      ["ultrahonk-bn254-cuda"],
    ]);
  });

  test.each(["none", "sample", "replicate", "honk"] as const)(
    "settles an inference under '%s' at its quoted terms, checked from outside",
    async (verification) => {
      const digit = digitAt(unseen, 11);
      const outcome = await runInference(
        business,
        result.model.modelId as number,
        digit,
        verification,
        report,
      );
      expect(outcome.job.state).toBe("settled");
      expect(outcome.job.trust).toBeTruthy();
      const checked = await verifiedJob(business, outcome.job.jobId);
      expect(checked.ok).toBe(true);
      const payments = await business.jobs.payments(outcome.job.jobId);
      expect(payments.filter(({ kind }) => kind === "provider")).toHaveLength(1);
      if (verification === "honk") {
        const document = decodeProofDocument(await exportProof(business, outcome.job.jobId));
        expect(await readProof(document)).toMatchObject({ ok: true });
        const own = document.statement as ProofStatement;
        for (const other of [
          { jobId: result.inference.job.jobId },
          { requester: developer.account as string },
          { chainId: own.chainId + 1 },
        ])
          expect((await readProof({ ...document, statement: { ...own, ...other } })).ok).toBe(false);
        expect(checked.checks.find(({ name }) => name === "proof")?.ok).toBe(true);
      }
      if (verification !== "replicate") return;
      expect(outcome.job.replicaProvider).not.toBe(outcome.job.provider);
      expect(checked.checks.find(({ name }) => name === "replica")?.ok).toBe(true);
    },
    120_000,
  );

  test("sells an imported convolutional model as it does a perceptron, proven and checked from outside", async () => {
    const { train } = splitDigits(await loadDigits(), TRAINING);
    const imported = importedDigits(train, unseen, 100);
    expect(imported.report.quantisation.accuracy?.integerAccuracy).toBeGreaterThan(0.9);
    const model = await publishImported(developer, imported);
    await business.models.purchaseLicence(model.modelId as number, LICENCE_PRICE_LIMIT_WEI);
    const digit = digitAt(unseen, 5);
    const outcome = await runInference(business, model.modelId as number, digit, "proof", report);
    expect(outcome.job.state).toBe("settled");
    expect(outcome.logits).toEqual([...evaluateModel(imported.graph, digit)]);
    expect((await verifiedJob(business, outcome.job.jobId)).ok).toBe(true);
  }, 300_000);

  test("sells a model under a key of two contributors, and tells everybody who could forge and what was not checked", async () => {
    const model = await modelUnderCeremony();
    const together =
      /forgeable by whoever calls themselves developer and buyers, possibly one party, together/;
    expect(model.keyTrust).toMatch(together);
    await business.models.purchaseLicence(model.modelId as number, LICENCE_PRICE_LIMIT_WEI);
    const jobId = await settledInference(
      business,
      model.modelId as number,
      CEREMONY_INPUT,
      INFERENCE_PRICE_CAP_WEI,
    );
    expect((await business.jobs.proof(jobId)).trust).toMatch(together);
    const checked = await verifiedJob(business, jobId);
    const origin = checked.checks.find(({ name }) => name === "key-origin");
    expect(origin).toMatchObject({ ok: undefined, evidence: { trust: expect.stringMatching(together) } });
    expect(checked.trusted.join(" ")).toMatch(together);
    expect(checked.trusted.join(" ")).toContain("not checked here");
  }, 600_000);

  test("the same Idempotency-Key gives the same job, with another body it is refused", async () => {
    const key = crypto.randomUUID();
    const request = {
      inference: { modelId: result.model.modelId as number, input: toHex(digitAt(unseen, 3)) },
      verification: "proof" as const,
      priceCapWei: INFERENCE_PRICE_CAP_WEI,
    };
    const first = await business.jobs.prepare(request, key);
    const second = await business.jobs.prepare(request, key);
    expect(second.job.jobId).toBe(first.job.jobId);
    await expect(business.jobs.prepare({ ...request, priceCapWei: aios(4) }, key)).rejects.toMatchObject({
      kind: "conflict",
      code: "idempotency-key-reused",
    });
  });

  test("two clients of one account that sign the same permit at once both get their work done", async () => {
    const clients = [local.client("business"), local.client("business")];
    const prepared = await Promise.all(
      clients.map(({ jobs }, index) =>
        jobs.prepare({
          inference: { modelId: result.model.modelId as number, input: toHex(digitAt(unseen, 20 + index)) },
          verification: "proof",
          priceCapWei: INFERENCE_PRICE_CAP_WEI,
        }),
      ),
    );
    const nonces = prepared.map(
      ({ toSign }) => toSign.find(({ name }) => name === "permit")?.typedData.message,
    );
    expect(nonces[0]?.["nonce"]).toEqual(nonces[1]?.["nonce"]);
    const states: string[] = [];
    const jobs = await Promise.all(
      clients.map(async ({ jobs: own }, index) => {
        const mine = prepared[index] as (typeof prepared)[number];
        await own.place(mine);
        return own.wait(mine.job.jobId, undefined, { onChange: ({ state }) => states.push(state) });
      }),
    );
    expect(jobs.map(({ state }) => state)).toEqual(["settled", "settled"]);
    expect(states).not.toContain("prepared");
  });

  commandLineCases(sold);

  test("goes on while an honor node is stopped, another dies, and the platform's own dies amid a job", async () => {
    const { supervisor } = local.platform;
    const modelId = result.model.modelId as number;
    const settleOne = (digit: number): Promise<string> =>
      settledInference(business, modelId, digitAt(unseen, digit), INFERENCE_PRICE_CAP_WEI);
    supervisor.signal("honor-3", "SIGSTOP");
    const without = await settleOne(11);
    supervisor.signal("honor-3", "SIGCONT");
    supervisor.signal("honor-4", "SIGKILL");
    const amid = settleOne(12);
    supervisor.signal("consensus", "SIGKILL");
    await supervisor.awaitReady("consensus", 60_000);
    for (const jobId of [without, await amid]) {
      // The certificate over the state comes with the checkpoint after the settlement's.
      await eventually(async () => {
        const { ok, checks } = await verifiedJob(business, jobId);
        expect(ok).toBe(true);
        expect(checks.find(({ name }) => name === "finality")?.ok).toBe(true);
      });
    }
    expect(local.crashes.toSorted()).toEqual(["consensus", "honor-4"]);
  }, 300_000);

  test.each(honorDeaths.map((points) => [points.map(({ id }) => id).join(" and "), points] as const))(
    "goes on when two of four nodes die amid a job, at %s",
    async (_ids, points) => {
      const bench = FaultBench.on(local, result.model.modelId as number, unseen, systemClock, markers);
      expect(problemsOf(points, await bench.run(points))).toEqual([]);
    },
    300_000,
  );

  badInputCases(sold);
});
