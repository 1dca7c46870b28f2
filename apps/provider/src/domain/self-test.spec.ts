import { describe, expect, it } from "vitest";
import { hex } from "./delivery.js";
import { referenceInputs, referenceModel, referenceResultHash, selfTestText } from "./self-test.js";

describe("self-test", () => {
  it("has one result on every healthy machine", () => {
    expect(hex(referenceResultHash(referenceModel(), referenceInputs()))).toBe(
      "0x93288c98e53560d23e12d6de7742645cf01a051e564b32062d63f2d904e03299",
    );
  });

  it("is signed as canonical JSON", () => {
    const figures = {
      evaluatorMacsPerSecond: 2,
      trainingSamplesPerSecond: 1,
      resultHash: "0xab",
      measuredAtMs: 3,
    };
    expect(selfTestText(figures)).toBe(
      '{"evaluatorMacsPerSecond":2,"measuredAtMs":3,"resultHash":"0xab","trainingSamplesPerSecond":1}',
    );
  });
});
