import { CodedError } from "@aios/kernel/coded-error";
import { expect, it } from "vitest";
import { RPC, toRpcError } from "./rpc-error.js";

it("names a call that halts, so that it is not taken for a node that cannot answer", () => {
  const halted = new CodedError({ code: "execution-halted", kind: "unprocessable", message: "out of gas" });
  const answer = toRpcError(halted, () => expect.unreachable());
  expect(answer).toEqual({ code: RPC.server, message: "out of gas", data: { code: "execution-halted" } });
});
