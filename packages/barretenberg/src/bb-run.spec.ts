import { describe, expect, it } from "vitest";
import { runBb } from "./bb-run.js";

/** A shell in the place of the program. */
const run = (script: string, signal?: AbortSignal) =>
  runBb({ program: "/bin/sh", args: ["-c", script], threads: 1, signal });

describe("a run of the native prover", () => {
  it("answers what it wrote", async () => {
    expect(await run("cat && echo done")).toBe("done");
  });

  it.each([
    ["the system ends it", "kill -KILL $$"],
    ["an allocation fails", "echo 'terminate called: std::bad_alloc' >&2; kill -ABRT $$"],
  ])("is out of memory where %s", async (_, script) => {
    await expect(run(script)).rejects.toMatchObject({ code: "prover-out-of-memory", kind: "unavailable" });
  });

  it.each([
    ["says what is wrong", "echo 'no such circuit' >&2; exit 3", "no such circuit"],
    ["ends without a word", "exit 4", "exit code 4"],
    ["is ended by somebody", "kill -TERM $$", "SIGTERM"],
  ])("has ended where it %s", async (_, script, reason) => {
    await expect(run(script)).rejects.toMatchObject({
      code: "prover-ended",
      details: { reason: expect.stringContaining(reason) as string },
    });
  });

  it("is ended by its signal, whose reason it gives", async () => {
    const giveUp = new AbortController();
    const ended = run("sleep 60", giveUp.signal);
    giveUp.abort(new Error("nobody waits"));
    await expect(ended).rejects.toThrow("nobody waits");
  });
});
