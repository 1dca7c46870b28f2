import { type Address, address } from "@aios/kernel/identifiers";
import { describe, expect, it } from "vitest";
import { ContractProtocolReader } from "./contract-protocol.reader.js";
import { JsonRpcClient, JsonRpcError } from "./json-rpc-client.js";

const ACCOUNT = address(`0x${"aa".repeat(20)}`);
const BOOK = { addressOf: (): Address => ACCOUNT };

/** A node that knows its height at most and answers all else with an error. */
class TroubledClient extends JsonRpcClient {
  constructor(private readonly height: string | undefined) {
    super("http://127.0.0.1:1", 1);
  }

  override async request(): Promise<unknown> {
    if (this.height === undefined) throw new JsonRpcError(-32_603, "internal error", undefined);
    return this.height;
  }

  override batch(): Promise<never> {
    return Promise.reject(new JsonRpcError(-32_000, "the block is not known", undefined));
  }
}

describe("the reader of the protocol", () => {
  it.each([undefined, "0x5"])(
    "says that the node does not answer where it answers with errors (%s)",
    async (height) => {
      const reader = new ContractProtocolReader(new TroubledClient(height), BOOK);
      const expected = { code: "chain-unavailable", kind: "unavailable", retryAfterMs: 500 };
      await expect(reader.balances(ACCOUNT)).rejects.toMatchObject(expected);
      await expect(reader.terms()).rejects.toMatchObject(expected);
    },
  );
});
