import { existsSync } from "node:fs";
import { join } from "node:path";
import { KeyState, type ModelKey, ProofState } from "@aios/proto/aios/prover/v1/prover";
import { topics } from "@aios/proto/topics";
import { eventually } from "@aios/testkit/eventually";
import type { ServiceProcess } from "@aios/testkit/service-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordEvents } from "../support/event-recorder.js";
import { endedKey, endedProof, ProverPlatform } from "../support/prover-platform.js";

let platform: ProverPlatform;
let prover: ServiceProcess;
let model: ReturnType<ProverPlatform["addModel"]>;
let key: ModelKey;

beforeAll(async () => {
  platform = await ProverPlatform.start();
  prover = await platform.startProver();
  const marketplace = await platform.as("marketplace");
  model = platform.addModel(1);
  await marketplace.setUpKey({ modelCid: model.modelCid, modelCommitment: model.modelCommitment });
  key = await endedKey(marketplace, model.modelCommitment);
});
afterAll(() => platform?.stop());

/** Again while a process that has just started does not answer yet, until it answers or dies of being asked. */
async function askUntilAnswered(ask: () => Promise<unknown>, died: Promise<unknown>): Promise<void> {
  const end = died.then(() => true);
  for (;;) {
    const isOver = await Promise.race([
      end,
      ask().then(
        () => true,
        () => false,
      ),
    ]);
    if (isOver) return;
  }
}

/** Dies once at each point, wherever the work finds it, and is started again each time by a supervisor. */
async function throughCrashesAt(points: readonly string[], ask: () => Promise<unknown>): Promise<void> {
  const markers = points.map((point) => join(platform.directory.path, "crashes", point));
  const env = { AIOS_CRASH_AT: points.map((point, index) => `${point}=${markers[index]}`).join(",") };
  // Work that is resumed may reach its point before the process is up.
  const isUpAgain = (): Promise<boolean> =>
    prover.restart(env).then(
      () => true,
      () => false,
    );
  const isOver = (): boolean => markers.every((marker) => existsSync(marker));
  let isUp = await isUpAgain();
  while (!isOver()) {
    if (isUp) {
      const died = prover.ended();
      await askUntilAnswered(ask, died);
      expect((await died).signal).toBe("SIGKILL");
    }
    isUp = await isUpAgain();
  }
  expect(isUp).toBe(true);
}

describe("killed at points before and after each write, in turn", () => {
  it("a proof is made once", async () => {
    const recorded = await recordEvents(platform.eventsUrl, topics.proverProofEnded);
    const request = platform.jobRequest(100, { ...model, key });
    const { jobId } = request.statement;
    await throughCrashesAt(
      [
        "zk-prover.request-proof.after-persist",
        "zk-prover.proof.after-claim",
        "zk-prover.proof.after-prove",
        "zk-prover.proof.before-end",
        "zk-prover.proof.after-end",
      ],
      async () => (await platform.as("compute")).requestProof(request, { idempotent: true }),
    );
    const compute = await platform.as("compute");
    const proof = await endedProof(compute, jobId);
    expect(proof.state).toBe(ProofState.PROOF_STATE_PROVEN);
    await eventually(() => expect(recorded.events.filter((event) => event.jobId === jobId)).toHaveLength(1));
    expect((await compute.requestProof(request)).proof).toEqual(proof);
    await recorded.close();
  }, 300_000);

  it("keys are made once, and prove", async () => {
    const other = platform.addModel(2);
    const recorded = await recordEvents(platform.eventsUrl, topics.proverKeyEnded);
    await throughCrashesAt(
      [
        "zk-prover.set-up-key.after-persist",
        "zk-prover.key.after-claim",
        "zk-prover.key.after-set-up",
        "zk-prover.key.before-end",
        "zk-prover.key.after-end",
      ],
      async () =>
        (await platform.as("marketplace")).setUpKey(
          { modelCid: other.modelCid, modelCommitment: other.modelCommitment },
          { idempotent: true },
        ),
    );
    const made = await endedKey(await platform.as("marketplace"), other.modelCommitment);
    expect(made.state).toBe(KeyState.KEY_STATE_READY);
    const ours = () =>
      recorded.events.filter((event) => Buffer.compare(event.modelCommitment, other.modelCommitment) === 0);
    await eventually(() => expect(ours()).toHaveLength(1));
    expect(Buffer.from(ours()[0]?.verifyingKeyHash ?? [])).toEqual(Buffer.from(made.verifyingKeyHash));
    const request = platform.jobRequest(200, { ...other, key: made });
    const compute = await platform.as("compute");
    await compute.requestProof(request);
    expect((await endedProof(compute, request.statement.jobId)).state).toBe(ProofState.PROOF_STATE_PROVEN);
    await recorded.close();
  }, 300_000);
});

it("a job that kills every prover which takes it ends as failed, by name, and the next is proven", async () => {
  const recorded = await recordEvents(platform.eventsUrl, topics.proverProofEnded);
  const poison = platform.jobRequest(250, { ...model, key });
  const { jobId } = poison.statement;
  const ended = eventually(
    () => expect(recorded.events.some((event) => event.jobId === jobId)).toBe(true),
    200_000,
  ).then(() => "ended" as const);
  // No marker: whoever takes the job dies of it, each time.
  const deadly = { AIOS_CRASH_AT: "zk-prover.proof.before-prove" };
  await prover.restart(deadly);
  await askUntilAnswered(
    async () => (await platform.as("compute")).requestProof(poison, { idempotent: true }),
    prover.ended(),
  );
  let deaths = 0;
  while ((await Promise.race([ended, prover.ended()])) !== "ended") {
    deaths++;
    await prover.restart(deadly).catch(() => undefined);
  }
  expect(deaths).toBe(5);
  const event = recorded.events.find((candidate) => candidate.jobId === jobId);
  expect(event).toMatchObject({ proven: false, errorCode: "worker-lost" });
  await prover.restart();
  const compute = await platform.as("compute");
  const next = platform.jobRequest(251, { ...model, key });
  await compute.requestProof(next);
  expect((await endedProof(compute, next.statement.jobId)).state).toBe(ProofState.PROOF_STATE_PROVEN);
  expect((await endedProof(compute, jobId)).error?.code).toBe("worker-lost");
  await recorded.close();
}, 300_000);

describe("two replicas", () => {
  it("share the work, and the one that lives finishes what the other held, each job once", async () => {
    const recorded = await recordEvents(platform.eventsUrl, topics.proverProofEnded);
    const second = await platform.startProver();
    const compute = await platform.as("compute", second);
    const requests = Array.from({ length: 8 }, (_, index) =>
      platform.jobRequest(300 + index, { ...model, key }),
    );
    await Promise.all(requests.map((request) => compute.requestProof(request)));
    await prover.kill();
    for (const request of requests) {
      expect((await endedProof(compute, request.statement.jobId)).state).toBe(ProofState.PROOF_STATE_PROVEN);
    }
    const ids = new Set(requests.map((request) => request.statement.jobId));
    await eventually(() =>
      expect(
        recorded.events
          .filter((event) => ids.has(event.jobId))
          .map((event) => event.jobId)
          .sort(),
      ).toEqual([...ids].sort()),
    );
    await recorded.close();
    await prover.restart();
  });

  it("survive a restart of their database", async () => {
    const compute = await platform.as("compute");
    const request = platform.jobRequest(400, { ...model, key });
    await compute.requestProof(request);
    await platform.postgres.restart();
    expect((await endedProof(compute, request.statement.jobId)).state).toBe(ProofState.PROOF_STATE_PROVEN);
  });
});
