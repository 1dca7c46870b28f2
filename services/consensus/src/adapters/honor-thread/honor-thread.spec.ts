import { describe, expect, it } from "vitest";
import { deafHost } from "../../../test/support/seatless-node.js";
import { HonorThread } from "./honor-thread.js";

/** Ends when it is asked to, and answers the questions about the DAG once it hears of a dropped transaction. */
const SCRIPT = `
import { parentPort } from "node:worker_threads";
const asked = [];
parentPort.on("message", (message) => {
  if (message.kind === "stop") parentPort.postMessage({ kind: "stopped" });
  if (message.kind === "ask") asked.push(message.number);
  if (message.kind === "dropped")
    for (const number of asked.splice(0)) parentPort.postMessage({ kind: "answer", number, answer: [] });
});
`;

describe("questions to the thread of the protocol", () => {
  it("with large answers wait in small number, and keep no other question from its answer", async () => {
    const script = new URL(`data:text/javascript,${encodeURIComponent(SCRIPT)}`);
    const thread = new HonorThread(script, undefined, deafHost());
    const waiting = [1, 2, 3, 4].map((tick) => thread.dag(tick, tick));
    await expect(thread.dag(5, 5)).rejects.toMatchObject({ code: "honor-node-busy", kind: "unavailable" });
    const set = thread.honorSet();
    thread.dropped([]);
    expect(await Promise.all([...waiting, set])).toEqual([[], [], [], [], []]);
    const later = thread.dag(5, 5);
    thread.dropped([]);
    expect(await later).toEqual([]);
    await thread.stop();
  });
});
