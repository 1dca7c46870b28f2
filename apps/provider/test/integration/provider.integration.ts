import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decryptContent } from "@aios/core-sealing/content-encryption";
import { generateSealingKeyPair, openKey } from "@aios/core-sealing/sealed-key";
import { sealedKeyFromJson } from "@aios/core-sealing/sealed-key-json";
import { requestHash } from "@aios/core-settlement/request-hash";
import {
  DELIVERY_TYPES,
  LEASE_TERMS_TYPES,
  RECEIPT_TYPES,
  signingDomain,
} from "@aios/core-settlement/typed-data";
import { evaluate } from "@aios/core-zkml/evaluator";
import { decodeFloatModel } from "@aios/core-zkml/float-model";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { encodeIntegerModel, modelCommitment } from "@aios/core-zkml/integer-model";
import { encodeJobInput } from "@aios/core-zkml/job-input";
import { packOutput } from "@aios/core-zkml/output-packing";
import { type Address, address } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { ConnectResponse, JobKind, LeaseGranted } from "@aios/proto/aios/compute/v1/compute";
import { loadSettings } from "@aios/service-kit/config";
import { eventually } from "@aios/testkit/eventually";
import { silentLogger } from "@aios/testkit/silent-logger";
import { TypedDataEncoder, verifyMessage, verifyTypedData } from "ethers/hash";
import { hexlify, toBeHex } from "ethers/utils";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ChildProcessTrainer } from "../../src/adapters/tensorflow/child-process-trainer.js";
import { providerSettings } from "../../src/config.js";
import { referenceModel } from "../../src/domain/self-test.js";
import { type RunningProvider, startProvider } from "../../src/provider.js";
import { ProviderPlatform } from "../provider-platform.js";
import { BUYER, CHAIN_ID, CONTRACTS, ordered, PIN, type ScriptedCompute } from "../scripted-compute.js";

const TRAINING_PROCESS = new URL("../../dist/src/adapters/tensorflow/training-process.js", import.meta.url);
const rng = new SeededRng(77);
const model = referenceModel();
const jobIdOf = (digit: number): string => `0x${digit.toString(16).padStart(64, "0")}`;

let platform: ProviderPlatform;
let provider: RunningProvider | undefined;
let started = 0;
let challenge: ScriptedCompute["challenge"];
beforeAll(async () => {
  platform = await ProviderPlatform.start();
  challenge = platform.compute.challenge;
});
afterAll(() => platform?.stop());
afterEach(async () => {
  await provider?.close();
  provider = undefined;
  platform.compute.received.length = 0;
  platform.compute.onProof = (stream) => stream.write(platform.compute.welcome());
  platform.compute.challenge = challenge;
});

async function start(
  env: Readonly<Record<string, string>> = {},
): Promise<{ running: RunningProvider; me: Address; dataDir: string }> {
  started++;
  const dataDir = env["AIOS_DATA_DIR"] ?? platform.dataDir(`provider-${started}`);
  const settings = loadSettings(providerSettings, {
    ...PIN,
    COMPUTE_GRPC_URL: platform.compute.url,
    PROVIDER_KEY_FILE: platform.keyFile("provider", "7"),
    AIOS_DATA_DIR: dataDir,
    AIOS_DRAIN_TIMEOUT: "500ms",
    LOG_LEVEL: "silent",
    ...env,
  });
  const running = await startProvider(
    settings,
    silentLogger,
    new ChildProcessTrainer({ script: TRAINING_PROCESS }),
  );
  provider = running;
  return { running, me: running.signer.address, dataDir };
}

interface InferenceJob {
  readonly grant: LeaseGranted;
  readonly packed: bigint;
  /** Another order of the same. */
  readonly again: (nonce: number) => LeaseGranted;
}

async function inferenceJob(nonce: number, fencingToken: number): Promise<InferenceJob> {
  const input = rng.bytes(784);
  const salt = rng.bytes(32);
  const commitment = toBeHex(inputCommitment(input, salt), 32);
  const [modelCid, inputCid] = await Promise.all([
    platform.publish(encodeIntegerModel(model), "model"),
    platform.publish(encodeJobInput({ input, salt }), "job-input"),
  ]);
  const grant = LeaseGranted.fromPartial({
    ...ordered(nonce, { inputCommitment: commitment }),
    fencingToken,
    spec: { inference: { modelId: 1 } },
    modelCid,
    modelCommitment: modelCommitment(model),
    inputCid,
    inputCommitment: Buffer.from(commitment.slice(2), "hex"),
    agreedPriceWei: "10000000000000000",
  });
  return {
    grant,
    packed: packOutput(evaluate(model, input)),
    again: (other) => ({ ...grant, ...ordered(other, { inputCommitment: commitment }) }),
  };
}

function trainingGrant(nonce: number, recipient: Uint8Array, epochs = 2): LeaseGranted {
  const training = {
    dataSet: "mnist-digits",
    seed: 1,
    epochs,
    batchSize: 64,
    layers: [784, 32, 10],
    trainPerClass: 100,
    testPerClass: 50,
    shiftAugmentation: true,
  };
  const request = requestHash({ kind: "training", ...training }, hexlify(recipient));
  return LeaseGranted.fromPartial({
    ...ordered(nonce, { kind: "training", request }),
    fencingToken: 1,
    spec: { training },
    outputRecipientPublicKey: recipient,
    agreedPriceWei: "2000000000000000000",
  });
}

const journalOf = (dataDir: string): string[] => readdirSync(join(dataDir, "leases"));

describe("joining", () => {
  it("proves its key, shows a signed self-test, and signs stake and permit up to its limit", async () => {
    platform.compute.onProof = (stream) => stream.write(platform.compute.registration(me(), 10n ** 21n));
    const me = (): Address =>
      address(platform.compute.received.find(({ hello }) => hello !== undefined)?.hello?.address);
    const { running } = await start();
    const [proof] = await platform.compute.all("proof");
    const [registration] = await platform.compute.all("registration");
    const text = platform.compute.challenge(me(), platform.compute.url);
    expect(address(verifyMessage(text, hexlify(proof?.signature ?? "0x")))).toBe(running.signer.address);
    const { signature, resultHash, ...figures } = proof?.selfTest ?? expect.fail("no self-test");
    const signed = `{"evaluatorMacsPerSecond":${figures.evaluatorMacsPerSecond},"measuredAtMs":${figures.measuredAtMs},"resultHash":"${hexlify(resultHash)}","trainingSamplesPerSecond":${figures.trainingSamplesPerSecond}}`;
    expect(address(verifyMessage(signed, hexlify(signature)))).toBe(running.signer.address);
    expect(figures.evaluatorMacsPerSecond).toBeGreaterThan(1e6);
    expect(figures.trainingSamplesPerSecond).toBeGreaterThan(100);
    expect(registration?.signatures.map(({ name }) => name)).toEqual(["registration", "permit"]);
    await eventually(() => expect(running.link.welcomed).toBe(true));
    expect((await platform.compute.all("heartbeat", 2))[0]).toMatchObject({ draining: false, leases: {} });
  });

  it("signs no stake above its limit and no text that is not a challenge", async () => {
    const { me } = await start({ PROVIDER_MAX_STAKE_WEI: "5" });
    await platform.compute.all("proof");
    const connections = platform.compute.connections;
    platform.compute.onProof = (stream) => stream.write(platform.compute.registration(me, 6n));
    platform.compute.cut();
    await eventually(() => expect(platform.compute.connections).toBeGreaterThan(connections + 1));
    expect(platform.compute.received.filter(({ registration }) => registration !== undefined)).toEqual([]);
  });

  it("dials again when the connection breaks, and says what it still owes", async () => {
    const { running } = await start();
    await eventually(() => expect(running.link.welcomed).toBe(true));
    const connections = platform.compute.connections;
    platform.compute.cut();
    await eventually(() => expect(platform.compute.connections).toBe(connections + 1));
    await eventually(() => expect(running.link.welcomed).toBe(true));
  });
});

describe("a compute that is not the one that was dialled, or not of the pinned network", () => {
  it.each([
    ["another server's", (text: string) => text.replace(/server: .*/, "server: honest.example:50061")],
    ["another chain's", (text: string) => text.replace(/chain: .*/, "chain: 1")],
    ["another escrow's", (text: string) => text.replace(/escrow: .*/, `escrow: ${BUYER}`)],
    ["of the format before", (text: string) => text.replace(/version: 2\n/, "").replace(/server: .*\n/, "")],
  ])("gets no proof for a challenge that is %s", async (_whose, change) => {
    platform.compute.challenge = (...args) => change(challenge(...args));
    const before = platform.compute.connections;
    await start();
    await eventually(() => expect(platform.compute.connections).toBeGreaterThan(before + 1));
    expect(platform.compute.received.filter(({ proof }) => proof !== undefined)).toEqual([]);
  });

  it("is not worked for when it welcomes into other contracts", async () => {
    platform.compute.onProof = (stream) => {
      const { welcome } = platform.compute.welcome();
      if (welcome === undefined) throw new TypeError("no welcome");
      const contracts = { ...CONTRACTS, JobEscrow: BUYER };
      stream.write(ConnectResponse.fromPartial({ welcome: { ...welcome, contracts } }));
    };
    const before = platform.compute.connections;
    const { running } = await start();
    await eventually(() => expect(platform.compute.connections).toBeGreaterThan(before + 1));
    expect(running.link.welcomed).toBe(false);
  });

  it("gets no registration after the welcome, and never more stake in all than the limit", async () => {
    const registrations = () =>
      platform.compute.received.filter(({ registration }) => registration !== undefined).length;
    const redialled = async (act: () => void): Promise<void> => {
      const before = platform.compute.connections;
      act();
      await eventually(() => expect(platform.compute.connections).toBeGreaterThan(before));
    };
    const { me, running, dataDir } = await start({ PROVIDER_MAX_STAKE_WEI: "10" });
    await eventually(() => expect(running.link.welcomed).toBe(true));
    await redialled(() => platform.compute.send(platform.compute.registration(me, 1n)));
    expect(registrations()).toBe(0);

    platform.compute.onProof = (stream) => stream.write(platform.compute.registration(me, 6n));
    await redialled(() => platform.compute.cut());
    await eventually(() => expect(registrations()).toBeGreaterThan(0));
    await running.close();
    platform.compute.received.length = 0;
    // The same stake signed again counts once, also for the next process; a further one is too much.
    const next = await start({ PROVIDER_MAX_STAKE_WEI: "10", AIOS_DATA_DIR: dataDir });
    await eventually(() => expect(next.running.link.welcomed).toBe(true));
    expect(registrations()).toBe(1);
    platform.compute.onProof = (stream) => stream.write(platform.compute.registration(me, 6n, 1));
    await redialled(() => platform.compute.cut());
    const before = platform.compute.connections;
    await eventually(() => expect(platform.compute.connections).toBeGreaterThan(before));
    expect(registrations()).toBe(1);
  });
});

describe("offers", () => {
  it("are accepted by signature, or refused with the reason", async () => {
    const { running, me } = await start();
    await eventually(() => expect(running.link.welcomed).toBe(true));
    const price = 10n ** 16n;
    platform.compute.offer(me, jobIdOf(1), 1, JobKind.JOB_KIND_INFERENCE, price);
    platform.compute.offer(me, jobIdOf(2), 1, JobKind.JOB_KIND_INFERENCE, price - 1n);
    platform.compute.offer(BUYER as Address, jobIdOf(3), 1, JobKind.JOB_KIND_INFERENCE, price);
    const [accepted, cheap, foreign] = await platform.compute.all("leaseDecision", 3);
    expect(accepted).toMatchObject({ jobId: jobIdOf(1), accepted: true });
    expect(cheap).toMatchObject({ jobId: jobIdOf(2), accepted: false, refusalReason: "price-too-low" });
    expect(foreign).toMatchObject({
      accepted: false,
      refusalReason: expect.stringMatching(/^terms-mismatch/),
    });
    expect(foreign?.signature.length).toBe(0);
    expect(accepted?.signature.length).toBe(65);
    expect(Object.keys(LEASE_TERMS_TYPES)).toEqual(["LeaseTerms"]);
  });
});

describe("inference", () => {
  it("is computed on the committed model and input, signed, and owed until acknowledged", async () => {
    const { running, me, dataDir } = await start();
    await eventually(() => expect(running.link.welcomed).toBe(true));
    const { grant, packed } = await inferenceJob(10, 3);
    await platform.compute.grant(grant);
    const [result] = await platform.compute.all("jobResult");
    if (result === undefined) expect.fail("no result");
    expect(BigInt(hexlify(result.output))).toBe(packed);

    const delivery = JSON.parse(result.deliveryJson) as Record<string, string>;
    const receipt = JSON.parse(result.receiptJson) as Record<string, string>;
    const receiptDomain = signingDomain(BigInt(CHAIN_ID), CONTRACTS.ReceiptRegistry);
    expect(delivery).toMatchObject({
      jobId: grant.jobId,
      fencingToken: "3",
      output: packed.toString(),
      receiptHash: TypedDataEncoder.hash(receiptDomain, RECEIPT_TYPES, receipt),
    });
    expect(receipt).toMatchObject({
      kind: "5",
      provider: me,
      counterparty: BUYER,
      priceWei: grant.agreedPriceWei,
      workUnits: "101632",
    });
    const escrow = signingDomain(BigInt(CHAIN_ID), CONTRACTS.JobEscrow);
    expect(
      address(verifyTypedData(escrow, DELIVERY_TYPES, delivery, hexlify(result.deliverySignature))),
    ).toBe(me);
    expect(
      address(verifyTypedData(receiptDomain, RECEIPT_TYPES, receipt, hexlify(result.receiptSignature))),
    ).toBe(me);

    expect(journalOf(dataDir)).toHaveLength(3);
    platform.compute.cut();
    const again = await platform.compute.all("jobResult", 2);
    expect(again[1]).toEqual(again[0]);
    platform.compute.send({ resultAcknowledged: { jobId: grant.jobId, fencingToken: 3 } });
    await eventually(() => expect(journalOf(dataDir)).toEqual([]));
  });

  it("runs in the trace in which the job was ordered, and storage sees it", async () => {
    const { running } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: platform.collector.url });
    await eventually(() => expect(running.link.welcomed).toBe(true));
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const ordered = "00f067aa0ba902b7";
    const { grant } = await inferenceJob(16, 2);
    await platform.compute.grant({ ...grant, traceparent: `00-${traceId}-${ordered}-01` });
    await platform.compute.all("jobResult");
    const spans = await platform.collector.awaitTrace(
      (trace) =>
        trace.every((span) => span.traceId === traceId) &&
        trace.some(({ parentSpanId }) => parentSpanId === ordered) &&
        trace.filter(({ service, kind }) => service === "storage" && kind === 2).length >= 4 &&
        // Who asked exports its spans in its own time.
        trace
          .filter(({ service }) => service === "storage")
          .every(({ parentSpanId }) => trace.some(({ spanId }) => spanId === parentSpanId)),
    );
    const [run, ...others] = spans.filter((span) => span.parentSpanId === ordered);
    expect(others).toEqual([]);
    expect(run).toMatchObject({
      service: "provider",
      name: "run inference",
      attributes: { "aios.job.id": grant.jobId, "aios.lease.fencing_token": 2 },
      failed: false,
    });
    const asked = spans.filter(
      ({ service, parentSpanId }) => service === "provider" && parentSpanId === run?.spanId,
    );
    const served = spans.filter(({ service, kind }) => service === "storage" && kind === 2);
    expect(asked.map(({ name }) => name)).toContain("aios.storage.v1.ContentKeyService/ReleaseKey");
    for (const span of served) expect(asked.map(({ spanId }) => spanId)).toContain(span.parentSpanId);
    platform.compute.send({ resultAcknowledged: { jobId: grant.jobId, fencingToken: 2 } });
  });

  it("is taken up again by the next process, and its result is the same", async () => {
    const { running, dataDir } = await start();
    await eventually(() => expect(running.link.welcomed).toBe(true));
    const { grant } = await inferenceJob(11, 1);
    await platform.compute.grant(grant);
    const [first] = await platform.compute.all("jobResult");
    await running.close();
    platform.compute.received.length = 0;
    await start({ AIOS_DATA_DIR: dataDir });
    const [second] = await platform.compute.all("jobResult");
    expect(second).toEqual(first);
    platform.compute.send({ leaseRevoked: { jobId: grant.jobId, fencingToken: 1, reason: "expired" } });
    await eventually(() => expect(journalOf(dataDir)).toEqual([]));
  });

  it("fails by name when the model is not the committed one, the key is refused, or the content is unknown", async () => {
    const { running, dataDir } = await start();
    await eventually(() => expect(running.link.welcomed).toBe(true));
    const { grant, again } = await inferenceJob(12, 1);
    const [otherInput, notLeased, unknown] = [again(13), again(14), again(15)];
    await platform.compute.grant({ ...grant, modelCommitment: new Uint8Array(32) });
    await platform.compute.grant({ ...otherInput, inputCommitment: new Uint8Array(32) });
    await platform.compute.agree(notLeased);
    platform.compute.send({ leaseGranted: notLeased });
    await platform.compute.grant({
      ...unknown,
      modelCid: "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    });
    const failures = await platform.compute.all("jobFailure", 4);
    const codes = Object.fromEntries(failures.map(({ jobId, error }) => [jobId, error?.code]));
    expect(codes).toEqual({
      [grant.jobId]: "model-commitment-mismatch",
      [otherInput.jobId]: "input-commitment-mismatch",
      [notLeased.jobId]: "lease-not-live",
      [unknown.jobId]: "content-not-found",
    });
    await eventually(() => expect(journalOf(dataDir)).toEqual([]));
  });

  it("is not computed for an order, a kind of work or an input other than the buyer signed", async () => {
    const { running } = await start();
    await eventually(() => expect(running.link.welcomed).toBe(true));
    const [{ grant, again }, other] = [await inferenceJob(30, 1), await inferenceJob(31, 1)];
    const [otherInput, otherKind] = [again(32), ordered(33, { kind: "training" })];
    await platform.compute.grant({ ...grant, orderJson: other.grant.orderJson });
    const { inputCid, inputCommitment: handedOut } = other.grant;
    await platform.compute.grant({ ...otherInput, inputCid, inputCommitment: handedOut });
    await platform.compute.grant({ ...grant, ...otherKind });
    await platform.compute.grant({ ...again(34), orderJson: "{}" });
    const failures = await platform.compute.all("jobFailure", 4);
    expect(Object.fromEntries(failures.map(({ jobId, error }) => [jobId, error?.code]))).toEqual({
      [grant.jobId]: "order-mismatch",
      [otherInput.jobId]: "input-commitment-mismatch",
      [otherKind.jobId]: "order-mismatch",
      [again(34).jobId]: "malformed-grant",
    });
    expect(platform.compute.received.filter(({ jobResult }) => jobResult !== undefined)).toEqual([]);
  });

  it("loses none of 40 granted at once", async () => {
    const { running } = await start({ PROVIDER_MAX_PARALLEL_JOBS: "16" });
    await eventually(() => expect(running.link.welcomed).toBe(true));
    const { packed, again } = await inferenceJob(100, 1);
    const grants = Array.from({ length: 40 }, (_, at) => again(1_000 + at));
    await Promise.all(grants.map((grant) => platform.compute.grant(grant)));
    const results = await platform.compute.all("jobResult", 40, 60_000);
    expect(new Set(results.map(({ jobId }) => jobId)).size).toBe(40);
    for (const { output } of results) expect(BigInt(hexlify(output))).toBe(packed);
  });
});

describe("training", () => {
  it("streams progress and delivers a model that only the buyer can open, while heartbeats go on", async () => {
    const { running } = await start();
    await eventually(() => expect(running.link.welcomed).toBe(true));
    const buyer = generateSealingKeyPair(rng);
    const grant = trainingGrant(20, buyer.publicKey);
    await platform.compute.grant(grant);
    const [result] = await platform.compute.all("jobResult", 1, 60_000);
    const progress = await platform.compute.all("jobProgress", 2);
    expect(progress.map(({ progress: step }) => step?.percent)).toEqual([50, 100]);
    const heartbeats = platform.compute.received.flatMap(
      ({ heartbeat }) => heartbeat?.leases[grant.jobId] ?? [],
    );
    expect(heartbeats.length).toBeGreaterThan(2);
    const key = openKey(
      sealedKeyFromJson(result?.outputKeyJson ?? ""),
      buyer.privateKey,
      `output:${grant.jobId}`,
    );
    const trained = decodeFloatModel(decryptContent(key, await platform.download(result?.outputCid ?? "")));
    expect(trained.layers.map(({ inputs, outputs }) => [inputs, outputs])).toEqual([
      [784, 32],
      [32, 10],
    ]);
    expect(JSON.parse(result?.receiptJson ?? "{}")).toMatchObject({ kind: "6", workUnits: "2000" });
  });
});

describe("a matcher that does not keep to what was agreed or ordered", () => {
  const refusals = async (count: number): Promise<Record<string, string | undefined>> => {
    const failures = await platform.compute.all("jobFailure", count);
    return Object.fromEntries(failures.map(({ jobId, error }) => [jobId, error?.code]));
  };

  it("gets no work that was not offered, or at another price or kind than signed", async () => {
    const { running, dataDir } = await start();
    await eventually(() => expect(running.link.welcomed).toBe(true));
    const { grant, again } = await inferenceJob(40, 1);
    const [cheaper, otherKind] = [again(41), again(42)];
    platform.compute.give(grant);
    await platform.compute.agree(cheaper);
    platform.compute.give({ ...cheaper, agreedPriceWei: "1" });
    await platform.compute.agree(otherKind);
    platform.compute.give({ ...trainingGrant(43, rng.bytes(32)), jobId: otherKind.jobId });
    expect(await refusals(3)).toEqual({
      [grant.jobId]: "lease-not-agreed",
      [cheaper.jobId]: "lease-not-agreed",
      [otherKind.jobId]: "lease-not-agreed",
    });
    expect(journalOf(dataDir).filter((name) => name.endsWith(".grant"))).toEqual([]);
  });

  it("gets no training other than ordered, for nobody else, and none beyond any bound", async () => {
    const { running } = await start();
    await eventually(() => expect(running.link.welcomed).toBe(true));
    const [mine, theirs] = [rng.bytes(32), rng.bytes(32)];
    const redirected = trainingGrant(50, mine);
    const longer = trainingGrant(51, mine);
    const endless = trainingGrant(52, mine, 100_000);
    await platform.compute.grant({ ...redirected, outputRecipientPublicKey: theirs });
    await platform.compute.grant({ ...longer, spec: trainingGrant(51, mine, 3).spec });
    await platform.compute.grant(endless);
    expect(await refusals(3)).toEqual({
      [redirected.jobId]: "order-mismatch",
      [longer.jobId]: "order-mismatch",
      [endless.jobId]: "training-out-of-range",
    });
  });

  it("keeps what was agreed over a restart", async () => {
    const { running, dataDir } = await start();
    await eventually(() => expect(running.link.welcomed).toBe(true));
    const { grant } = await inferenceJob(60, 1);
    await platform.compute.agree(grant);
    await running.close();
    const { running: next } = await start({ AIOS_DATA_DIR: dataDir });
    await eventually(() => expect(next.link.welcomed).toBe(true));
    platform.compute.give(grant);
    const [result] = await platform.compute.all("jobResult");
    expect(result?.jobId).toBe(grant.jobId);
  });
});

describe("the program", () => {
  it("prints its settings with --help", async () => {
    const { spawnSync } = await import("node:child_process");
    const main = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [main, "--help"], { encoding: "utf8" });
    expect(status).toBe(0);
    expect(stdout).toContain("PROVIDER_KEY_FILE (required)");
    const refused = spawnSync(process.execPath, [main], { encoding: "utf8", env: {} });
    expect(refused.status).toBe(78);
    expect(refused.stderr).toContain("PROVIDER_KEY_FILE is missing");
  });
});
