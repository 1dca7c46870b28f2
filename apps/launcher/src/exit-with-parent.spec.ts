import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";

const EXIT_WITH_PARENT = new URL("../dist/src/exit-with-parent.js", import.meta.url).href;

/** A process of the platform whose launcher goes away as soon as the script has said that it runs. */
async function orphaned(script: string): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const child = spawn(
    process.execPath,
    ["--import", EXIT_WITH_PARENT, "--input-type=module", "--eval", `${script}; console.log("runs");`],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  const ended = once(child, "exit");
  child.stdin.destroy();
  child.stdout.destroy();
  const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  return { code, signal };
}

describe("a process whose launcher is gone", () => {
  it("is asked to drain", async () => {
    const script = `setInterval(() => {}, 1e6); process.on("SIGTERM", () => process.exit(7))`;
    expect(await orphaned(script)).toEqual({ code: 7, signal: null });
  });

  it("ends even when the drain blocks its main thread for ever", async () => {
    const script = `setInterval(() => {}, 1e6); process.on("SIGTERM", () => { for (;;); })`;
    expect(await orphaned(script)).toEqual({ code: null, signal: "SIGKILL" });
  });
});
