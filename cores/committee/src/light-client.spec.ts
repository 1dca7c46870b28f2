import type { Checkpoint } from "@aios/core-finality/checkpoint";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { certify, honorSet, idealScheme } from "../test/sample-sets.js";
import { DEFAULT_CHAIN_TIME, startOfTickMs } from "./chain-time.js";
import { type HonorSet, honorSetId } from "./honor-set.js";
import { type HandOver, LightClient } from "./light-client.js";

const CHAIN = "chain";
const time = { ...DEFAULT_CHAIN_TIME, genesisTimeMs: 0 };
const settings = { chainId: CHAIN, time, scheme: idealScheme, trustPeriodMs: 3_600_000 };
const sets = [honorSet(6), honorSet(9, 1, 4), honorSet(6, 2, 9)] as const;

function checkpoint(height: number, tick: number, next: HonorSet): Checkpoint {
  const nextSetId = honorSetId(next);
  return { height, parentId: `p${height}`, parentRound: 0, tip: "t", tick, attestedRoot: "r", nextSetId };
}

function certified(height: number, tick: number, signing: HonorSet, next: HonorSet) {
  const voted = checkpoint(height, tick, next);
  return { checkpoint: voted, certificate: certify(CHAIN, signing, voted) };
}

const first: HandOver = { ...certified(10, 100, sets[0], sets[1]), nextSet: sets[1] };
const second: HandOver = { ...certified(20, 200, sets[1], sets[2]), nextSet: sets[2] };
const newClient = () => new LightClient(settings, { set: sets[0], fromHeight: 1, fromTick: 0 });

describe("light client", () => {
  it("follows hand-overs and checks any height of the sets that it followed", () => {
    const client = newClient();
    client.follow(first, 0);
    client.follow(second, 0);
    expect(client.latest).toEqual({ set: sets[2], fromHeight: 21, fromTick: 200 });
    client.verify(certified(5, 50, sets[0], sets[0]), 0);
    client.verify(certified(10, 100, sets[0], sets[1]), 0);
    client.verify(certified(15, 150, sets[1], sets[1]), 0);
    client.verify(certified(99, 990, sets[2], sets[2]), 0);
  });

  it("believes no set at heights that another decides", () => {
    const client = newClient();
    client.follow(first, 0);
    const invalid = expect.objectContaining({ code: "invalid-certificate" });
    expect(() => client.verify(certified(11, 110, sets[0], sets[0]), 0)).toThrow(invalid);
    expect(() => client.verify(certified(9, 90, sets[1], sets[1]), 0)).toThrow(invalid);
    expect(() => client.verify(certified(0, 0, sets[0], sets[0]), 0)).toThrow(
      expect.objectContaining({ code: "unknown-honor-set" }),
    );
  });

  it("refuses every hand-over that the sitting set did not sign as it stands, and stays where it was", () => {
    const client = newClient();
    const other = honorSet(9, 1, 30);
    const refused: [HandOver, object][] = [
      [second, { code: "invalid-hand-over", field: "nextSet.number" }],
      [
        { ...first, nextSet: other },
        { code: "invalid-hand-over", field: "nextSet" },
      ],
      [{ ...certified(10, 100, sets[1], sets[1]), nextSet: sets[1] }, { code: "invalid-certificate" }],
      [
        { ...first, checkpoint: checkpoint(10, 100, other), nextSet: other },
        { code: "invalid-certificate", field: "checkpointId" },
      ],
      [{ ...first, nextSet: { ...sets[1], members: [] } }, { code: "invalid-honor-set" }],
      [{ ...certified(0, 1, sets[0], sets[1]), nextSet: sets[1] }, { field: "checkpoint.height" }],
    ];
    for (const [handOver, error] of refused)
      expect(() => client.follow(handOver, 0)).toThrow(expect.objectContaining(error));
    expect(client.latest.set).toBe(sets[0]);
    client.follow(first, 0);
    expect(() => client.follow({ ...second, ...certified(20, 99, sets[1], sets[2]) }, 0)).toThrow(
      expect.objectContaining({ field: "checkpoint.tick" }),
    );
  });

  it("asks for the hand-over when a checkpoint names a set that it does not know", () => {
    expect(() => newClient().verify(first, 0)).toThrow(expect.objectContaining({ code: "hand-over-needed" }));
  });

  it("stops believing a set that it has not seen at work for the trust period", () => {
    const expired = expect.objectContaining({ code: "trust-expired" });
    const late = settings.trustPeriodMs + 1;
    expect(() => newClient().follow(first, late)).toThrow(expired);
    expect(() => newClient().verify(certified(5, 50, sets[0], sets[0]), late)).toThrow(expired);
    const client = newClient();
    client.verify(certified(5, 50, sets[0], sets[0]), 0);
    client.follow(first, startOfTickMs(time, 50) + settings.trustPeriodMs);
    client.verify(certified(5, 50, sets[0], sets[0]), Number.MAX_SAFE_INTEGER);
  });

  it("accepts no certificate with a flipped bit", () => {
    const good = certified(5, 50, sets[0], sets[0]);
    fc.assert(
      fc.property(
        fc.constantFrom("signers", "signature"),
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        (part, at, bit) => {
          const bytes = good.certificate[part].slice();
          bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << bit);
          expect(() =>
            newClient().verify({ ...good, certificate: { ...good.certificate, [part]: bytes } }, 0),
          ).toThrow(expect.objectContaining({ code: "invalid-certificate" }));
        },
      ),
    );
  });
});
