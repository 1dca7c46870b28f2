import type { Ceremony } from "@aios/core-groth16/ceremony";
import { transcriptHash } from "@aios/core-groth16/ceremony-transcript";
import { decodeProof } from "@aios/core-groth16/proof-encoding";
import { verify } from "@aios/core-groth16/verify";
import { verifyingKeyHash } from "@aios/core-groth16/verifying-key";
import { bytesToInteger } from "@aios/core-zkml/scalar-field";
import { KeyState } from "@aios/proto/aios/prover/v1/prover";
import { knownPowers } from "@aios/testkit/known-powers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  endedKey,
  endedProof,
  listedPowersEnvironment,
  type ProverClient,
  ProverPlatform,
} from "../support/prover-platform.js";

const CONTRIBUTORS = ["developer", "buyers"];

let platform: ProverPlatform;
let compute: ProverClient;
let marketplace: ProverClient;
let first: Added;

beforeAll(async () => {
  platform = await ProverPlatform.start();
  await platform.startProver(listedPowersEnvironment());
  [compute, marketplace] = await Promise.all([platform.as("compute"), platform.as("marketplace")]);
  first = await platform.addCeremony(21, CONTRIBUTORS);
}, 300_000);
afterAll(() => platform?.stop());

type Added = Awaited<ReturnType<ProverPlatform["addCeremony"]>>;

async function ended({ modelCid, modelCommitment }: Added, ceremony: Added["ceremony"]) {
  await marketplace.setUpKey({ modelCid, modelCommitment, ceremony });
  return endedKey(marketplace, modelCommitment);
}

describe("a key from a ceremony", { timeout: 300_000 }, () => {
  it("is verified here, says who can forge together, and proves", async () => {
    const key = await ended(first, first.ceremony);
    expect(key).toMatchObject({
      state: KeyState.KEY_STATE_READY,
      trust: expect.stringMatching(
        /^forgeable by whoever calls themselves developer and buyers, possibly one party, together/,
      ) as string,
      ceremonyTranscriptCid: first.ceremony.transcriptCid,
    });
    const { transcript, key: made } = first.made;
    expect(Buffer.from(key.ceremonyTranscriptHash)).toEqual(Buffer.from(transcriptHash(transcript)));
    expect(Buffer.from(key.verifyingKeyHash)).toEqual(Buffer.from(verifyingKeyHash(made.verifyingKey)));
    const quote = await compute.quoteProof({ modelCommitment: first.modelCommitment });
    expect(quote.trust).toBe(key.trust);

    const request = platform.jobRequest(1, { ...first, key });
    await compute.requestProof(request);
    const proof = await endedProof(compute, request.statement.jobId);
    expect(proof.trust).toBe(key.trust);
    expect(verify(made.verifyingKey, proof.publicInputs.map(bytesToInteger), decodeProof(proof.proof))).toBe(
      true,
    );
  });

  it("is the model's one key: neither another ceremony nor a development key takes its place", async () => {
    const { modelCid, modelCommitment, made } = first;
    const ask = (ceremony?: Added["ceremony"]) =>
      marketplace.setUpKey({ modelCid, modelCommitment, ...(ceremony === undefined ? {} : { ceremony }) });
    await expect(ask()).rejects.toMatchObject({ code: "model-key-differs" });
    await expect(ask(platform.storeCeremony(made))).rejects.toMatchObject({ code: "model-key-differs" });
  });

  it("is refused with one contributor, for another model, when altered, and from unlisted powers", async () => {
    const second = await platform.addCeremony(22, CONTRIBUTORS);
    const [, alone] = second.history;
    const { transcript } = second.made;
    const unlisted = { ...second.ceremony, powersCid: platform.storage.store(knownPowers(4, ["Ada"])) };
    const refusals = [
      [platform.storeCeremony(alone as Ceremony), "too-few-contributors"],
      [first.ceremony, "ceremony-start-mismatch"],
      [platform.storeCeremony({ transcript, key: first.made.key }), "ceremony-key-mismatch"],
      [unlisted, "powers-of-tau-not-listed"],
    ] as const;
    for (const [ceremony, code] of refusals)
      expect(await ended(second, ceremony)).toMatchObject({
        state: KeyState.KEY_STATE_FAILED,
        error: { code },
      });
    // What failed is tried again with the right ceremony.
    expect(await ended(second, second.ceremony)).toMatchObject({ state: KeyState.KEY_STATE_READY });
  });
});
