import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { LmdbHonorLog } from "@aios/consensus/adapters/lmdb/lmdb-honor-log";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { expect, it } from "vitest";
import { honorLogConformance } from "../conformance/honor-log.conformance.js";

const SCRIPT = fileURLToPath(new URL("../../dist/test/support/honor-log-writer.js", import.meta.url));

honorLogConformance("LmdbHonorLog", async () => {
  const directory = temporaryDirectory("honor-log");
  return {
    open: (options) => new LmdbHonorLog(directory.path, "test", options),
    async writeUntilKilled(from, count) {
      const child = spawn(process.execPath, [SCRIPT, directory.path, String(from)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let last = from - 1;
      for await (const line of createInterface(child.stdout)) {
        last = Number(line);
        if (last === from + count) child.kill("SIGKILL");
      }
      if (child.signalCode === null) await once(child, "exit");
      return last;
    },
    close: async () => directory.remove(),
  };
});

it("an honor node's log belongs to one chain", async () => {
  const directory = temporaryDirectory("honor-log");
  await new LmdbHonorLog(directory.path, "one").close();
  expect(() => new LmdbHonorLog(directory.path, "other")).toThrow(
    expect.objectContaining({ code: "genesis-mismatch" }),
  );
  directory.remove();
});
