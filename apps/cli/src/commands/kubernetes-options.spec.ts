import { describe, expect, it } from "vitest";
import { onRelease } from "./kubernetes-options.js";

const input = {
  options: {},
  json: false,
  output: { env: {}, write: () => undefined, writeError: () => undefined },
} as unknown as Parameters<typeof onRelease>[0];

describe("what works on a release", () => {
  it.each(["SIGHUP", "SIGPIPE"] as const)("is not ended by %s, but goes no further", async (signal) => {
    const before = process.listenerCount(signal);
    await onRelease(input, async ({ kubectl }) => {
      process.emit(signal, signal);
      await expect(kubectl.text("version")).rejects.toMatchObject({ code: "interrupted" });
    });
    expect(process.listenerCount(signal)).toBe(before);
  });
});
