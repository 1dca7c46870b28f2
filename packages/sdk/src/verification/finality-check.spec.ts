import { type HonorSet, honorKeysOf, honorSetId } from "@aios/core-committee/honor-set";
import { blsPublicKey, blsSign, blsSignatures } from "@aios/core-finality/bls-signatures";
import { makeCertificate } from "@aios/core-finality/certificate";
import { checkpointId } from "@aios/core-finality/checkpoint";
import { signedBytes } from "@aios/core-finality/messages";
import { CodedError } from "@aios/kernel/coded-error";
import { describe, expect, it } from "vitest";
import { toHex } from "../hex.js";
import type { JsonRpc } from "../json-rpc.js";
import type { ChainEvidence } from "./chain-evidence.js";
import { checkFinality } from "./finality-check.js";

const SIGNING_CHAIN = "aios:1:test";
const STATE_ROOT = `0x${"5a".repeat(32)}`;
const SETTLED_AT = 41;
const secrets = [1, 2, 3, 4].map((seat) => new Uint8Array(32).fill(seat));
const set: HonorSet = {
  number: 0,
  members: secrets.map((secret, seat) => ({
    account: `0x${(seat + 1).toString(16).padStart(40, "0")}`,
    publicKey: toHex(blsPublicKey(secret)).slice(2),
  })),
};

function decisionOf(signing: readonly number[], height = SETTLED_AT + 1) {
  const checkpoint = {
    height,
    parentId: "aa".repeat(32),
    parentRound: 0,
    tip: "bb".repeat(32),
    tick: 9,
    attestedRoot: STATE_ROOT.slice(2),
    nextSetId: honorSetId(set),
  };
  const vote = { kind: "precommit", height, round: 0, checkpointId: checkpointId(checkpoint) } as const;
  const precommits = signing.map((sender) => ({
    sender,
    signature: blsSign(secrets[sender] as Uint8Array, signedBytes(SIGNING_CHAIN, { ...vote, sender })),
  }));
  const keys = honorKeysOf(SIGNING_CHAIN, set);
  const { signers, signature } = makeCertificate(blsSignatures, keys, checkpoint, 0, precommits);
  return {
    checkpoint: {
      ...checkpoint,
      height: `0x${height.toString(16)}`,
      parentRound: "0x0",
      tick: "0x9",
      attestedRoot: STATE_ROOT,
    },
    certificate: { round: "0x0", signers: toHex(signers), signature: toHex(signature) },
  };
}

const honest = {
  set: {
    signingChainId: SIGNING_CHAIN,
    number: "0x0",
    id: honorSetId(set),
    members: set.members.map(({ account, publicKey }) => ({ account, publicKey: `0x${publicKey}` })),
  },
  decision: decisionOf([0, 1, 3]) as ReturnType<typeof decisionOf> | null,
  stateRoot: STATE_ROOT,
};

function finalityOf(change: Partial<typeof honest>) {
  const world = { ...honest, ...change };
  const rpc = {
    call: async (method: string) => (method === "aios_getHonorSet" ? world.set : world.decision),
    block: async () => ({ stateRoot: world.stateRoot }),
  };
  return checkFinality(
    rpc as unknown as JsonRpc,
    { settlement: { blockNumber: SETTLED_AT } } as ChainEvidence,
  );
}

describe("finality of a settlement on a chain of honor nodes", () => {
  it("holds when a quorum signed the state after the settling block", async () => {
    const finality = await finalityOf({});
    expect(finality?.check).toMatchObject({ name: "finality", ok: true });
    expect(finality?.trust).toContain(honorSetId(set));
    expect(finality?.trust).toContain("at least 3");
  });

  it.each<[string, Partial<typeof honest>]>([
    ["another state", { stateRoot: `0x${"5b".repeat(32)}` }],
    ["a certificate of another height", { decision: decisionOf([0, 1, 3], SETTLED_AT + 2) }],
    ["another chain's signatures", { set: { ...honest.set, signingChainId: "aios:2:test" } }],
    [
      "other signers than those named",
      {
        decision: {
          ...decisionOf([0, 1, 3]),
          certificate: { ...decisionOf([0, 1, 3]).certificate, signers: "0x07" },
        },
      },
    ],
    [
      "fewer than a quorum",
      {
        decision: {
          ...decisionOf([0, 1, 3]),
          certificate: { ...decisionOf([0, 1, 3]).certificate, signers: "0x03" },
        },
      },
    ],
    ["a set that is none", { set: { ...honest.set, members: honest.set.members.slice(0, 1) } }],
  ])("fails for %s", async (_, change) => {
    expect((await finalityOf(change))?.check).toMatchObject({ name: "finality", ok: false });
  });

  it("is open until the next checkpoint is certified", async () => {
    expect((await finalityOf({ decision: null }))?.check.ok).toBeUndefined();
  });

  it("is no question where one node makes the blocks, or nothing is settled", async () => {
    const refused = new CodedError({ code: "json-rpc-error", kind: "unprocessable", message: "one node" });
    const rpc = { call: () => Promise.reject(refused) } as unknown as JsonRpc;
    const settlement = { blockNumber: SETTLED_AT };
    expect(await checkFinality(rpc, { settlement } as ChainEvidence)).toBeUndefined();
    expect(await checkFinality(rpc, {} as ChainEvidence)).toBeUndefined();
  });
});
