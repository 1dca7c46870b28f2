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
});
