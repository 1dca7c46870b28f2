import { describe, expect, it } from "vitest";
import { InstalledProgram } from "./program.js";

const shell = (signal = new AbortController().signal): InstalledProgram =>
  new InstalledProgram("sh", { PATH: process.env["PATH"] }, signal);
const script = (text: string): readonly string[] => ["-c", text];

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.alloc(65_536);
}

async function collected(pieces: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

describe("a program of the operator's", () => {
  it("is given its input and asked for all that it writes", async () => {
    expect(await shell().run(script("cat; printf end"), [Buffer.from("one "), Buffer.from("two ")])).toBe(
      "one two end",
    );
    expect(await collected(shell().output(script("printf a; printf b")))).toBe("ab");
  });

  it("that is not there is named", async () => {
    const missing = new InstalledProgram("kubectl", { PATH: "/nowhere" }, new AbortController().signal);
    await expect(missing.run(["get", "pods"])).rejects.toMatchObject({
      code: "kubectl-missing",
      message: expect.stringContaining("Install it"),
    });
    await expect(collected(missing.output([]))).rejects.toMatchObject({ code: "kubectl-missing" });
  });

  it("that fails is quoted, and the code of one of ours inside of a pod is its own", async () => {
    await expect(shell().run(script("echo 'no rights' >&2; exit 1"))).rejects.toMatchObject({
      code: "sh-failed",
      message: expect.stringContaining("no rights"),
    });
    const inPod = "echo 'disk-full: No room.' >&2; echo 'command terminated with exit code 1' >&2; exit 1";
    await expect(shell().run(script(inPod))).rejects.toMatchObject({
      code: "disk-full",
      message: "No room.",
    });
    await expect(collected(shell().output(script(`printf half; ${inPod}`)))).rejects.toMatchObject({
      code: "disk-full",
    });
  });

  it("that ends before it has read everything says why, and not that its input was closed", async () => {
    const run = shell().run(script("echo 'target-not-empty: Something is there.' >&2; exit 1"), endless());
    await expect(run).rejects.toMatchObject({ code: "target-not-empty" });
  });

  it("ends with whoever feeds it", async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from("x");
      throw new Error("the file was damaged");
    }
    await expect(shell().run(script("cat >/dev/null"), broken())).rejects.toThrow("the file was damaged");
  });

  it("ends when it is interrupted, and is not started afterwards", async () => {
    const abort = new AbortController();
    const running = shell(abort.signal).run(script("exec sleep 60"));
    abort.abort(new Error("interrupted"));
    await expect(running).rejects.toThrow("interrupted");
    await expect(shell(abort.signal).run(script("true"))).rejects.toThrow("interrupted");
  });

  it("is left running until it is stopped, once it has written a line", async () => {
    const { line, stop } = await shell().untilLine(script("echo ready; exec sleep 60"));
    expect(line).toBe("ready");
    await stop();
    await expect(shell().untilLine(script("echo why >&2; exit 1"))).rejects.toMatchObject({
      code: "sh-failed",
    });
  });
});
