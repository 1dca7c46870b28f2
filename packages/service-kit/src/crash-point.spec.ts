import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "aios-crash-"));
afterAll(() => rmSync(directory, { recursive: true }));

const compiled = pathToFileURL(fileURLToPath(new URL("../dist/src/crash-point.js", import.meta.url))).href;
const script = `
  const { crashPoint } = await import(${JSON.stringify(compiled)});
  crashPoint("a.before"); process.stdout.write("1");
  crashPoint("a.after"); process.stdout.write("2");`;

function run(crashAt: string | undefined): { readonly signal: string | null; readonly output: string } {
  const result = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], ...(crashAt === undefined ? {} : { AIOS_CRASH_AT: crashAt }) },
  });
  return { signal: result.signal, output: result.stdout };
}

describe("crashPoint", () => {
  it("does nothing unless armed by name", () => {
    expect(run(undefined)).toEqual({ signal: null, output: "12" });
    expect(run("b.before,a.aft")).toEqual({ signal: null, output: "12" });
  });

  it("kills exactly there, every time", () => {
    expect(run("a.before")).toEqual({ signal: "SIGKILL", output: "" });
    expect(run("x,a.after")).toEqual({ signal: "SIGKILL", output: "1" });
    expect(run("a.after")).toEqual({ signal: "SIGKILL", output: "1" });
  });

  it("kills once when it has a marker file", () => {
    const marker = join(directory, "deep", "marker");
    expect(run(`a.after=${marker}`).signal).toBe("SIGKILL");
    expect(readFileSync(marker, "utf8")).toMatch(/^a\.after \d+\n$/);
    expect(run(`a.after=${marker}`)).toEqual({ signal: null, output: "12" });
    expect(existsSync(marker)).toBe(true);
  });

  it("notes in an empty marker that it was passed, and kills once the marker is removed", () => {
    const marker = join(directory, "empty");
    writeFileSync(marker, "");
    expect(run(`a.after=${marker}`)).toEqual({ signal: null, output: "12" });
    expect(readFileSync(marker, "utf8")).toBe("a.after passed\n");
    rmSync(marker);
    expect(run(`a.after=${marker}`)).toEqual({ signal: "SIGKILL", output: "1" });
  });
});
