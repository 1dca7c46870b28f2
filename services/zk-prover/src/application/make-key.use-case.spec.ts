import type { Claim } from "@aios/core-proving-queue/work-queue";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { encodeIntegerModel, modelCommitment } from "@aios/core-zkml/integer-model";
import { systemRng } from "@aios/service-kit/system-rng";
import { expect, it } from "vitest";
import { sampleModel } from "../../test/support/sample-model.js";
import type { ModelKeyRecord } from "../domain/model-key.js";
import type { ContentStore, ModelKeyStore } from "../domain/ports.js";
import { MakeKey } from "./make-key.use-case.js";
import { hexOf } from "./open-model.js";
import { ProgressBoard } from "./progress-board.js";
import type { ProofBackEnd } from "./proof-back-end.js";

const model = sampleModel(1);

it("keeps the key that it recorded for the first proof, though the lease ended with the record", async () => {
  const lease = new AbortController();
  const kept: boolean[] = [];
  const backEnd = {
    name: "groth16-bn254",
    makeKey: async () => ({
      verifyingKey: Uint8Array.of(1),
      provingKey: undefined,
      constraintCount: 1,
      trust: "nobody",
      ceremonyTranscriptHash: undefined,
    }),
  } as unknown as ProofBackEnd;
  const makeKey = new MakeKey(
    { complete: async () => lease.abort() } as unknown as ModelKeyStore,
    {
      readSecret: async () => encodeIntegerModel(model),
      write: async () => "bafy",
    } as unknown as ContentStore,
    { keep: async (_, __, signal) => void kept.push(signal.aborted) },
    { backEnd: () => backEnd },
    { compile: async () => compileCircuit(model) },
    new ProgressBoard(),
    systemRng,
    { notKept: (error) => expect.fail(String(error)) },
  );
  const record = {
    modelCommitment: hexOf(modelCommitment(model)),
    modelCid: "bafy",
    proofSystem: "groth16",
  } as unknown as ModelKeyRecord;
  await makeKey.execute({} as Claim, record, lease.signal);
  expect(kept).toEqual([false]);
});
