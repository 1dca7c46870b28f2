import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileCounter, compilePermitToken } from "../support/contracts.js";
import { findFoundry } from "../support/foundry.js";
import { permitArguments, permitDocument, permitMessage } from "../support/permit.js";
import { startTestChain, wallets } from "../support/test-chain.js";

const run = promisify(execFile);
const { bytecode } = compileCounter();
const [owner, delegating] = wallets;

const program = findFoundry("cast");

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

  it("signs a permit that is brought to the token (EIP-712)", async () => {
    const token = String((await send("--create", compilePermitToken().bytecode))["contractAddress"]);
    const message = permitMessage(owner?.address ?? "", delegating?.address ?? "", 55);
    const document = JSON.stringify(permitDocument(token, message));
    const signature = await cast(
      ...["wallet", "sign", "--data", "--private-key", owner?.privateKey ?? "", document],
    );
    const permit = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)";
    expect((await send(token, permit, ...permitArguments(message, signature)))["status"]).toBe("0x1");
    const allowance = "allowance(address,address)(uint256)";
    expect(await cast("call", token, allowance, message.owner, message.spender)).toBe("55");
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
