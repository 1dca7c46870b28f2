import { blsPublicKey, provePossession } from "@aios/core-finality/bls-signatures";
import { toHex } from "@aios/core-rlp/hex";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { beforeAll, describe, expect, it } from "vitest";
import { honorChainSettings } from "./honor-chain.js";
import { parseHonorGenesis } from "./honor-genesis.js";

describe("the honor part of a genesis file", () => {
  let members: Record<string, string>[];
  const json = (change: Record<string, unknown> = {}) => ({
    genesisTimeMs: 1_767_225_600_000,
    k: 3,
    maxDelayMs: 100,
    members,
    ...change,
  });

  beforeAll(() => {
    members = [1, 2, 3, 4].map((seat) => {
      const secret = new Uint8Array(32).fill(seat);
      return {
        account: `0x${String(seat).repeat(40)}`,
        publicKey: toHex(blsPublicKey(secret)),
        proofOfPossession: toHex(provePossession(secret)),
      };
    });
  });

  it("names the set and its time", () => {
    const { set, time } = parseHonorGenesis(json());
    expect(set.members.map(({ account }) => account)).toEqual(members.map(({ account }) => account));
    expect(time).toMatchObject({ tickMs: 1_500, ticksPerSlot: 2, slotsPerEpoch: 30, epochsPerCycle: 40 });
  });

  it("is refused with a set of a wrong size, a key that nobody proved, an unsafe k, or an unknown field", () => {
    const refused = (change: Record<string, unknown>, field: string) =>
      expect(() => parseHonorGenesis(json(change))).toThrow(
        expect.objectContaining({ code: "invalid-genesis", field }),
      );
    refused({ members: members.slice(0, 3) }, "honor.members");
    const borrowed = { ...members[0], proofOfPossession: members[1]?.["proofOfPossession"] };
    refused({ members: [borrowed, ...members.slice(1)] }, "honor.members.0.proofOfPossession");
    refused({ members: [members[0], members[0], members[1], members[2]] }, "honor.members");
    refused({ maxDelayMs: 500 }, "honor.k");
    refused({ tickMs: 0 }, "honor.tickMs");
    refused({ maxTransactionBytes: 1_000 }, "honor.maxTransactionBytes");
    refused({ maxDagBlockBytes: 100_000 }, "honor.maxDagBlockBytes");
    refused({ maxDagBlockBytes: 4_194_304 }, "honor.maxDagBlockBytes");
    refused({ maxBlockBytes: 9_000_000 }, "honor.maxBlockBytes");
    refused({ maxBlockBytes: 131_072 }, "honor.maxBlockBytes");
    refused({ mergeDepth: 0 }, "honor.mergeDepth");
    refused({ mergeDepth: 100, pruningDepth: 199 }, "honor.pruningDepth");
    // Two groups of three make 600 blocks until each has had its slot.
    const long = { seats: 6, ticksPerSlot: 100, mergeDepth: 100 };
    refused({ ...long, pruningDepth: 699 }, "honor.pruningDepth");
    expect(parseHonorGenesis(json(long)).ghostdag.pruningDepth).toBe(700);
    refused({ seats: 5 }, "honor.seats");
    refused({ seats: 3 }, "honor.seats");
    refused({ quorum: 2 }, "honor.quorum");
  });

  it("says how large transactions and blocks may be, and what it leaves out is as it always was", () => {
    const always = { maxTransactionBytes: 131_072, maxDagBlockBytes: 1_048_576, maxBlockBytes: 8_386_560 };
    expect(parseHonorGenesis(json()).sizes).toEqual(always);
    const chosen = { maxTransactionBytes: 2_048, maxDagBlockBytes: 4_096, maxBlockBytes: 8_192 };
    expect(parseHonorGenesis(json(chosen)).sizes).toEqual(chosen);
  });

  it("makes another chain of every change, so that no signature counts on both", () => {
    const block = {
      hash: `0x${"aa".repeat(32)}` as Bytes32,
      stateRoot: `0x${"bb".repeat(32)}` as Bytes32,
      gasLimit: 30_000_000n,
    };
    const idOf = (change: Record<string, unknown>, chainId = 1, genesis = block) =>
      honorChainSettings(chainId, parseHonorGenesis(json(change)), genesis).chainId;
    const ids = [
      idOf({}),
      idOf({}, 2),
      idOf({ genesisTimeMs: 1 }),
      idOf({ maxTransactionBytes: 2_048 }),
      idOf({ maxDagBlockBytes: 2_097_152 }),
      idOf({ maxBlockBytes: 1_048_576 }),
      idOf({ mergeDepth: 100 }),
      idOf({ pruningDepth: 20_000 }),
      idOf({ members: [...members].reverse() }),
      idOf({ seats: 6, k: 5 }),
      idOf({}, 1, { ...block, hash: `0x${"ac".repeat(32)}` as Bytes32 }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(idOf({})).toBe(ids[0]);
    expect(idOf({ maxDagBlockBytes: 1_048_576 })).toBe(ids[0]);
    expect(idOf({ mergeDepth: 5_000, pruningDepth: 10_000 })).toBe(ids[0]);
  });
});
