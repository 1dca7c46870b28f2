import { PEER_BAN } from "@aios/core-honor-node/packet-faults";
import { describe, expect, it } from "vitest";
import { idealKeyring } from "../signers.js";
import { ChainInvariants } from "./chain-invariants.js";

const [JUDGE, HONEST, LIAR] = ["judge", "honest", "liar"];
const newInvariants = (): ChainInvariants =>
  new ChainInvariants("test", idealKeyring().scheme, new Set([LIAR]), { number: 0, members: [] });

describe("what an honest node is blamed for", () => {
  it("is never malice", () => {
    expect(() => newInvariants().onBlamed(JUDGE, HONEST, "off-duty", 0)).toThrow(
      /honest node honest was blamed/,
    );
  });

  it("is nothing that bans it, by one judge at a time and with what is forgiven meanwhile", () => {
    const invariants = newInvariants();
    const blame = (judge: string, nowMs: number) => invariants.onBlamed(judge, HONEST, "unasked", nowMs);
    for (let packet = 1; packet < PEER_BAN.banAt; packet++)
      for (const judge of [JUDGE, "other"]) blame(judge, 0);
    const laterMs = 1_000 / PEER_BAN.forgivenPerSecond;
    blame(JUDGE, laterMs);
    expect(() => blame(JUDGE, laterMs)).toThrow(/honest node honest would be banned/);
    for (let packet = 0; packet < 1_000; packet++) invariants.onBlamed(JUDGE, HONEST, "no-answer", laterMs);
  });

  it("is no matter where it is not honest", () => {
    const invariants = newInvariants();
    for (let packet = 0; packet < 1_000; packet++) invariants.onBlamed(JUDGE, LIAR, "off-duty", 0);
  });
});
