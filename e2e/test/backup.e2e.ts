import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MainJob } from "@aios/main-job/main-job";
import { systemClock } from "@aios/service-kit/system-clock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DIGIT_LAYERS, publishRandomModel } from "../src/fault-flows.js";
import { LocalPlatform } from "../src/local-platform.js";
import { SilentReport } from "../src/silent-report.js";

const CLI = new URL("../../apps/cli/dist/src/main.js", import.meta.url).pathname;
const SLOW_MS = 600_000;

function aios(...argv: string[]): unknown {
  return JSON.parse(execFileSync(process.execPath, [CLI, ...argv, "--json"], { encoding: "utf8" }));
}

function mainJob(local: LocalPlatform): MainJob {
  const parties = { developer: local.client("developer"), business: local.client("business") };
  return new MainJob(parties, new SilentReport(), systemClock);
}

describe("a platform that was backed up and restored elsewhere", () => {
  const directory = mkdtempSync(join(tmpdir(), "aios-backup-"));
  const [file, passphraseFile] = [join(directory, "state.aios"), join(directory, "passphrase")];
  let original: LocalPlatform;
  let copy: LocalPlatform;

  beforeAll(async () => {
    writeFileSync(passphraseFile, "a passphrase of the tests\n", { mode: 0o600 });
    original = await LocalPlatform.start();
    await publishRandomModel({ local: original, clock: systemClock }, DIGIT_LAYERS);
    await mainJob(original)
      .run({ providers: 2, digitIndex: 3 })
      .catch((cause: unknown) => {
        throw new Error(`${(cause as Error).message}\n${original.logs()}`, { cause });
      });
    await original.halt();
    const copyDir = mkdtempSync(join(tmpdir(), "aios-e2e-copy-"));
    aios("backup", "--to", file, "--data-dir", original.dataDir, "--passphrase-file", passphraseFile);
    aios("restore", "--from", file, "--data-dir", copyDir, "--passphrase-file", passphraseFile);
    copy = await LocalPlatform.start({}, copyDir);
  }, SLOW_MS);

  afterAll(async () => {
    await copy?.stop();
    await original?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test(
    "sells a proven inference of the model that was published before, and its evidence holds",
    async () => {
      const result = await mainJob(copy).run({ providers: 2, digitIndex: 4 });
      expect(result.trainedAnew).toBe(false);
      expect(result.inference.job.state).toBe("settled");
      expect(result.verification.ok).toBe(true);
    },
    SLOW_MS,
  );

  test("is found sound by the doctor", () => {
    const { findings } = aios("doctor", "--url", copy.url) as {
      findings: { name: string; state: string; detail: string }[];
    };
    expect(findings.filter(({ state }) => state === "problem")).toEqual([]);
    expect(findings.map(({ name }) => name)).toContain("schema");
  });
});
