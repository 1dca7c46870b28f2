import { address } from "@aios/kernel/identifiers";
import { describe, expect, it } from "vitest";
import { JsonRpcNode } from "./json-rpc.node.js";
import { JsonRpcClient, JsonRpcError } from "./json-rpc-client.js";

/** A node that answers every request with one error. */
class RefusingClient extends JsonRpcClient {
  constructor(private readonly error: JsonRpcError) {
    super("http://127.0.0.1:1", 1);
  }

  override request(): Promise<never> {
    return Promise.reject(this.error);
  }
}

/** A node on which calls succeed but for those at the given blocks. */
class BlockwiseClient extends JsonRpcClient {
  constructor(private readonly errors: ReadonlyMap<string, JsonRpcError>) {
    super("http://127.0.0.1:1", 1);
  }

  override async request(_method: string, [, block]: readonly unknown[] = []): Promise<unknown> {
    const error = this.errors.get(String(block));
    if (error !== undefined) throw error;
    return "0x";
  }
}

const ACCOUNT = address(`0x${"aa".repeat(20)}`);
const CALL = { from: ACCOUNT, to: ACCOUNT, data: new Uint8Array(0), valueWei: 0n };

describe("an error that the node answers to a call", () => {
  it.each([
    ["a halt", -32_000, "out of gas", { code: "execution-halted" }, "execution-halted"],
    ["a revert", 3, "execution reverted", "0x", "reverted"],
    ["missing gas funds", -32_000, "insufficient funds for gas", undefined, "insufficient-gas-funds"],
    ["a full queue", -32_005, "too many calls", undefined, "chain-unavailable"],
    ["an internal error", -32_603, "internal error", undefined, "chain-unavailable"],
    ["anything else", -32_602, "invalid params", undefined, "call-refused"],
  ])("says of %s what it is", async (_what, code, message, data, expected) => {
    const node = new JsonRpcNode(new RefusingClient(new JsonRpcError(code, message, data)));
    await expect(node.estimateGas(CALL)).rejects.toMatchObject({ code: expected });
  });

  it("explains a mined transaction that halted", async () => {
    const halt = new JsonRpcError(-32_000, "out of gas", { code: "execution-halted" });
    const node = new JsonRpcNode(new RefusingClient(halt));
    await expect(node.explainFailure(CALL, 5n)).resolves.toMatchObject({ code: "execution-halted" });
  });

  it("explains a transaction that another one of the same block overtook by the state after the block", async () => {
    const revert = new JsonRpcError(3, "execution reverted", "0x");
    const overtaken = new JsonRpcNode(new BlockwiseClient(new Map([["0x5", revert]])));
    const explained = await overtaken.explainFailure(CALL, 5n);
    expect(explained).toMatchObject({ code: "reverted" });
    expect(explained.details).not.toMatchObject({ error: "StateMoved" });
    const moved = new JsonRpcNode(new BlockwiseClient(new Map()));
    await expect(moved.explainFailure(CALL, 5n)).resolves.toMatchObject({ details: { error: "StateMoved" } });
  });
});
