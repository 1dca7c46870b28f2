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
const secretOf = (node: number): Uint8Array => new Uint8Array(32).fill(node);
const publicKeyOf = (node: number): string => toHex(blsPublicKey(secretOf(node))).slice(2);

/** A set of the nodes of these numbers, in this order. */
const setOf = (number: number, nodes: readonly number[]): HonorSet => ({
  number,
  members: nodes.map((node) => ({
    account: `0x${node.toString(16).padStart(40, "0")}`,
    publicKey: publicKeyOf(node),
  })),
});
const FIRST = [1, 2, 3, 4];
const set = setOf(0, FIRST);

/** What the seats of a set of nodes certified: a height, and which set decides the next one. */
function decisionOf(
  signing: readonly number[],
  height = SETTLED_AT + 1,
  nodes: readonly number[] = FIRST,
  next: HonorSet = set,
) {
  const checkpoint = {
    height,
    parentId: "aa".repeat(32),
    parentRound: 0,
    tip: "bb".repeat(32),
    tick: 9,
    attestedRoot: STATE_ROOT.slice(2),
    nextSetId: honorSetId(next),
  };
  const vote = { kind: "precommit", height, round: 0, checkpointId: checkpointId(checkpoint) } as const;
  const precommits = signing.map((sender) => ({
    sender,
    signature: blsSign(secretOf(nodes[sender] ?? 0), signedBytes(SIGNING_CHAIN, { ...vote, sender })),
  }));
  const keys = honorKeysOf(SIGNING_CHAIN, setOf(0, nodes));
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

const shown = ({ number, members }: HonorSet) => ({
  number: `0x${number.toString(16)}`,
  members: members.map(({ account, publicKey }) => ({ account, publicKey: `0x${publicKey}` })),
});

/** The set of some nodes handed over at a height. */
const handOverOf = (height: number, nodes: readonly number[], next: HonorSet) => ({
  ...decisionOf([0, 1, 2], height, nodes, next),
  nextSet: shown(next),
});

const honest = {
  set: { signingChainId: SIGNING_CHAIN, ...shown(set) },
  decision: decisionOf([0, 1, 3]) as ReturnType<typeof decisionOf> | null,
  handOvers: [] as ReturnType<typeof handOverOf>[],
  stateRoot: STATE_ROOT,
};

function finalityOf(change: Partial<typeof honest>) {
  const world = { ...honest, ...change };
  const rpc = {
    call: async (method: string, [number]: readonly string[] = []) => {
      if (method === "aios_getHonorSet") return world.set;
      // A page holds one, so that several are asked for.
      return method === "aios_getHandOvers"
        ? world.handOvers.slice(Number(number) - 1, Number(number))
        : world.decision;
    },
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

  describe("after the set has handed over", () => {
    const second = setOf(1, [2, 3, 4, 5]);
    const third = setOf(2, [3, 4, 5, 6]);
    const handOvers = [handOverOf(10, FIRST, second), handOverOf(20, [2, 3, 4, 5], third)];
    const decision = decisionOf([0, 1, 2], SETTLED_AT + 1, [3, 4, 5, 6], third);

    it("holds by the set of the certificate's height", async () => {
      expect((await finalityOf({ decision, handOvers }))?.check).toMatchObject({
        name: "finality",
        ok: true,
      });
      const later = handOverOf(SETTLED_AT + 9, [3, 4, 5, 6], setOf(3, FIRST));
      expect((await finalityOf({ decision, handOvers: [...handOvers, later] }))?.check.ok).toBe(true);
    });

    it("holds where the certificate itself hands over", async () => {
      const last = handOverOf(SETTLED_AT + 1, [3, 4, 5, 6], setOf(3, FIRST));
      expect((await finalityOf({ decision: last, handOvers: [...handOvers, last] }))?.check.ok).toBe(true);
    });

    it.each<[string, Partial<typeof honest>]>([
      ["a set that nobody handed over to", { decision }],
      ["a hand-over left out", { decision, handOvers: handOvers.slice(1) }],
      [
        "a hand-over by others",
        { decision, handOvers: [handOverOf(10, [6, 7, 8, 9], second), ...handOvers.slice(1)] },
      ],
      [
        "another set than was named",
        { decision, handOvers: [{ ...(handOvers[0] as (typeof handOvers)[0]), nextSet: shown(third) }] },
      ],
      ["the first set, which has left", { decision: decisionOf([0, 1, 2]), handOvers }],
    ])("fails for %s", async (_, change) => {
      expect((await finalityOf(change))?.check.ok).toBe(false);
    });
  });

  it("is open until the next checkpoint is certified", async () => {
    expect((await finalityOf({ decision: null }))?.check.ok).toBeUndefined();
  });

  const refusing = (details: Readonly<Record<string, unknown>>) => {
    const refused = new CodedError({
      code: "json-rpc-error",
      kind: "unprocessable",
      message: "refused",
      details,
    });
    return { call: () => Promise.reject(refused) } as unknown as JsonRpc;
  };
  const settled = { settlement: { blockNumber: SETTLED_AT } } as ChainEvidence;

  it("is no question where one node makes the blocks, or nothing is settled", async () => {
    const alone = refusing({ rpcCode: -32_000, rpcData: { code: "not-an-honor-chain" } });
    expect(await checkFinality(alone, settled)).toBeUndefined();
    expect(await checkFinality(refusing({ rpcCode: -32_601 }), settled)).toBeUndefined();
    expect(await checkFinality(alone, {} as ChainEvidence)).toBeUndefined();
  });

  it("does not take another refusal for a chain of one node", async () => {
    await expect(checkFinality(refusing({ rpcCode: -32_005 }), settled)).rejects.toThrow("refused");
  });
});
