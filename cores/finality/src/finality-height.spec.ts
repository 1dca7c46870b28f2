import { describe, expect, it } from "vitest";
import { type Checkpoint, checkpointId } from "./checkpoint.js";
import { FinalityHeight, type FinalityOutput, type SafetyRecord } from "./finality-height.js";
import { leaderOf, lostTurnsAfter } from "./leader.js";
import type { FinalityMessage, Vote } from "./messages.js";
import { quorumOf } from "./quorum.js";

const HEIGHT = 4; // leaders: 0, 1, 2, 3, 0, …
const a: Checkpoint = {
  height: HEIGHT,
  parentId: "p",
  parentRound: 0,
  tip: "a",
  tick: 7,
  attestedRoot: "r",
  nextSetId: "s",
};
const b: Checkpoint = { ...a, tip: "b" };

function node(self: number, lostTurns: ReadonlySet<number> = new Set()): FinalityHeight {
  const timeouts = { proposeMs: 100, prevoteMs: 50, precommitMs: 40, backOffMs: 10 };
  return new FinalityHeight({
    height: HEIGHT,
    self,
    quorum: quorumOf(4),
    lostTurns,
    timeouts,
    maxRoundsAhead: 10,
  });
}
const proposal = (round: number, checkpoint: Checkpoint, validRound = -1): FinalityMessage => ({
  kind: "proposal",
  height: HEIGHT,
  round,
  checkpoint,
  validRound,
  sender: round % 4,
});
const vote = (kind: Vote["kind"], round: number, value: Checkpoint | undefined, sender: number): Vote => ({
  kind,
  height: HEIGHT,
  round,
  checkpointId: value === undefined ? undefined : checkpointId(value),
  sender,
});
const receive = (core: FinalityHeight, ...messages: FinalityMessage[]): FinalityOutput[] =>
  messages.flatMap((message) => core.handle({ kind: "message", message }));
const check = (core: FinalityHeight, checkpoint: Checkpoint, acceptable = true): FinalityOutput[] =>
  core.handle({ kind: "checked", checkpointId: checkpointId(checkpoint), acceptable });
const sends = (outputs: readonly FinalityOutput[]): FinalityMessage[] =>
  outputs.flatMap((output) => (output.kind === "send" ? [output.message] : []));
const lastRecord = (outputs: readonly FinalityOutput[]): SafetyRecord | undefined =>
  outputs.flatMap((output) => (output.kind === "persist" ? [output.record] : [])).at(-1);

/** Node 3, locked on `a` in round 0. */
function locked(): { core: FinalityHeight; record: SafetyRecord } {
  const core = node(3);
  core.start();
  receive(core, proposal(0, a));
  check(core, a);
  const outputs = receive(core, vote("prevote", 0, a, 0), vote("prevote", 0, a, 1));
  expect(sends(outputs)).toEqual([vote("precommit", 0, a, 3)]);
  return { core, record: lastRecord(outputs) as SafetyRecord };
}

describe("one height of finality", () => {
  it("decides in one round, and writes each message down before sending it", () => {
    const core = node(0);
    expect(core.start()).toEqual([
      { kind: "timer", step: "propose", round: 0, delayMs: 100 },
      { kind: "build", round: 0 },
    ]);
    const built = core.handle({ kind: "built", round: 0, checkpoint: a });
    expect(built.map(({ kind }) => kind)).toEqual(["persist", "send", "persist", "send"]);
    expect(sends(built)).toEqual([proposal(0, a), vote("prevote", 0, a, 0)]);
    const polka = receive(core, vote("prevote", 0, a, 1), vote("prevote", 0, a, 2));
    expect(sends(polka)).toEqual([vote("precommit", 0, a, 0)]);
    const outputs = receive(core, vote("precommit", 0, a, 1), vote("precommit", 0, a, 2));
    expect(outputs.at(-1)).toMatchObject({ kind: "decided", checkpoint: a, round: 0 });
    expect(receive(core, vote("precommit", 0, a, 3))).toEqual([]);
  });

  it("prevotes only what it has checked, nil for what is wrong or late", () => {
    const core = node(3);
    core.start();
    expect(receive(core, proposal(0, a))).toEqual([{ kind: "check", checkpoint: a }]);
    expect(sends(check(core, a, false))).toEqual([vote("prevote", 0, undefined, 3)]);
    const late = node(3);
    late.start();
    receive(late, proposal(0, a));
    expect(sends(late.handle({ kind: "timeout", step: "propose", round: 0 }))).toEqual([
      vote("prevote", 0, undefined, 3),
    ]);
    expect(sends(check(late, a))).toEqual([]);
  });

  it("goes on to longer rounds when nothing is decided", () => {
    const core = node(3);
    core.start();
    core.handle({ kind: "timeout", step: "propose", round: 0 });
    receive(core, vote("prevote", 0, undefined, 0), vote("prevote", 0, undefined, 1));
    const waiting = receive(core, vote("precommit", 0, undefined, 0), vote("precommit", 0, undefined, 1));
    expect(waiting).toContainEqual({ kind: "timer", step: "precommit", round: 0, delayMs: 40 });
    expect(core.handle({ kind: "timeout", step: "precommit", round: 0 })).toEqual([
      { kind: "timer", step: "propose", round: 1, delayMs: 110 },
    ]);
    expect(core.handle({ kind: "timeout", step: "propose", round: 0 })).toEqual([]);
  });

  it("skips to a later round in which an honest node must be", () => {
    const core = node(3);
    core.start();
    receive(core, vote("prevote", 5, undefined, 0));
    expect(core.round).toBe(0);
    receive(core, vote("precommit", 5, undefined, 1));
    expect(core.round).toBe(5);
  });

  it("enters the round that f + 1 others reached or passed, however far it was left behind", () => {
    const core = node(3);
    core.start();
    receive(core, vote("prevote", 90, undefined, 0));
    receive(core, vote("precommit", 1_000_000, undefined, 0));
    expect(core.round).toBe(0);
    receive(core, vote("precommit", 57, undefined, 1));
    expect(core.round).toBe(57);
    receive(core, vote("prevote", 60, undefined, 2));
    expect(core.round).toBe(60);
  });

  it("says before a signature is checked what a message could change", () => {
    const core = node(3);
    core.start();
    expect(core.concernOf(vote("prevote", 10, a, 0))).toBe("content");
    expect(core.concernOf(vote("prevote", 11, a, 0))).toBe("round");
    expect(core.concernOf({ ...proposal(0, a), sender: 2 })).toBeUndefined();
    receive(core, vote("prevote", 12, a, 0));
    expect(core.concernOf(vote("precommit", 12, a, 0))).toBeUndefined();
    expect(core.concernOf(vote("precommit", 13, a, 0))).toBe("round");
    expect(core.isBacked(vote("prevote", 0, a, 2))).toBe(false);
    receive(core, vote("prevote", 0, a, 0), vote("prevote", 0, a, 1));
    expect(core.isBacked(vote("prevote", 0, a, 2))).toBe(true);
  });

  it("keeps to its lock until a later quorum of prevotes frees it", () => {
    const { core } = locked();
    core.handle({ kind: "timeout", step: "precommit", round: 0 });
    receive(core, proposal(1, b));
    expect(sends(check(core, b))).toEqual([vote("prevote", 1, undefined, 3)]);
    receive(core, vote("prevote", 1, b, 0), vote("prevote", 1, b, 1), vote("prevote", 1, b, 2));
    core.handle({ kind: "timeout", step: "prevote", round: 1 });
    core.handle({ kind: "timeout", step: "precommit", round: 1 });
    expect(sends(receive(core, proposal(2, b, 1)))).toEqual([vote("prevote", 2, b, 3)]);
  });

  it("proposes again what it knows to be valid, and shows why", () => {
    const { core } = locked();
    const outputs = receive(core, vote("precommit", 3, undefined, 0), vote("precommit", 3, undefined, 1));
    expect(sends(outputs).slice(0, 1)).toEqual([proposal(3, a, 0)]);
    expect(core.justification).toHaveLength(3);
  });

  it("after a restart says the same again and keeps its lock", () => {
    const { record } = locked();
    const core = node(3);
    const again = core.start(JSON.parse(JSON.stringify(record)) as SafetyRecord);
    expect(sends(again)).toEqual([vote("prevote", 0, a, 3), vote("precommit", 0, a, 3)]);
    expect(sends(receive(core, vote("prevote", 0, undefined, 0)))).toEqual([]);
    core.handle({ kind: "timeout", step: "precommit", round: 0 });
    receive(core, proposal(1, b));
    expect(sends(check(core, b))).toEqual([vote("prevote", 1, undefined, 3)]);
    expect(() => node(3).start({ ...record, height: 9 })).toThrow(
      expect.objectContaining({ code: "wrong-safety-record" }),
    );
  });

  it("reports contradictions, and counts a liar's other vote once an honest one says the same", () => {
    const core = node(3);
    core.start();
    receive(core, proposal(0, a), vote("prevote", 0, b, 0));
    check(core, a);
    const early = receive(core, vote("prevote", 0, a, 0));
    expect(early).toEqual([
      { kind: "conflict", conflict: { first: vote("prevote", 0, b, 0), second: vote("prevote", 0, a, 0) } },
    ]);
    expect(sends(receive(core, vote("prevote", 0, a, 1)))).toEqual([]);
    expect(sends(receive(core, vote("prevote", 0, a, 0)))).toEqual([vote("precommit", 0, a, 3)]);
    expect(receive(core, proposal(0, b))[0]).toMatchObject({ kind: "conflict" });
  });

  it("ignores what is of another height, leader, node or far future", () => {
    const core = node(3);
    core.start();
    const ignored = [
      { ...vote("prevote", 0, a, 0), height: 9 },
      { ...proposal(0, a), sender: 2 },
      { ...proposal(0, { ...a, height: 9 }) },
      vote("prevote", 0, a, 4),
      vote("prevote", 11, a, 0),
      vote("prevote", -1, a, 0),
    ];
    expect(receive(core, ...ignored)).toEqual([]);
  });
});

describe("leaders", () => {
  it("rotate over all, but for those whose rounds decided nothing lately", () => {
    expect([0, 1, 2, 3].map((round) => leaderOf(4, 4, round, new Set()))).toEqual([0, 1, 2, 3]);
    const lost = lostTurnsAfter(4, [{ height: 4, round: 1 }], 1);
    expect(lost).toEqual(new Set([0]));
    expect([0, 1, 2].map((round) => leaderOf(4, 6, round, lost))).toEqual([1, 2, 3]);
    expect(lostTurnsAfter(7, [{ height: 7, round: 3 }], 2)).toEqual(new Set([2, 1]));
    expect(node(1, new Set([0])).leader(0)).toBe(2);
    expect([4, 5, 6, 7].map((round) => leaderOf(4, 4, round, lost))).toEqual([0, 1, 2, 3]);
  });
});

describe("quorums", () => {
  it("of any size share an honest node", () => {
    for (let size = 1; size <= 300; size++) {
      const { quorum, oneHonest } = quorumOf(size);
      expect(2 * quorum - size).toBeGreaterThanOrEqual(oneHonest);
      expect(size - (oneHonest - 1)).toBeGreaterThanOrEqual(quorum);
    }
    expect(quorumOf(21)).toEqual({ size: 21, quorum: 15, oneHonest: 7 });
  });
});
