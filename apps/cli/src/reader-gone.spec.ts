import { EventEmitter } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { endWithReader } from "./reader-gone.js";

function program() {
  const output = new EventEmitter();
  const signals = new EventEmitter();
  const exit = vi.fn<() => never>();
  endWithReader(output, { emit: signals.emit.bind(signals) as NodeJS.Process["emit"], exit });
  return {
    signals,
    exit,
    fail: (code: string) => output.emit("error", Object.assign(new Error(code), { code })),
  };
}

describe("an output that nobody reads any more", () => {
  it.each(["EPIPE", "EIO"])("ends the program (%s)", (code) => {
    const { fail, exit } = program();
    fail(code);
    expect(exit).toHaveBeenCalledOnce();
  });

  it("ends no command that has to put things in order first, and tells it", () => {
    const { fail, exit, signals } = program();
    const told = vi.fn();
    signals.on("SIGPIPE", told);
    fail("EPIPE");
    expect(told).toHaveBeenCalledOnce();
    expect(exit).not.toHaveBeenCalled();
  });

  it("is not what every error means", () => {
    expect(() => program().fail("ENOSPC")).toThrow("ENOSPC");
  });
});
