import { drawCommitment, drawNote, isDrawn } from "@aios/core-settlement/sample-draw";
import { expect, it } from "vitest";
import type { JobStep } from "../api-types.js";
import type { JsonRpc } from "../json-rpc.js";
import type { ChainEvidence } from "./chain-evidence.js";
import { checkDraw } from "./sample-draw-check.js";

const hash = (digit: string): string => `0x${digit.repeat(64)}`;
const [jobId, secret, blockHash] = [hash("1"), hash("5"), hash("b")];
const facts = { secret, blockHash, shareBps: 5_000 };
const said = isDrawn(jobId, facts) ? "drawn" : "not-drawn";
const other = said === "drawn" ? "not-drawn" : "drawn";
const rpc = {
  block: async (number: number) => ({ hash: number === 8 ? blockHash : hash("c") }),
} as unknown as JsonRpc;

async function checked(name: string, note: string, change: { nonce?: bigint; block?: number } = {}) {
  const { nonce = drawCommitment(secret), block = 8 } = change;
  const log = { blockNumber: `0x${block.toString(16)}` };
  const events = [{ log, parsed: { name: "JobDelivered" } }];
  const step: JobStep = { name, note, atMs: 1, transactionHash: null, gasUsed: null };
  const chain = { order: { nonce }, events } as unknown as ChainEvidence;
  return (await checkDraw(rpc, jobId, { steps: [step] }, chain)).ok;
}

it("holds for the draw that the order committed to", async () => {
  expect(await checked(said, drawNote(facts))).toBe(true);
});

it("does not hold for another outcome, secret or block, nor where none is shown", async () => {
  expect(await checked(other, drawNote(facts))).toBe(false);
  expect(await checked(said, drawNote(facts), { nonce: 7n })).toBe(false);
  expect(await checked(said, drawNote(facts), { block: 9 })).toBe(false);
  expect(await checked("not-drawn", blockHash)).toBe(false);
});

it("is open before there is a draw, where all is proven, and for orders without a commitment", async () => {
  expect(await checked("delivered", "")).toBeUndefined();
  expect(await checked("drawn", "always")).toBeUndefined();
  expect(await checked("not-drawn", blockHash, { nonce: 7n })).toBeUndefined();
});
