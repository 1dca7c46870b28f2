import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addressOf,
  healthyOffer,
  inferenceRequest,
  offersArbitrary,
  policy,
  requestArbitrary,
} from "../test/placement-arbitraries.js";
import { decidePlacement } from "./placement.js";
import {
  decodeOffer,
  decodePlacementLog,
  encodeOffer,
  encodePlacementLog,
  replayPlacement,
} from "./placement-log.js";

describe("placement log", () => {
  it("replays every decision from its text", () => {
    fc.assert(
      fc.property(requestArbitrary, offersArbitrary, (request, offers) => {
        const decision = decidePlacement(request, offers, policy);
        const text = encodePlacementLog({ decidedAtMs: 7, request, offers, policy, chosen: decision.chosen });
        const read = decodePlacementLog(text);
        expect(replayPlacement(read)).toEqual(decision);
        expect(encodePlacementLog(read)).toBe(text);
      }),
    );
  });

  it("replays from offers that were kept one by one beside it", () => {
    fc.assert(
      fc.property(requestArbitrary, offersArbitrary, (request, offers) => {
        const decision = decidePlacement(request, offers, policy);
        const entry = { decidedAtMs: 7, request, offers: undefined, policy, chosen: decision.chosen };
        const text = encodePlacementLog(entry);
        const kept = offers.map((offer) => decodeOffer(encodeOffer(offer)));
        expect(kept.map(encodeOffer)).toEqual(offers.map(encodeOffer));
        expect(replayPlacement(decodePlacementLog(text), kept)).toEqual(decision);
      }),
    );
  });

  it("notices a log whose choice is not what its inputs give", () => {
    const offers = [healthyOffer(1), healthyOffer(2)];
    const entry = { decidedAtMs: 1, request: inferenceRequest(), offers, policy, chosen: addressOf(2) };
    expect(() => replayPlacement(entry)).toThrowError(
      expect.objectContaining({ code: "placement-not-reproduced" }),
    );
  });

  it("refuses what is not a log entry", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => decodePlacementLog(text)).toThrowError(
          expect.objectContaining({ code: "invalid-placement-log" }),
        );
        expect(() => decodeOffer(text)).toThrowError(
          expect.objectContaining({ code: "invalid-placement-log" }),
        );
      }),
    );
  });

  it("refuses an entry with a field of another kind, or without one", () => {
    const entry = {
      decidedAtMs: 7,
      request: inferenceRequest(),
      offers: [healthyOffer(1)],
      policy,
      chosen: addressOf(1),
    };
    const whole = JSON.parse(encodePlacementLog(entry)) as Record<string, unknown>;
    const [offer] = whole["offers"] as Record<string, unknown>[];
    const damaged = [
      { ...whole, chosen: 1 },
      { ...whole, policy: {} },
      { ...whole, offers: [{ ...offer, stakedWei: "100" }] },
      { ...whole, offers: [{ ...offer, online: undefined }] },
      { ...whole, request: { ...(whole["request"] as object), kind: "storage" } },
    ];
    for (const each of damaged)
      expect(() => decodePlacementLog(JSON.stringify(each))).toThrowError(
        expect.objectContaining({ code: "invalid-placement-log" }),
      );
  });
});
