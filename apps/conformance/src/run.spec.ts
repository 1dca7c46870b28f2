import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const main = fileURLToPath(new URL("../dist/src/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "aios-conformance-"));
afterAll(() => rmSync(folder, { recursive: true }));

function conformance(...args: string[]): { code: number | null; lines: string[]; errors: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    timeout: 20_000,
  });
  return { code: status, lines: stdout.trimEnd().split("\n"), errors: stderr };
}

function vectors(name: string, content: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
  return path;
}

describe("the conformance command", () => {
  it("passes a folder of right vectors, and leaves files of other formats alone", () => {
    vectors("right/a.json", JSON.stringify({ dog: { in: "dog", out: "0x83646f67" } }));
    vectors(
      "right/b/c.json",
      JSON.stringify({ cut: { in: "INVALID", out: "0x83" }, zero: { in: 0, out: "80" } }),
    );
    vectors("right/other.json", JSON.stringify({ x: { in: {}, root: "0x" } }));
    for (let i = 0; i < 5; i++) vectors(`right/${i}.json`, JSON.stringify({ one: { in: 1, out: "01" } }));
    vectors("right/README.md", "not a vector");
    const { code, lines } = conformance("rlp", join(folder, "right"));
    expect(lines).toEqual(["8 passed, 0 failed, 0 skipped"]);
    expect(code).toBe(0);
  });

  it("prints the first difference of a failure and ends with 1", () => {
    vectors("wrong/a.json", JSON.stringify({ dog: { in: "cat", out: "0x83646f67" } }));
    const { code, lines } = conformance("rlp", join(folder, "wrong"));
    expect(lines.slice(0, 2)).toEqual(["FAILED: a.json dog", "  encoded 0x83636174, expected 0x83646f67"]);
    expect(lines.at(-1)).toBe("0 passed, 1 failed, 0 skipped");
    expect(code).toBe(1);
  });

  it("fails a file that cannot be read, and goes on", () => {
    vectors("broken/a.json", "{");
    vectors("broken/b.json", JSON.stringify({ dog: { in: "dog", out: "0x83646f67" } }));
    const { code, lines } = conformance("rlp", join(folder, "broken"));
    expect(lines[0]).toBe("FAILED: a.json (file)");
    expect(lines.at(-1)).toBe("1 passed, 1 failed, 0 skipped");
    expect(code).toBe(1);
  });

  it("does not pass when nothing ran", () => {
    mkdirSync(join(folder, "empty"));
    expect(conformance("rlp", join(folder, "empty"))).toMatchObject({
      code: 1,
      lines: ["0 passed, 0 failed, 0 skipped"],
    });
  });

  it("refuses an unknown suite, a missing path and too few arguments, and names the suites", () => {
    for (const args of [
      ["nothing", folder],
      ["rlp", join(folder, "missing")],
      ["rlp"],
      [],
      ["toString", folder],
    ]) {
      const { code, errors } = conformance(...args);
      expect(code).toBe(2);
      expect(errors).toContain("usage: npm run conformance -- <suite> <file or folder>");
      expect(errors).toContain("\n  rlp ");
    }
  });
});
