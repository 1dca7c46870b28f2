import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

  it("tells no program what seals a backup", async () => {
    const directory = mkdtempSync(join(tmpdir(), "aios-options-"));
    try {
      writeFileSync(join(directory, "kubectl"), "#!/bin/sh\nenv\n", { mode: 0o755 });
      const env = {
        PATH: `${directory}:${process.env["PATH"]}`,
        AIOS_BACKUP_PASSPHRASE: "secret",
        KEPT: "kept",
      };
      const told = await onRelease({ ...input, output: { ...input.output, env } }, ({ kubectl }) =>
        kubectl.text(),
      );
      expect(told).toContain("KEPT=kept");
      expect(told).not.toContain("secret");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
