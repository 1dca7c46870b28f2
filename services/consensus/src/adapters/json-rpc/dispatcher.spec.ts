import { describe, expect, it } from "vitest";
import { RpcDispatcher, type RpcLimits } from "./dispatcher.js";
import type { RpcMethods } from "./method.js";
import { RPC } from "./rpc-error.js";

const LIMITS: RpcLimits = {
  maxBodyBytes: 1_000_000,
  maxBatch: 1_000,
  maxResponseBytes: 5_000,
  maxConnections: 1,
  maxSubscriptionsPerConnection: 1,
  maxBufferedBytes: 1,
};
const REQUESTS = 200;

function dispatcherOf(methods: RpcMethods, now = () => 0): RpcDispatcher {
  return new RpcDispatcher(methods, LIMITS, { called: () => {}, internalError: () => {} }, now);
}

async function batch(dispatcher: RpcDispatcher, method: string) {
  const requests = Array.from({ length: REQUESTS }, (_, id) => ({ jsonrpc: "2.0", id, method }));
  return JSON.parse((await dispatcher.handle(JSON.stringify(requests))) ?? "null") as {
    readonly id: number;
    readonly error?: { readonly code: number };
  }[];
}

describe("a batch", () => {
  it("runs no further request once its answers fill the response", async () => {
    let runs = 0;
    const answers = await batch(
      dispatcherOf({
        long: async () => {
          runs++;
          return "x".repeat(1_000);
        },
      }),
      "long",
    );
    expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: REQUESTS }, (_, id) => id));
    const refused = answers.filter(({ error }) => error?.code === RPC.limitExceeded);
    expect(refused.length).toBeGreaterThanOrEqual(REQUESTS - 5);
    expect(runs).toBeLessThan(30);
  });

  it("lets others have the thread in between", async () => {
    let clock = 0;
    let [running, turns] = [true, 0];
    const dispatcher = dispatcherOf({ slow: async () => (clock += 5) }, () => clock);
    const others = (): void => {
      turns++;
      if (running) setImmediate(others);
    };
    setImmediate(others);
    await batch(dispatcher, "slow");
    running = false;
    expect(turns).toBeGreaterThan(1);
  });
});
