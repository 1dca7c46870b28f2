import { KeyState, type ModelKey, ProofState } from "@aios/proto/aios/prover/v1/prover";
import { topics } from "@aios/proto/topics";
import { eventually } from "@aios/testkit/eventually";
import type { ServiceProcess } from "@aios/testkit/service-process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { recordEvents } from "../support/event-recorder.js";
import { endedKey, endedProof, type ProverClient, ProverPlatform } from "../support/prover-platform.js";

/** 8 MiB a thread: enough for the self-test's circuit, too little for a key of 8,000 constraints. */
const SMALL_MEMORY = ["--wasm-max-mem-pages=128"];

let platform: ProverPlatform;
let first: ServiceProcess;

beforeAll(async () => {
  platform = await ProverPlatform.start();
  first = await platform.startProver();
});
afterAll(() => platform?.stop());

type Model = ReturnType<ProverPlatform["addModel"] | ProverPlatform["addLargeModel"]>;

async function keyOf({ modelCid, modelCommitment }: Model): Promise<ModelKey> {
  const marketplace = await platform.as("marketplace");
  await marketplace.setUpKey({ modelCid, modelCommitment });
  const key = await endedKey(marketplace, modelCommitment);
  expect(key.state).toBe(KeyState.KEY_STATE_READY);
  return key;
}

/** What a caller of that replica hears of a proof, as it comes. */
function watch(caller: ProverClient, jobId: string) {
  const seen: string[] = [];
  const ended = (async () => {
    let state: ProofState | undefined;
    for await (const { proof } of caller.watchProof({ jobId })) {
      state = proof?.state;
      if (proof?.progress !== undefined) seen.push(proof.progress.stage);
    }
    return state;
  })();
  return { seen, ended };
}

const keysReleasedFor = (job: string): number =>
  platform.storage.releases.filter(({ jobId }) => jobId === job).length;

it("a caller of one replica follows a proof that another makes, on one stream over the other's death", async () => {
  const model = platform.addModel(1);
  const request = platform.jobRequest(1, { ...model, key: await keyOf(model) });
  const { jobId } = request.statement;
  const recorded = await recordEvents(platform.eventsUrl, topics.proverProofEnded);
  // Has nothing loaded now, and gets no content before it is killed.
  await first.restart();
  const held = Promise.withResolvers<void>();
  platform.storage.held = held.promise;
  await (await platform.as("compute", first)).requestProof(request);
  await eventually(() => expect(keysReleasedFor(jobId)).toBeGreaterThan(0));
  const second = await platform.startProver();
  const { seen, ended } = watch(await platform.as("compute", second), jobId);
  await eventually(() => expect(seen).toContain("loading-key"));
  const byTheFirst = keysReleasedFor(jobId);
  await first.kill();
  await eventually(() => expect(keysReleasedFor(jobId)).toBeGreaterThan(byTheFirst), 20_000);
  held.resolve();
  platform.storage.held = undefined;
  expect(await ended).toBe(ProofState.PROOF_STATE_PROVEN);
  await eventually(() => expect(recorded.events.filter((event) => event.jobId === jobId)).toHaveLength(1));
  await recorded.close();
  await second.stop();
  await first.restart();
}, 300_000);

it("a replica without memory for a proof says so by name, and the proof is made by one that has it, once", async () => {
  const model = platform.addLargeModel();
  const key = await keyOf(model);
  const small = await platform.startProver({}, SMALL_MEMORY);
  const input = new Uint8Array(256).fill(7);
  const request = platform.jobRequest(2, { ...model, key }, input);
  const { jobId } = request.statement;
  const recorded = await recordEvents(platform.eventsUrl, topics.proverProofEnded);
  process.kill(first.pid, "SIGSTOP");
  await (await platform.as("compute", small)).requestProof(request);
  const exhausted = () =>
    small.logs().filter((entry) => JSON.stringify(entry).includes("prover-out-of-memory"));
  await eventually(() => expect(exhausted()).toHaveLength(1), 40_000);
  process.kill(first.pid, "SIGCONT");
  const compute = await platform.as("compute", small);
  expect(await endedProof(compute, jobId)).toMatchObject({
    state: ProofState.PROOF_STATE_PROVEN,
    error: undefined,
  });
  await eventually(() =>
    expect(recorded.events.filter((event) => event.jobId === jobId)).toMatchObject([{ proven: true }]),
  );
  expect(exhausted()).toHaveLength(1);
  await recorded.close();
}, 300_000);
