import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCli } from "../cli.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "aios-cli-node-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function node(...argv: string[]): Promise<{ code: number; text: string; errors: string }> {
  const out = { text: "", errors: "" };
  const code = await runCli(["node", ...argv], {
    env: {},
    write: (piece) => {
      out.text += piece;
    },
    writeError: (piece) => {
      out.errors += piece;
    },
  });
  return { code, ...out };
}

it("makes a node's keys once, for its owner alone", async () => {
  const home = join(directory, "home");
  const keys = JSON.parse((await node("init", home, "--json")).text) as {
    nodeKey: string;
    seat: { publicKey: string };
    operator: string;
  };
  expect(keys.nodeKey).toMatch(/^[0-9a-f]{64}$/);
  expect(keys.seat.publicKey).toMatch(/^0x[0-9a-f]{96}$/);
  expect(keys.operator).toMatch(/^0x[0-9a-f]{40}$/);
  for (const file of ["seat.key", "operator.key", "node.pem"])
    expect((await stat(join(home, file))).mode & 0o077).toBe(0);
  const again = await node("init", home);
  expect(again).toMatchObject({ code: 1, errors: expect.stringContaining("never overwritten") });
});

it("joins only a chain that it can read, by peers that it can name", async () => {
  const home = join(directory, "other");
  expect((await node("init", home, "follower")).text).not.toContain("publicKey");
  const genesis = join(directory, "genesis.json");
  await writeFile(genesis, "{}");
  const peer = `${"ab".repeat(32)}@127.0.0.1:1`;
  expect((await node("join", home, genesis, peer)).errors).toContain("genesis file is not valid");
  expect(await node("join", home, genesis, "nowhere")).toMatchObject({ code: 2 });
});

it("says that no node answers, and what it takes", async () => {
  expect((await node("status", "http://127.0.0.1:9")).errors).toContain("No node answers");
  expect(await node("dance")).toMatchObject({ code: 2 });
});

it("sends nothing for an operator whose node, deposit or key it does not know", async () => {
  const home = join(directory, "operated");
  await node("init", home);
  for (const what of ["rotate-key", "leave", "withdraw-rewards"]) {
    expect(await node(what)).toMatchObject({ code: 2 });
    expect((await node(what, home)).errors).toContain("--rpc");
    expect((await node(what, home, "--rpc", "http://127.0.0.1:9")).errors).toContain("No node answers");
  }
  const peer = `${"ab".repeat(32)}@127.0.0.1:1`;
  const joining = ["join", home, join(directory, "genesis.json"), peer, "--deposit", "1.5"];
  expect((await node(...joining)).errors).toContain("whole number of AIOS");
  const follower = join(directory, "follower");
  await node("init", follower, "follower");
  expect((await node("leave", follower, "--rpc", "http://127.0.0.1:9")).errors).toContain("operator.key");
});
