import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { INSTANCE_FILE, type LocalInstance } from "@aios/service-kit/local-instance";
import { processBirth } from "@aios/service-kit/process-birth";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InstanceFile } from "./instance.js";

const own = { pid: process.pid, startedAt: "2026-01-01T00:00:00.000Z" };
/** Alive as long as this test runs, and somebody else. */
const other: LocalInstance = {
  pid: process.ppid,
  birth: processBirth(process.ppid) as string,
  startedAt: "2026-01-02T00:00:00.000Z",
};
/** Above every limit of process ids: nobody. */
const gone = { pid: 2 ** 30, startedAt: "2026-01-03T00:00:00.000Z" };

describe("the instance file", () => {
  let dataDir: string;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "aios-instance-"));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it("is had by the first that claims it, from before it has started", () => {
    expect(new InstanceFile(dataDir).claim(other)).toBeUndefined();
    expect(new InstanceFile(dataDir).claim(own)).toEqual(other);
  });

  it("tells where the platform is once that is known", () => {
    const urls = { gateway: "http://127.0.0.1:1", jsonRpc: "http://127.0.0.1:2" };
    const ports = { gateway: 1, "json-rpc": 2 };
    const file = new InstanceFile(dataDir);
    file.claim(other);
    file.announce({ ...other, urls, ports });
    expect(new InstanceFile(dataDir).claim(own)).toEqual({ ...other, urls, ports });
  });

  it("of a process that is gone, or damaged, does not count", () => {
    new InstanceFile(dataDir).claim(gone);
    expect(new InstanceFile(dataDir).claim(own)).toBeUndefined();
    writeFileSync(join(dataDir, INSTANCE_FILE), "{");
    expect(new InstanceFile(dataDir).claim(own)).toBeUndefined();
  });

  it("of a process whose id has been given to another one since does not count", () => {
    new InstanceFile(dataDir).claim({ ...other, birth: "an earlier boot" });
    expect(new InstanceFile(dataDir).claim(own)).toBeUndefined();
  });

  it("is all that it leaves, and goes with its holder", () => {
    const file = new InstanceFile(dataDir);
    file.claim(own);
    expect(readdirSync(dataDir)).toEqual([INSTANCE_FILE]);
    file.release();
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it("of another one stays where a former holder goes", () => {
    const file = new InstanceFile(dataDir);
    file.claim(own);
    rmSync(join(dataDir, INSTANCE_FILE));
    new InstanceFile(dataDir).claim(other);
    file.release();
    expect(new InstanceFile(dataDir).claim(own)).toEqual(other);
  });
});
