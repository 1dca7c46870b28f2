import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HonkVerification, type TauG2 } from "@aios/contracts/honk-verification";
import { DEVELOPMENT_TAU_G2 } from "@aios/contracts/parameters";
import { decodeEvidence } from "@aios/core-groth16/evidence";
import { readPowersOfTau } from "@aios/core-groth16/powers-of-tau";
import { decodeProof } from "@aios/core-groth16/proof-encoding";
import { verify } from "@aios/core-groth16/verify";
import { decodeVerifyingKey, verifyingKeyHash } from "@aios/core-groth16/verifying-key";
import { honkKeyHash } from "@aios/core-ultra-honk/honk-key";
import { MAX_HONK_EVIDENCE_BYTES } from "@aios/core-ultra-honk/honk-proof";
import { referenceStringFromPowers, tauG2Words } from "@aios/core-ultra-honk/reference-string";
import { bytesToInteger, scalarToBytes } from "@aios/core-zkml/scalar-field";
import { statementContext } from "@aios/core-zkml/statement";
import {
  KeyState,
  type ModelKey,
  type ProofJob,
  ProofState,
  ProofSystem,
  type WatchProofResponse,
} from "@aios/proto/aios/prover/v1/prover";
import { topics } from "@aios/proto/topics";
import { eventually } from "@aios/testkit/eventually";
import { knownUniversalPowers } from "@aios/testkit/known-powers";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordEvents } from "../support/event-recorder.js";
import {
  ESCROW,
  endedKey,
  endedProof,
  forAccount,
  type ProverClient,
  ProverPlatform,
  REQUESTER,
} from "../support/prover-platform.js";

let platform: ProverPlatform;
let compute: ProverClient;
let marketplace: ProverClient;
let model: ReturnType<ProverPlatform["addModel"]>;
let key: ModelKey;

beforeAll(async () => {
  platform = await ProverPlatform.start();
  await platform.startProver({
    PROVER_QUEUE_LIMIT: "3",
    PROVER_LOADED_MODELS: "1",
    PROVER_HONK_PRICE_WEI: "67890",
    PROVER_HONK_MAX_LOG_ROWS: "14",
  });
  [compute, marketplace] = await Promise.all([platform.as("compute"), platform.as("marketplace")]);
  model = platform.addModel(1);
  await marketplace.setUpKey({ modelCid: model.modelCid, modelCommitment: model.modelCommitment });
  key = await endedKey(marketplace, model.modelCommitment);
});
afterAll(() => platform?.stop());

function expectToVerify(
  proof: ProofJob,
  request: ReturnType<ProverPlatform["jobRequest"]>,
  expectedKey = key,
): void {
  const { statement } = request;
  const context = statementContext(statement);
  expect(proof.publicInputs.map(bytesToInteger)).toEqual([
    context,
    bytesToInteger(statement.inputCommitment),
    bytesToInteger(request.claimedOutput),
  ]);
  const evidence = decodeEvidence(proof.evidence);
  const verifyingKey = decodeVerifyingKey(evidence.verifyingKey);
  expect(Buffer.from(verifyingKeyHash(verifyingKey))).toEqual(Buffer.from(expectedKey.verifyingKeyHash));
  expect(verify(verifyingKey, proof.publicInputs.map(bytesToInteger), decodeProof(evidence.proof))).toBe(
    true,
  );
  expect(Buffer.from(platform.storage.content(proof.evidenceCid) ?? [])).toEqual(Buffer.from(proof.evidence));
}

describe("keys", () => {
  it("are made once for a model and say what they are worth", async () => {
    expect(key).toMatchObject({
      state: KeyState.KEY_STATE_READY,
      trust: "forgeable by whoever ran the development set-up",
    });
    expect(key.constraintCount).toBeGreaterThan(0);
    const again = (
      await marketplace.setUpKey({ modelCid: model.modelCid, modelCommitment: model.modelCommitment })
    ).key;
    // The last word of progress may still be there or gone already; the key is the same.
    expect({ ...again, progress: undefined }).toEqual({ ...key, progress: undefined });
    expect(
      verifyingKeyHash(decodeVerifyingKey(platform.storage.content(key.verifyingKeyCid) as Uint8Array)),
    ).toEqual(Uint8Array.from(key.verifyingKeyHash));
    expect(platform.storage.releases.filter(({ purpose }) => purpose === "proving-key-setup")).toHaveLength(
      1,
    );
  });

  it("keep the proving key encrypted where others could read it", () => {
    const stored = platform.storage.content(key.provingKeyCid) as Uint8Array;
    expect(Buffer.from(stored.subarray(0, 4)).toString()).toBe("AIOS");
    expect(Buffer.from(stored).includes("AIOSPK01")).toBe(false);
  });

  it("fail by name for a content that is not the committed model, and start anew with the right one", async () => {
    const [wrong, right] = [platform.addModel(2), platform.addModel(3)];
    await marketplace.setUpKey({ modelCid: wrong.modelCid, modelCommitment: right.modelCommitment });
    expect(await endedKey(marketplace, right.modelCommitment)).toMatchObject({
      state: KeyState.KEY_STATE_FAILED,
      error: { code: "model-commitment-mismatch" },
    });
    await expect(compute.quoteProof({ modelCommitment: right.modelCommitment })).rejects.toMatchObject({
      code: "model-key-failed",
    });
    await marketplace.setUpKey({ modelCid: right.modelCid, modelCommitment: right.modelCommitment });
    expect(await endedKey(marketplace, right.modelCommitment)).toMatchObject({
      state: KeyState.KEY_STATE_READY,
    });
  });

  it("fail when the owner does not allow it, and when the content is no model", async () => {
    const refused = platform.addModel(4, []);
    await marketplace.setUpKey({ modelCid: refused.modelCid, modelCommitment: refused.modelCommitment });
    expect((await endedKey(marketplace, refused.modelCommitment)).state).toBe(KeyState.KEY_STATE_FAILED);
    const nonsense = platform.storage.deposit(Uint8Array.of(1, 2, 3), ["proving-key-setup"]);
    const commitment = new Uint8Array(32).fill(9);
    await marketplace.setUpKey({ modelCid: nonsense, modelCommitment: commitment });
    expect(await endedKey(marketplace, commitment)).toMatchObject({
      error: { code: "malformed-integer-model" },
    });
  });

  it("are quoted with price, time and trust", async () => {
    expect(await compute.quoteProof({ modelCommitment: model.modelCommitment })).toMatchObject({
      absent: [{ name: "groth16-bn254-cuda", reason: expect.stringContaining("GPU") as string }],
      priceWei: "12345",
      prover: "0x00000000000000000000000000000000000000cc",
      system: "groth16-bn254",
      trust: key.trust,
    });
    await expect(compute.quoteProof({ modelCommitment: new Uint8Array(32).fill(77) })).rejects.toMatchObject({
      code: "model-key-not-found",
    });
  });
});

describe("proofs", () => {
  it("verify, are made once a job, and are announced", async () => {
    const recorded = await recordEvents(platform.eventsUrl, topics.proverProofEnded);
    const request = platform.jobRequest(1, { ...model, key });
    await Promise.all([compute.requestProof(request), compute.requestProof(request)]);
    const watched: WatchProofResponse[] = [];
    for await (const response of compute.watchProof({ jobId: request.statement.jobId }))
      watched.push(response);
    const proof = await endedProof(compute, request.statement.jobId);
    expect(watched.at(-1)?.proof).toEqual(proof);
    expect(proof.state).toBe(ProofState.PROOF_STATE_PROVEN);
    expectToVerify(proof, request);
    expect((await compute.requestProof(request)).proof).toEqual(proof);
    await eventually(() =>
      expect(recorded.events.filter(({ jobId }) => jobId === request.statement.jobId)).toEqual([
        { jobId: request.statement.jobId, proven: true, errorCode: "", errorMessage: "" },
      ]),
    );
    await recorded.close();
    const computed = bytesToInteger(request.claimedOutput).toString();
    await expect(
      compute.requestProof({ ...request, claimedOutput: scalarToBytes(1n) }),
    ).rejects.toMatchObject({
      code: "oracle-disagrees",
      kind: "unprocessable",
      details: { claimed: "1", computed },
    });
    const otherInput = { ...request.statement, inputCommitment: scalarToBytes(1n) };
    await expect(compute.requestProof({ ...request, statement: otherInput })).rejects.toMatchObject({
      code: "proof-request-differs",
      kind: "conflict",
    });
  });

  it("are refused for a wrong output, and made when the right one is claimed afterwards", async () => {
    const request = platform.jobRequest(2, { ...model, key });
    const { jobId } = request.statement;
    await compute.requestProof({
      ...request,
      claimedOutput: scalarToBytes(bytesToInteger(request.claimedOutput) + 1n),
    });
    const failed = await endedProof(compute, jobId);
    expect(failed).toMatchObject({
      state: ProofState.PROOF_STATE_FAILED,
      error: { code: "oracle-disagrees" },
    });
    expect(failed.proof).toHaveLength(0);
    await compute.requestProof(request);
    expectToVerify(await endedProof(compute, jobId), request);
  });

  it("are refused for another input, key, model and statement version, each by name", async () => {
    const other = platform.addModel(5);
    const cases: [string, (request: ReturnType<ProverPlatform["jobRequest"]>) => void][] = [
      [
        "input-commitment-mismatch",
        (request) => Object.assign(request.statement, { inputCommitment: scalarToBytes(5n) }),
      ],
      [
        "verifying-key-mismatch",
        (request) => Object.assign(request.statement, { verifyingKeyHash: new Uint8Array(32).fill(1) }),
      ],
      [
        "model-key-not-found",
        (request) => Object.assign(request.statement, { modelCommitment: other.modelCommitment }),
      ],
      ["statement-unsupported", (request) => Object.assign(request.statement, { version: 99 })],
    ];
    for (const [index, [code, spoil]] of cases.entries()) {
      const request = platform.jobRequest(10 + index, { ...model, key });
      spoil(request);
      await compute.requestProof(request);
      expect(await endedProof(compute, request.statement.jobId)).toMatchObject({
        state: ProofState.PROOF_STATE_FAILED,
        error: { code },
      });
    }
  });

  it("are bound to chain, escrow, job and requester", async () => {
    const request = platform.jobRequest(20, { ...model, key });
    await compute.requestProof(request);
    const proof = await endedProof(compute, request.statement.jobId);
    const evidence = decodeEvidence(proof.evidence);
    const [verifyingKey, decoded] = [decodeVerifyingKey(evidence.verifyingKey), decodeProof(evidence.proof)];
    const [, commitment, output] = proof.publicInputs.map(bytesToInteger) as [bigint, bigint, bigint];
    for (const change of [
      { chainId: 1 },
      { escrow: REQUESTER },
      { jobId: `0x${"9".repeat(64)}` },
      { requester: ESCROW },
    ]) {
      expect(
        verify(
          verifyingKey,
          [statementContext({ ...request.statement, ...change }), commitment, output],
          decoded,
        ),
      ).toBe(false);
    }
  });

  it("are made for more models than stay in memory", async () => {
    const second = platform.addModel(6);
    await marketplace.setUpKey({ modelCid: second.modelCid, modelCommitment: second.modelCommitment });
    const secondKey = await endedKey(marketplace, second.modelCommitment);
    for (const job of [60, 61]) {
      const requests = [
        platform.jobRequest(job, { ...model, key }),
        platform.jobRequest(job + 10, { ...second, key: secondKey }),
      ];
      await Promise.all(requests.map((request) => compute.requestProof(request)));
      for (const request of requests)
        expect((await endedProof(compute, request.statement.jobId)).state).toBe(
          ProofState.PROOF_STATE_PROVEN,
        );
    }
  });

  it("are made for a convolutional model as for a perceptron, and refused for its wrong output", async () => {
    const graph = platform.addGraph();
    await marketplace.setUpKey({ modelCid: graph.modelCid, modelCommitment: graph.modelCommitment });
    const graphKey = await endedKey(marketplace, graph.modelCommitment);
    const request = platform.jobRequest(7_001, { ...graph, key: graphKey });
    const wrong = { ...request, claimedOutput: scalarToBytes(bytesToInteger(request.claimedOutput) + 1n) };
    await compute.requestProof(wrong);
    expect(await endedProof(compute, request.statement.jobId)).toMatchObject({
      state: ProofState.PROOF_STATE_FAILED,
      error: { code: "oracle-disagrees" },
    });
    await compute.requestProof(request);
    const proof = await endedProof(compute, request.statement.jobId);
    expect(proof.state).toBe(ProofState.PROOF_STATE_PROVEN);
    expectToVerify(proof, request, graphKey);
  });

  it("are made by UltraHonk under a key of its own, for the job's statement and no other", async () => {
    const graph = platform.addGraph();
    const { modelCid, modelCommitment } = graph;
    const proofSystem = ProofSystem.PROOF_SYSTEM_HONK;
    await marketplace.setUpKey({ modelCid, modelCommitment, proofSystem });
    const honkKey = await endedKey(marketplace, modelCommitment, proofSystem);
    expect(honkKey.error).toBeUndefined();
    expect(honkKey).toMatchObject({
      state: KeyState.KEY_STATE_READY,
      proofSystem,
      provingKeyCid: "",
      trust: "forgeable by anybody: the development reference string's secret is two",
    });
    expect(await compute.quoteProof({ modelCommitment, proofSystem })).toMatchObject({
      priceWei: "67890",
      system: "ultrahonk-bn254",
      trust: honkKey.trust,
    });
    const request = platform.jobRequest(7_100, { ...graph, key: honkKey });
    const wrong = { ...request, claimedOutput: scalarToBytes(bytesToInteger(request.claimedOutput) + 1n) };
    await compute.requestProof(wrong);
    expect((await endedProof(compute, request.statement.jobId)).error?.code).toBe("oracle-disagrees");
    await compute.requestProof(request);
    const proof = await endedProof(compute, request.statement.jobId);
    expect(proof).toMatchObject({ state: ProofState.PROOF_STATE_PROVEN, proofSystem });
    const evidence = decodeEvidence(proof.evidence, MAX_HONK_EVIDENCE_BYTES);
    expect(Buffer.from(honkKeyHash(evidence.verifyingKey))).toEqual(Buffer.from(honkKey.verifyingKeyHash));
    const verification = new HonkVerification(DEVELOPMENT_TAU_G2);
    const [context, ...rest] = proof.publicInputs.map(bytesToInteger) as [bigint, bigint, bigint];
    expect(context).toBe(statementContext(request.statement));
    expect(verification.verify(evidence.verifyingKey, [context, ...rest], evidence.proof)).toBe(true);
    for (const change of [
      { chainId: 1 },
      { escrow: REQUESTER },
      { jobId: `0x${"9".repeat(64)}` },
      { requester: ESCROW },
    ]) {
      const other = statementContext({ ...request.statement, ...change });
      expect(verification.verify(evidence.verifyingKey, [other, ...rest], evidence.proof)).toBe(false);
    }
    const again = platform.jobRequest(7_101, { ...graph, key: honkKey });
    await compute.requestProof(again);
    expect((await endedProof(compute, again.statement.jobId)).state).toBe(ProofState.PROOF_STATE_PROVEN);
  });

  it("are refused by UltraHonk by name for a model that is too large for it, and for a ceremony's key", async () => {
    const large = platform.addLargeModel();
    const proofSystem = ProofSystem.PROOF_SYSTEM_HONK;
    await marketplace.setUpKey({
      modelCid: large.modelCid,
      modelCommitment: large.modelCommitment,
      proofSystem,
    });
    expect((await endedKey(marketplace, large.modelCommitment, proofSystem)).error).toMatchObject({
      code: "model-does-not-fit",
      message: expect.stringMatching(
        /too large for ultrahonk-bn254 here: .* 16384\. Groth16 takes it\./,
      ) as string,
    });
    await expect(
      compute.quoteProof({ modelCommitment: large.modelCommitment, proofSystem }),
    ).rejects.toMatchObject({
      code: "model-key-failed",
      details: { cause: "model-does-not-fit", fits: "groth16-bn254" },
    });
    const other = platform.addModel(8);
    const ceremony = {
      transcriptCid: other.modelCid,
      provingKeyCid: other.modelCid,
      powersCid: other.modelCid,
    };
    await marketplace.setUpKey({
      modelCid: other.modelCid,
      modelCommitment: other.modelCommitment,
      proofSystem,
      ceremony,
    });
    expect((await endedKey(marketplace, other.modelCommitment, proofSystem)).error?.code).toBe(
      "ceremony-not-taken",
    );
  });

  it("are made by UltraHonk under powers of tau from a file, where the verifier on chain has the same", async () => {
    const file = knownUniversalPowers(12, ["Ada", "Grace"]);
    const PROVER_HONK_POWERS_FILE = join(platform.directory.path, "powers.ptau");
    writeFileSync(PROVER_HONK_POWERS_FILE, file);
    const { tauG2 } = referenceStringFromPowers(readPowersOfTau(file), 2, randomBytes(32));
    const { economy } = platform;
    economy.honkTauG2 = tauG2Words(tauG2);
    await platform.processes[0]?.kill();
    const other = await platform.startProver({
      PROVER_HONK_POWERS_FILE,
      PROVER_HONK_POWERS_SHA256: createHash("sha256").update(file).digest("hex"),
    });
    try {
      const added = platform.addModel(10);
      const { modelCid, modelCommitment } = added;
      const proofSystem = ProofSystem.PROOF_SYSTEM_HONK;
      const prover = await platform.as("marketplace", other);
      await prover.setUpKey({ modelCid, modelCommitment, proofSystem }, { idempotent: true });
      const honkKey = await endedKey(prover, modelCommitment, proofSystem);
      expect(honkKey.error).toBeUndefined();
      expect(honkKey.trust).toBe(
        "forgeable by whoever calls themselves Ada, Grace, possibly one party, together: all 2 contributors to the powers of tau",
      );
      const request = platform.jobRequest(7_200, { ...added, key: honkKey });
      const asCompute = await platform.as("compute", other);
      await asCompute.requestProof(request);
      const proof = await endedProof(asCompute, request.statement.jobId);
      const evidence = decodeEvidence(proof.evidence, MAX_HONK_EVIDENCE_BYTES);
      const inputs = proof.publicInputs.map(bytesToInteger);
      const holdsUnder = (words: TauG2): boolean =>
        new HonkVerification(words).verify(evidence.verifyingKey, inputs, evidence.proof);
      expect(holdsUnder(tauG2Words(tauG2))).toBe(true);
      expect(holdsUnder(DEVELOPMENT_TAU_G2)).toBe(false);
    } finally {
      economy.honkTauG2 = DEVELOPMENT_TAU_G2;
      await other.kill();
      await platform.processes[0]?.restart();
    }
  });

  it("are not made by UltraHonk under a reference string that the verifier on chain does not have", async () => {
    const proofSystem = ProofSystem.PROOF_SYSTEM_HONK;
    const known = platform.addGraph();
    const { economy } = platform;
    const other = economy.honkTauG2.toReversed();
    economy.honkTauG2 = other;
    const second = await platform.startProver();
    try {
      const refusal = {
        code: "proof-system-unavailable",
        message: expect.stringContaining("another tau than the verifier on chain") as string,
        details: { tauG2: DEVELOPMENT_TAU_G2, tauG2OnChain: other },
      };
      const quote = async () =>
        (await platform.as("compute", second)).quoteProof({
          modelCommitment: known.modelCommitment,
          proofSystem,
        });
      await eventually(() => expect(quote()).rejects.toMatchObject(refusal), 20_000);
      const { modelCid, modelCommitment } = platform.addModel(9);
      const makeKey = async () =>
        (await platform.as("marketplace", second)).setUpKey({ modelCid, modelCommitment, proofSystem });
      await expect(makeKey()).rejects.toMatchObject(refusal);
      expect(second.text()).toContain("UltraHonk proofs are not made here");
    } finally {
      economy.honkTauG2 = DEVELOPMENT_TAU_G2;
      await second.kill();
    }
  });

  it("wait out an outage of storage", async () => {
    const request = platform.jobRequest(30, { ...model, key });
    platform.storage.outage = { code: status.UNAVAILABLE, message: "down" };
    await compute.requestProof(request);
    await eventually(() => expect(platform.processes[0]?.text()).toContain("proof work did not end well"));
    platform.storage.outage = undefined;
    expectToVerify(await endedProof(compute, request.statement.jobId), request);
  });

  it("are refused with a time to come back when the queue is full", async () => {
    platform.storage.outage = { code: status.UNAVAILABLE, message: "down" };
    const requests = [40, 41, 42, 43].map((job) => platform.jobRequest(job, { ...model, key }));
    for (const request of requests.slice(0, 3)) await compute.requestProof(request);
    await expect(
      compute.requestProof(requests[3] as (typeof requests)[number], { idempotent: false }),
    ).rejects.toMatchObject({
      code: "prover-queue-full",
      kind: "unavailable",
      retryAfterMs: expect.any(Number) as number,
    });
    expect((await compute.requestProof(requests[0] as (typeof requests)[number])).proof?.jobId).toBe(
      requests[0]?.statement.jobId,
    );
    platform.storage.outage = undefined;
    for (const request of requests.slice(0, 3))
      expectToVerify(await endedProof(compute, request.statement.jobId), request);
  });

  it("are shown to their requester only, and asked for by compute only", async () => {
    const gateway = await platform.as("gateway");
    const jobId = platform.jobRequest(1, { ...model, key }).statement.jobId;
    expect((await forAccount(REQUESTER, () => gateway.getProof({ jobId }))).proof?.state).toBe(
      ProofState.PROOF_STATE_PROVEN,
    );
    await expect(forAccount(ESCROW, () => gateway.getProof({ jobId }))).rejects.toMatchObject({
      code: "proof-not-found",
    });
    const scoring = await platform.as("scoring");
    await expect(scoring.getProof({ jobId })).rejects.toMatchObject({ kind: "forbidden" });
    await expect(gateway.requestProof(platform.jobRequest(1, { ...model, key }))).rejects.toMatchObject({
      kind: "forbidden",
    });
  });

  it.each([
    ["statement", { statement: undefined }],
    ["claimedOutput", { claimedOutput: new Uint8Array(31) }],
    ["inputCid", { inputCid: "../etc" }],
  ])("are refused for a malformed %s", async (field, change) => {
    await expect(
      compute.requestProof({ ...platform.jobRequest(50, { ...model, key }), ...change }),
    ).rejects.toMatchObject({ code: "invalid-proof-request", field });
  });
});
