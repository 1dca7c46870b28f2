import type { OperatedService, Operations } from "@aios/sdk/operations-types";
import { describe, expect, it } from "vitest";
import { certificateAge, operationsFindings } from "./cluster-findings.js";

const GIB = 1024 ** 3;
const NOW_MS = 1_800_000_000_000;
const DAY_MS = 86_400_000;

function service(changes: Partial<OperatedService> = {}): OperatedService {
  return {
    name: "compute",
    state: "ready",
    problem: null,
    latencyMs: 1,
    version: "0.1.0",
    instanceId: "a",
    startedAtMs: 1,
    clockOffsetMs: 0,
    memoryBytes: 1,
    checks: [],
    schema: { expected: 2, missing: [], changed: [], ahead: [] },
    outbox: { events: 0, oldestAgeMs: 0 },
    deadLetters: { events: 0, limit: 100 },
    disk: { directory: "/data", freeBytes: 40 * GIB, totalBytes: 100 * GIB },
    certificate: null,
    ...changes,
  };
}

function platform(services: readonly OperatedService[], changes: Partial<Operations> = {}): Operations {
  return {
    atMs: NOW_MS,
    watchedSinceMs: NOW_MS,
    services,
    chain: { latestHeight: 100, finalizedHeight: 99, indexedHeight: 100, providersOnline: 1 },
    queues: [],
    lags: [],
    objectives: [],
    jobs: [],
    ...changes,
  };
}

function wrong(operations: Operations): readonly (readonly [string, string, string])[] {
  return operationsFindings(operations)
    .filter(({ state }) => state !== "ok")
    .map(({ name, state, detail }) => [name, state, detail] as const);
}

describe("the doctor of a cluster", () => {
  it("finds nothing where nothing is wrong, and says what it looked at", () => {
    const findings = operationsFindings(platform([service(), service({ name: "economy" })]));
    expect(findings.filter(({ state }) => state !== "ok")).toEqual([]);
    expect(findings.map(({ name }) => name)).toEqual([
      ...["versions", "clocks", "schema", "outbox", "dead letters", "disks", "certificates", "index", "lag"],
      "objectives",
    ]);
  });

  it.each([
    ["a service that is silent", { state: "silent", problem: "no answer" }, "compute", "problem"],
    [
      "a failing check",
      { state: "not-ready", checks: [{ name: "database", ok: false, problem: "gone" }] },
      "compute",
      "problem",
    ],
    ["a clock half a minute off", { clockOffsetMs: -31_000 }, "clocks", "problem"],
    ["a clock seconds off", { clockOffsetMs: 3_000 }, "clocks", "warning"],
    [
      "a migration that is missing",
      { schema: { expected: 2, missing: ["2_b"], changed: [], ahead: [] } },
      "schema",
      "problem",
    ],
    [
      "a migration that was changed",
      { schema: { expected: 2, missing: [], changed: ["1_a"], ahead: [] } },
      "schema",
      "problem",
    ],
    [
      "a newer schema",
      { schema: { expected: 2, missing: [], changed: [], ahead: ["3_c"] } },
      "schema",
      "warning",
    ],
    ["a stuck outbox", { outbox: { events: 9, oldestAgeMs: 61_000 } }, "outbox", "problem"],
    ["dead letters", { deadLetters: { events: 2, limit: 100 } }, "dead letters", "warning"],
    [
      "a full disk",
      { disk: { directory: "/data", freeBytes: GIB, totalBytes: 9 * GIB } },
      "disks",
      "problem",
    ],
    [
      "a disk that fills up",
      { disk: { directory: "/data", freeBytes: 4 * GIB, totalBytes: 99 * GIB } },
      "disks",
      "warning",
    ],
    ["an ended certificate", { certificate: { notAfterMs: 0 } }, "certificates", "problem"],
  ] as const)("finds %s", (_what, changes, name, state) => {
    expect(wrong(platform([service(changes as Partial<OperatedService>)])).map(([n, s]) => [n, s])).toEqual([
      [name, state],
    ]);
  });

  it("says how events that a service gave up on go back to that service alone", () => {
    const given = service({ name: "economy", deadLetters: { events: 2, limit: 100 } });
    const [finding] = operationsFindings(platform([given])).filter(({ name }) => name === "dead letters");
    expect(finding?.fix).toContain("'aios events retry --all --group economy'");
  });

  it("finds services of different versions, and names them", () => {
    const [finding] = wrong(platform([service(), service({ name: "economy", version: "0.2.0" })]));
    expect(finding?.[2]).toContain("0.2.0: economy");
  });

  it("finds an index that fell behind, events that come late, and a budget that burns", () => {
    const burning = { severity: "page", factor: 14.4 } as const;
    const changes = {
      chain: { latestHeight: 200, finalizedHeight: 199, indexedHeight: 100, providersOnline: 1 },
      lags: [{ service: "scoring", topic: "t", handled: 1, p50Ms: null, p95Ms: null }],
      objectives: [
        { name: "job-success", promise: "jobs that end settled", objective: 0.99, burning, windows: [] },
      ],
    };
    expect(wrong(platform([service()], changes)).map(([name, state]) => [name, state])).toEqual([
      ["index", "problem"],
      ["lag", "warning"],
      ["objectives", "problem"],
    ]);
  });

  it("gives a fix with every finding that is not fine", () => {
    const findings = operationsFindings(platform([service({ state: "silent", clockOffsetMs: 99_000 })]));
    for (const finding of findings) expect(finding.fix !== undefined).toBe(finding.state !== "ok");
  });
});

it("warns of a certificate two weeks before its end", () => {
  expect(certificateAge("x", NOW_MS + 15 * DAY_MS, NOW_MS)).toBeUndefined();
  expect(certificateAge("x", NOW_MS + 13 * DAY_MS, NOW_MS)?.state).toBe("warning");
  expect(certificateAge("x", NOW_MS - 1, NOW_MS)?.state).toBe("problem");
});
