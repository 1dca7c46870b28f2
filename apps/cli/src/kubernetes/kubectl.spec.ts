import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { askPod } from "../doctor/kubernetes/ask-pod.js";
import { Kubectl } from "./kubectl.js";
import { InstalledProgram } from "./program.js";

const SCOPE = { context: undefined, namespace: "aios" };

const kubectlIn = (path: string): Kubectl =>
  new Kubectl(new InstalledProgram("kubectl", { PATH: path }, new AbortController().signal), SCOPE);

/** A kubectl that does what this script does. */
function kubectlOf(text: string): Kubectl {
  const folder = mkdtempSync(join(tmpdir(), "aios-kubectl-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "kubectl");
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return kubectlIn(`${folder}:${process.env["PATH"]}`);
}

/** A pod's health port, and a kubectl that says it forwards a port there. */
async function podThatAnswers(
  answers: Readonly<Record<string, readonly [number, object]>>,
): Promise<Kubectl> {
  const server = createServer(({ url = "" }, response) => {
    const [status, body] = answers[url] ?? [404, {}];
    response.writeHead(status).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return kubectlOf(`echo "Forwarding from 127.0.0.1:${port} -> 9090"; exec sleep 60`);
}

const CHECKS = [{ name: "database", ok: true, durationMs: 1 }];

describe("kubectl", () => {
  it("is asked in the namespace that was named", async () => {
    const said = await kubectlOf('echo "[\\"$*\\"]"').get("pods");
    expect(said).toEqual(["--namespace aios get pods --output=json --request-timeout=30s"]);
  });

  it("is said to be missing where it is", async () => {
    const failure = kubectlIn("/nowhere").get("pods");
    await expect(failure).rejects.toMatchObject({ code: "kubectl-missing" });
  });

  it("refuses in its own words", async () => {
    const kubectl = kubectlOf('echo "Error: forbidden" >&2; exit 1');
    await expect(kubectl.get("pods")).rejects.toMatchObject({
      code: "kubectl-failed",
      message: expect.stringContaining("Error: forbidden"),
    });
  });

  it.each([
    ["no JSON", "warning: old"],
    ["no list", '{"kind":"Status"}'],
    ["a list of something else", '{"items":[{"kind":"Pod"}]}'],
  ])("that answers %s is an error with a code", async (_what, answer) => {
    await expect(kubectlOf(`echo '${answer}'`).list("pods")).rejects.toMatchObject({
      code: "kubectl-answer-unexpected",
    });
  });

  it("that forwards no port that can be read is an error with a code", async () => {
    for (const script of ["echo 'Handling connection'; exec sleep 60", "true"])
      await expect(kubectlOf(script).forwarded("service/x", 1, async () => 1)).rejects.toMatchObject({
        code: "kubectl-answer-unexpected",
      });
  });

  it("says the namespace of its context where none is named", async () => {
    expect(await kubectlOf("exit 1").namespace()).toBe("aios");
    const program = { run: async () => "team-a\n" } as unknown as InstalledProgram;
    const target = { namespace: undefined, context: undefined };
    expect(await new Kubectl(program, target).namespace()).toBe("team-a");
  });

  it("asks a pod for itself, and compares its clock", async () => {
    const facts = {
      version: "1.2.3",
      instanceId: "i",
      startedAtMs: 1,
      nowMs: Date.now() + 60_000,
      checks: CHECKS,
    };
    const kubectl = await podThatAnswers({ "/health": [200, { checks: CHECKS }], "/process": [200, facts] });
    const answer = await askPod(kubectl, "economy-0", 9_090);
    expect(answer).toMatchObject({ name: "economy-0", state: "ready", version: "1.2.3", schema: null });
    expect(Math.abs((answer.clockOffsetMs ?? 0) - 60_000)).toBeLessThan(30_000);
  });

  it("takes the checks of a pod that tells no more", async () => {
    const checks = [{ name: "chain", ok: false, problem: "gone", durationMs: 1 }];
    const kubectl = await podThatAnswers({ "/health": [503, { checks }] });
    expect(await askPod(kubectl, "provider-0", 9_090)).toMatchObject({ state: "not-ready", version: null });
  });

  it("says why a pod is silent", async () => {
    const kubectl = kubectlOf('echo "error: pods \\"x\\" not found" >&2; exit 1');
    expect(await askPod(kubectl, "x", 9_090)).toMatchObject({
      state: "silent",
      problem: expect.stringContaining('error: pods "x" not found'),
    });
  });
});
