import { describe, expect, it } from "vitest";
import { BLOCK, memoryState } from "../test/memory-state.js";
import { ExecutionContext, FramePool } from "./context.js";
import { rulesOf } from "./rules.js";
import { takeRequests } from "./system-calls.js";
import { WorldState } from "./world-state.js";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const WITHDRAWALS = bytes("00000961ef480eb55e80d19ad83579a64c007002");
const CONSOLIDATIONS = bytes("0000bbddc7ce488642fb579f8b00f3a590007251");
/** Reverts with a byte of data; runs into an invalid instruction; gives the byte 0xab. */
const [REVERT, INVALID, GIVE] = ["60ab5f5360015ffd", "fe", "60ab5f5360015ff3"].map(bytes);

function requests(code: Uint8Array | undefined, failedRequests?: "none") {
  const state = memoryState([
    [WITHDRAWALS, code === undefined ? {} : { code }],
    [CONSOLIDATIONS, { code: GIVE as Uint8Array }],
  ]);
  const rules = rulesOf({ hardfork: "osaka", chainId: 1n, ...(failedRequests && { failedRequests }) });
  return takeRequests(new ExecutionContext(new WorldState(state), rules, BLOCK, new FramePool()));
}

describe("the requests of a block", () => {
  it("are what the contracts give, each with its type, and none of a contract without code", () => {
    expect(requests(GIVE)).toEqual([Uint8Array.of(1, 0xab), Uint8Array.of(2, 0xab)]);
    expect(requests(undefined)).toEqual([Uint8Array.of(2, 0xab)]);
  });

  it("may be of any length", () => {
    // Returns 200,000 bytes.
    const [withdrawals] = requests(bytes("62030d405ff3"));
    expect([withdrawals?.length, withdrawals?.[0]]).toEqual([200_001, 1]);
  });

  it("make it invalid where a contract fails, as Ethereum says", () => {
    for (const code of [REVERT, INVALID])
      expect(() => requests(code)).toThrow(expect.objectContaining({ code: "request-contract-failed" }));
  });

  it("lack those of a contract that fails, on a chain that cannot refuse a block", () => {
    for (const code of [REVERT, INVALID]) expect(requests(code, "none")).toEqual([Uint8Array.of(2, 0xab)]);
  });
});
