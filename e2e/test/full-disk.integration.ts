import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { requireFreeSpace } from "@aios/launcher/free-space";
import { canMountDisks, SmallDisk } from "@aios/testkit/small-disk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const MAIN = fileURLToPath(new URL("../../apps/launcher/dist/src/main.js", import.meta.url));
const DISK_BYTES = 64 * 1024 ** 2;
const NEEDED_BYTES = 32 * 1024 ** 2;

/** Needs a file system of its own: runs as root on Linux. */
describe.skipIf(!canMountDisks())("a start on a disk that is too full", () => {
  let disk: SmallDisk;
  beforeEach(() => {
    disk = SmallDisk.mount(DISK_BYTES);
  });
  afterEach(() => disk?.unmount());

  it("ends at once with what is missing and what to do, and leaves nothing behind", () => {
    const args = [MAIN, "start", "--data-dir", `${disk.path}/data`];
    const started = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8", timeout: 60_000 });
    expect(started.status).toBe(1);
    expect(started.stderr).toMatch(
      /aios: The disk that holds .*data has \d+ MiB free; AiOS needs 512 MiB\. Free some space, choose another --data-dir/,
    );
    expect(readdirSync(`${disk.path}/data`)).toEqual([]);
  });

  it("says so too where not even the directory can be made, and goes on when there is space", () => {
    const place = `${disk.path}/data`;
    requireFreeSpace(place, NEEDED_BYTES);
    disk.fill();
    expect(() => requireFreeSpace(place, NEEDED_BYTES)).toThrowError(
      expect.objectContaining({ code: "disk-full" }),
    );
    disk.free();
    requireFreeSpace(place, NEEDED_BYTES);
  });
});
