import { describe, expect, it } from "vitest";
import { CircuitBreaker } from "./circuit-breaker.js";

const refused = expect.objectContaining({
  code: "peer-unavailable",
  kind: "unavailable",
  retryAfterMs: expect.any(Number),
});

describe("CircuitBreaker", () => {
  let nowMs = 0;
  const open = (): CircuitBreaker => {
    nowMs = 0;
    const circuit = new CircuitBreaker(
      "storage",
      { failureThreshold: 3, firstOpenMs: 100, maxOpenMs: 250 },
      () => nowMs,
    );
    for (let i = 0; i < 3; i++) {
      circuit.enter();
      circuit.failed();
    }
    return circuit;
  };

  it("opens after failures in a row only", () => {
    const circuit = new CircuitBreaker(
      "storage",
      { failureThreshold: 2, firstOpenMs: 100, maxOpenMs: 100 },
      () => 0,
    );
    for (let i = 0; i < 5; i++) {
      circuit.enter();
      circuit.failed();
      circuit.enter();
      circuit.succeeded();
    }
    expect(() => circuit.enter()).not.toThrow();
  });

  it("refuses while open and says for how long", () => {
    const circuit = open();
    nowMs = 40;
    expect(() => circuit.enter()).toThrowError(expect.objectContaining({ retryAfterMs: 60 }));
  });

  it("lets one probe through, closes when it succeeds", () => {
    const circuit = open();
    nowMs = 100;
    circuit.enter();
    expect(() => circuit.enter()).toThrowError(refused);
    circuit.succeeded();
    circuit.enter();
    circuit.enter();
  });

  it("waits twice as long after each failed probe, up to the limit", () => {
    const circuit = open();
    for (const [at, until] of [
      [100, 300],
      [300, 550],
      [550, 800],
    ] as const) {
      nowMs = at;
      circuit.enter();
      circuit.failed();
      nowMs = until - 1;
      expect(() => circuit.enter()).toThrowError(refused);
      nowMs = until;
    }
    circuit.enter();
  });

  it("gives the probe to the next when it was abandoned", () => {
    const circuit = open();
    nowMs = 100;
    circuit.enter();
    circuit.abandoned();
    circuit.enter();
    expect(() => circuit.enter()).toThrowError(refused);
  });
});
