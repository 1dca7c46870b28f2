import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PullRequests } from "./pull-requests.js";

const LIMITS = { timeoutMs: 100, maxRequests: 8, maxOfPeer: 3 };
const PEERS = ["a", "b", "c", "d", "e"];
const asked = (asks: ReadonlyMap<string, string[]>): string[] =>
  [...asks].flatMap(([peer, names]) => names.map((name) => `${name} of ${peer}`));

describe("what is announced", () => {
  it("is asked of one peer, and of the next that has it when the answer is late", () => {
    const requests = new PullRequests(LIMITS);
    for (const peer of ["a", "b"]) requests.offer("x", peer);
    expect(asked(requests.due(0, PEERS).asks)).toEqual(["x of a"]);
    expect(asked(requests.due(99, PEERS).asks)).toEqual([]);
    const { asks, late } = requests.due(100, PEERS);
    expect([asked(asks), [...late]]).toEqual([["x of b"], ["a"]]);
    // Nobody else said that it has it.
    expect([...requests.due(200, PEERS).late]).toEqual(["b"]);
    expect(requests.size).toBe(0);
  });

  it("is not asked for again once it is there", () => {
    const requests = new PullRequests(LIMITS);
    for (const peer of ["a", "b"]) requests.offer("x", peer);
    requests.due(0, PEERS);
    requests.done("x");
    expect(asked(requests.due(1_000, PEERS).asks)).toEqual([]);
  });
});

describe("what something builds on", () => {
  it("is asked of twice as many peers each time that none answers, until all were, and from the beginning", () => {
    const requests = new PullRequests(LIMITS);
    requests.need("x", "c", 0);
    const turns = [0, 100, 200, 300].map((nowMs) => asked(requests.due(nowMs, PEERS).asks));
    expect(turns.map(({ length }) => length)).toEqual([1, 2, 2, 5]);
    expect(turns[0]).toEqual(["x of c"]);
    expect(new Set(turns.slice(0, 3).flat()).size).toBe(5);
  });

  it("is given up when nobody says any more that it is needed", () => {
    const requests = new PullRequests(LIMITS);
    requests.need("x", undefined, 0);
    expect(requests.isNeeded("x")).toBe(true);
    for (let nowMs = 0; nowMs <= 1_000; nowMs += 100) requests.due(nowMs, PEERS);
    expect([requests.size, requests.isNeeded("x")]).toEqual([0, false]);
  });
});

describe("requests", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("offer" as const), name: fc.nat(20), peer: fc.nat(4) }),
    fc.record({ do: fc.constant("need" as const), name: fc.nat(20), peer: fc.nat(4) }),
    fc.record({ do: fc.constant("done" as const), name: fc.nat(20), peer: fc.nat(4) }),
    fc.record({ do: fc.constant("first" as const), name: fc.nat(20), peer: fc.nat(4) }),
    fc.record({ do: fc.constant("wait" as const), name: fc.nat(150), peer: fc.nat(4) }),
  );

  it("are bounded in number and for each peer, whatever is announced and needed", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const requests = new PullRequests(LIMITS);
        /** What each peer was asked for and may still answer. */
        const owed = new Map<string, number>();
        let nowMs = 0;
        for (const { do: what, name, peer } of steps) {
          const by = PEERS[peer] as string;
          if (what === "offer") requests.offer(`${name}`, by);
          else if (what === "need") requests.need(`${name}`, by, nowMs);
          else if (what === "done") {
            requests.done(`${name}`);
            for (const one of PEERS) owed.delete(`${name} of ${one}`);
          } else if (what === "first") requests.needFirst(`${name}`, nowMs);
          else nowMs += name;
          for (const [asked, names] of requests.due(nowMs, PEERS).asks)
            for (const name of names) owed.set(`${name} of ${asked}`, nowMs + LIMITS.timeoutMs);
          for (const peer of PEERS) {
            const open = [...owed].filter(([key, untilMs]) => key.endsWith(peer) && untilMs > nowMs);
            expect(open.length).toBeLessThanOrEqual(LIMITS.maxOfPeer);
          }
          expect(requests.size).toBeLessThanOrEqual(LIMITS.maxRequests);
        }
      }),
    );
  });

  it("of a peer are no more than it may owe, and what it offers crowds out nobody's", () => {
    const requests = new PullRequests(LIMITS);
    const isNews = Array.from({ length: 20 }, (_, name) => requests.offer(`${name}`, "a"));
    expect(isNews.filter(Boolean)).toHaveLength(LIMITS.maxOfPeer);
    expect(requests.offer("b's", "b")).toBe(true);
    const { asks } = requests.due(0, PEERS);
    expect([asks.get("a"), asks.get("b")]).toEqual([["0", "1", "2"], ["b's"]]);
    requests.done("0");
    expect(requests.offer("later", "a")).toBe(true);
    expect(asked(requests.due(1, PEERS).asks)).toEqual(["later of a"]);
  });

  it("look at no peer for each name again while all of them owe what they may", () => {
    const requests = new PullRequests({ ...LIMITS, maxRequests: 100 });
    for (let name = 0; name < 100; name++) requests.need(`${name}`, undefined, 0);
    requests.due(0, PEERS);
    let looks = 0;
    const watched = new Proxy(PEERS, {
      get: (peers, key) => {
        if (typeof key === "string" && /^\d+$/.test(key)) looks += 1;
        return Reflect.get(peers, key);
      },
    });
    expect(requests.due(1, watched).asks.size).toBe(0);
    expect(looks).toBe(PEERS.length);
  });

  it("for what is needed find room, also where peers offered all that may be remembered", () => {
    const requests = new PullRequests(LIMITS);
    for (const peer of PEERS) for (let name = 0; name < 3; name++) requests.offer(`${peer}${name}`, peer);
    expect(requests.size).toBe(LIMITS.maxRequests);
    requests.need("parent", "e", 0);
    expect([requests.size, requests.isNeeded("parent")]).toEqual([LIMITS.maxRequests, true]);
  });

  it("that one peer causes keep nobody else's waiting, and what is decided goes before all", () => {
    const requests = new PullRequests({ timeoutMs: 100, maxRequests: 1_000, maxOfPeer: 10 });
    for (let name = 0; name < 2_000; name++) requests.need(`a${name}`, "a", 0);
    expect(requests.size).toBe(1_000);
    requests.due(0, PEERS);
    for (let name = 0; name < 20; name++) requests.need(`b${name}`, "b", 1);
    requests.needFirst("tip", 1);
    expect(requests.size).toBe(1_000);
    const asks = new Set([...requests.due(100, PEERS).asks.values()].flat());
    expect(asks.has("tip")).toBe(true);
    expect([...asks].filter((name) => name.startsWith("b")).length).toBeGreaterThanOrEqual(20);
    // Also what another one named before.
    requests.needFirst("a999", 101);
    expect([...requests.due(200, PEERS).asks.values()].flat()).toContain("a999");
  });

  it("are not gone through again to find the few that can be asked for", () => {
    let looks = 0;
    const limits = {
      timeoutMs: 100,
      maxRequests: 10_000,
      get maxOfPeer() {
        looks += 1;
        return 1_000;
      },
    };
    const requests = new PullRequests(limits);
    for (let name = 0; name < 5_000; name++) requests.need(`${name}`, "a", 0);
    requests.due(0, ["a"]);
    looks = 0;
    expect(requests.due(1, ["a"]).asks.size).toBe(0);
    expect(looks).toBeLessThan(10);
  });
});
