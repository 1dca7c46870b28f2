import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

const source = (name: string): string => fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url));

describe("the EVM in a browser", () => {
  it("bundles without anything of Node and runs where there is no Node", async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: `
          import { executeTransaction } from ${JSON.stringify(source("execute-transaction"))};
          import { ExecutionContext, FramePool } from ${JSON.stringify(source("context"))};
          import { rulesOf } from ${JSON.stringify(source("rules"))};
          import { WorldState } from ${JSON.stringify(source("world-state"))};
          const from = new Uint8Array(20).fill(1);
          const empty = new Uint8Array(0);
          const state = new WorldState({ account: () => undefined, code: () => empty, storage: () => empty });
          state.setBalance(state.accountAt(from), 10n ** 18n);
          state.endTransaction();
          const block = { number: 1, timestamp: 1, gasLimit: 30000000n, baseFeePerGas: 0n, blobBaseFee: 1n,
            coinbase: new Uint8Array(20), prevRandao: new Uint8Array(32), blockHash: () => undefined };
          const rules = rulesOf({ hardfork: "osaka", chainId: 1n });
          const context = new ExecutionContext(state, rules, block, new FramePool());
          const result = executeTransaction(context, { type: 2, from, to: new Uint8Array(20).fill(2), nonce: 0n,
            gasLimit: 21000n, value: 1n, data: empty, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n, accessList: [] });
          globalThis.result = result.status + " " + result.gasUsed;`,
        resolveDir: fileURLToPath(new URL("..", import.meta.url)),
      },
      bundle: true,
      platform: "browser",
      format: "iife",
      write: false,
      logLevel: "silent",
    });
    const sandbox = createContext({ TextEncoder, TextDecoder });
    runInContext(outputFiles[0]?.text ?? "", sandbox);
    expect(sandbox["result"]).toBe("succeeded 21000");
  });
});
