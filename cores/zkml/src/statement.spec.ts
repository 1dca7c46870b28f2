import { AbiCoder, keccak256 } from "ethers";
import { describe, expect, it } from "vitest";
import { type StatementParts, statementContext } from "./statement.js";

const parts: StatementParts = {
  version: 1,
  chainId: 7331,
  escrow: "0x00000000000000000000000000000000000000a1",
  jobId: `0x${"b2".repeat(32)}`,
  requester: "0x00000000000000000000000000000000000000C3",
  modelCommitment: new Uint8Array(32).fill(0xd4),
  verifyingKeyHash: new Uint8Array(32).fill(0xe5),
};

describe("statement context", () => {
  it("is what Solidity's abi.encode and keccak256 give, shifted into the field", () => {
    const types = ["uint256", "uint256", "address", "bytes32", "address", "bytes32", "bytes32"];
    const values = [
      1,
      7331,
      parts.escrow,
      parts.jobId,
      parts.requester.toLowerCase(),
      parts.modelCommitment,
      parts.verifyingKeyHash,
    ];
    expect(statementContext(parts)).toBe(
      BigInt(keccak256(AbiCoder.defaultAbiCoder().encode(types, values))) >> 8n,
    );
  });

  it("changes with every part", () => {
    const changed: StatementParts[] = [
      { ...parts, version: 2 },
      { ...parts, chainId: 7332n },
      { ...parts, escrow: "0x00000000000000000000000000000000000000a2" },
      { ...parts, jobId: `0x${"b3".repeat(32)}` },
      { ...parts, requester: "0x00000000000000000000000000000000000000c4" },
      { ...parts, modelCommitment: new Uint8Array(32).fill(0xd5) },
      { ...parts, verifyingKeyHash: new Uint8Array(32).fill(0xe6) },
    ];
    expect(new Set([parts, ...changed].map(statementContext)).size).toBe(changed.length + 1);
  });

  it.each<[string, Partial<StatementParts>]>([
    ["escrow", { escrow: "0x12" }],
    ["jobId", { jobId: "b2" }],
    ["requester", { requester: `0x${"g".repeat(40)}` }],
    ["modelCommitment", { modelCommitment: new Uint8Array(31) }],
    ["verifyingKeyHash", { verifyingKeyHash: new Uint8Array(33) }],
    ["chainId", { chainId: -1 }],
    ["version", { version: 1.5 }],
  ])("refuses a malformed %s", (field, change) => {
    expect(() => statementContext({ ...parts, ...change })).toThrow(
      expect.objectContaining({ code: "invalid-statement", field }),
    );
  });
});
