import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { nameOf, openProcessDirectory } from "./process-directory.js";

it("removes what processes left that are no more, with our id too, and leaves those of the living", async () => {
  const parent = await mkdtemp(join(tmpdir(), "process-directory-"));
  const neighbour = spawn(process.execPath, ["-e", "process.stdin.resume()"], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  try {
    const living = nameOf(neighbour.pid ?? 0);
    const dead = nameOf(process.pid, "another boot/17");
    for (const name of [living, dead, "notes"]) {
      await mkdir(join(parent, name));
      await writeFile(join(parent, name, "circuit"), "weights");
    }
    const own = await openProcessDirectory(parent);
    expect((await readdir(parent)).sort()).toEqual([living, nameOf(process.pid), "notes"].sort());
    expect(await readdir(join(parent, living))).toEqual(["circuit"]);
    expect(await readdir(own)).toEqual([]);
    expect((await stat(own)).mode & 0o777).toBe(0o700);
    const ended = new Promise((resolve) => neighbour.once("exit", resolve));
    neighbour.kill("SIGKILL");
    await ended;
    expect(await openProcessDirectory(parent)).toBe(own);
    expect((await readdir(parent)).sort()).toEqual([nameOf(process.pid), "notes"].sort());
  } finally {
    neighbour.kill("SIGKILL");
    await rm(parent, { recursive: true, force: true });
  }
});
