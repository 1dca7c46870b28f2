import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Kubectl } from "./kubectl.js";

const SCOPE = { context: undefined, namespace: "aios" };

/** A program of that text in the place of kubectl. */
function program(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "aios-kubectl-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "kubectl");
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
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
  return new Kubectl(SCOPE, program(`echo "Forwarding from 127.0.0.1:${port} -> 9090"; exec sleep 60`));
}

const CHECKS = [{ name: "database", ok: true, durationMs: 1 }];

describe("kubectl", () => {
  it("is asked in the namespace that was named", async () => {
    const said = await new Kubectl(SCOPE, program('echo "[\\"$*\\"]"')).get("pods");
    expect(said).toEqual(["--namespace=aios get pods --output=json"]);
  });

  it("is said to be missing where it is", async () => {
    const failure = new Kubectl(SCOPE, "/nowhere/kubectl").get("pods");
    await expect(failure).rejects.toMatchObject({ code: "kubectl-missing" });
  });

  it("refuses with its own last sentence", async () => {
    const kubectl = new Kubectl(SCOPE, program('echo "Error: forbidden" >&2; exit 1'));
    await expect(kubectl.get("pods")).rejects.toMatchObject({
      code: "kubectl-refused",
      message: "Error: forbidden",
    });
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
    const answer = await kubectl.ask("economy-0", 9_090);
    expect(answer).toMatchObject({ name: "economy-0", state: "ready", version: "1.2.3", schema: null });
    expect(Math.abs((answer.clockOffsetMs ?? 0) - 60_000)).toBeLessThan(30_000);
  });

  it("takes the checks of a pod that tells no more", async () => {
    const checks = [{ name: "chain", ok: false, problem: "gone", durationMs: 1 }];
    const kubectl = await podThatAnswers({ "/health": [503, { checks }] });
    expect(await kubectl.ask("provider-0", 9_090)).toMatchObject({ state: "not-ready", version: null });
  });

  it("says why a pod is silent", async () => {
    const kubectl = new Kubectl(SCOPE, program('echo "error: pods \\"x\\" not found" >&2; exit 1'));
    expect(await kubectl.ask("x", 9_090)).toMatchObject({
      state: "silent",
      problem: 'error: pods "x" not found',
    });
  });
});
