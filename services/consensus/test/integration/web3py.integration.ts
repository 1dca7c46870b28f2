import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileCounter, compilePermitToken } from "../support/contracts.js";
import { permitDocument, permitMessage } from "../support/permit.js";
import { startTestChain, wallets } from "../support/test-chain.js";

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL("../support/web3py-client.py", import.meta.url));
/** A Python that has web3.py (`pip install web3`). */
const PYTHON = process.env["WEB3_PYTHON"] ?? "python3";
const [sender, owner, spender] = wallets;

function hasWeb3(): boolean {
  try {
    execFileSync(PYTHON, ["-c", "import web3"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasWeb3())("web3.py as a client", () => {
  let chain: Awaited<ReturnType<typeof startTestChain>>;
  let directory: string;

  beforeAll(async () => {
    chain = await startTestChain();
    directory = await mkdtemp(join(tmpdir(), "aios-web3py-"));
  });

  afterAll(async () => {
    expect(chain.problems).toEqual([]);
    await chain[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  it("deploys, calls, reads events and reasons, brings a permit, delegates and traces", {
    timeout: 120_000,
  }, async () => {
    const contracts = join(directory, "contracts.json");
    const permit = permitDocument("TOKEN", permitMessage(owner?.address ?? "", spender?.address ?? "", 21));
    await writeFile(
      contracts,
      JSON.stringify({ Counter: compileCounter(), PermitToken: compilePermitToken(), permit }),
    );
    const keys = [sender?.privateKey ?? "", owner?.privateKey ?? ""];
    const { stdout } = await run(PYTHON, [SCRIPT, chain.node.url, ...keys, contracts]);
    expect(JSON.parse(stdout)).toEqual({
      count: 7,
      notes: ["python"],
      found: true,
      reason: "execution reverted: unlucky",
      custom: expect.stringMatching(/^custom 0x[0-9a-f]{8}$/),
      allowance: 21,
      code: "0xef0100",
      delegatedCount: 5,
      trace: "CALL",
    });
  });
});
