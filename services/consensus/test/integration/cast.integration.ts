import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileCounter } from "../support/contracts.js";
import { startTestChain, wallets } from "../support/test-chain.js";

const run = promisify(execFile);
const { bytecode } = compileCounter();
const [owner, delegating] = wallets;

/** The program of Foundry, where npm has it for the platform. */
function findCast(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve("@foundry-rs/cast-linux-amd64/package.json");
    const path = join(dirname(manifest), "bin", "cast");
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

const program = findCast();

describe.skipIf(program === undefined)("Foundry's cast as a client", () => {
  let chain: Awaited<ReturnType<typeof startTestChain>>;
  let counter: string;
  const cast = async (...args: readonly string[]): Promise<string> => {
    const options = { env: { ...process.env, ETH_RPC_URL: chain.node.url }, timeout: 60_000 };
    const { stdout } = await run(program ?? "cast", args, options);
    return stdout.trim();
  };
  const send = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
    JSON.parse(await cast("send", "--json", "--private-key", owner?.privateKey ?? "", ...args)) as Record<
      string,
      unknown
    >;

  beforeAll(async () => {
    chain = await startTestChain();
    counter = String((await send("--create", bytecode))["contractAddress"]);
  });

  afterAll(async () => {
    expect(chain.problems).toEqual([]);
    await chain[Symbol.asyncDispose]();
  });

  it("writes, calls, and reads the event back", async () => {
    const receipt = await send(counter, "add(uint256,string)", "7", "hi");
    expect(receipt["status"]).toBe("0x1");
    expect(await cast("call", counter, "count()(uint256)")).toBe("7");
    const logs = JSON.parse(
      await cast(
        "logs",
        "--json",
        "--from-block",
        "0",
        "--address",
        counter,
        "Counted(address,uint256,string)",
      ),
    ) as readonly { readonly transactionHash: string }[];
    expect(logs.map((log) => log.transactionHash)).toEqual([receipt["transactionHash"]]);
    const trace = await cast("rpc", "debug_traceTransaction", String(receipt["transactionHash"]));
    expect(JSON.parse(trace)).toMatchObject({ failed: false, structLogs: expect.any(Array) });
  });

  it("shows the reason of a revert", async () => {
    await expect(cast("call", counter, "add(uint256,string)", "13", "x")).rejects.toMatchObject({
      stderr: expect.stringContaining("unlucky"),
    });
  });

  it("delegates an account to a contract (EIP-7702)", async () => {
    const address = delegating?.address ?? "";
    const auth = await cast("wallet", "sign-auth", counter, "--private-key", delegating?.privateKey ?? "");
    expect((await send(address, "add(uint256,string)", "5", "delegated", "--auth", auth))["status"]).toBe(
      "0x1",
    );
    expect((await cast("code", address)).slice(0, 8)).toBe("0xef0100");
    expect(await cast("call", address, "count()(uint256)")).toBe("5");
  });
});
