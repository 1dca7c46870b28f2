import { createServer, type Server } from "node:http";
import type { Clock } from "@aios/kernel/clock";
import type { TimestampMs } from "@aios/kernel/units";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TransactionSigner } from "./domain/ports.js";
import { type ElectionState, OperatorClient } from "./operator-client.js";

const OPERATOR = `0x${"ab".repeat(20)}`;
/** Answers of the node, one a question; the last one stays. Absent: nothing that can be read. */
let answers: (object | undefined)[] = [];
let server: Server;
let url = "";
beforeAll(async () => {
  server = createServer((_request, response) => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    response.end(answer === undefined ? "<html>" : JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => server.close());

const setWith = (number: number, ...accounts: string[]) => ({
  result: {
    number: `0x${number.toString(16)}`,
    members: accounts.map((account) => ({ account, publicKey: "0x01" })),
  },
});

/** A clock on which waiting takes no time of ours. */
function operator(): OperatorClient {
  let nowMs = 0;
  const clock: Clock = {
    now: () => nowMs as TimestampMs,
    wait: async (duration) => {
      nowMs += duration;
    },
  };
  return new OperatorClient(url, { address: OPERATOR } as unknown as TransactionSigner, clock);
}

it("waits for its seat past times without a node, and tells how it stands, each thing once", async () => {
  answers = [setWith(3), setWith(3), undefined, undefined, setWith(4), setWith(5, OPERATOR)];
  const told: ElectionState[] = [];
  const onChange = (state: ElectionState) => void told.push(state);
  expect(await operator().untilElected({ withinMs: 60_000, onChange })).toBe(5);
  expect(told).toEqual([
    { kind: "not-in-set", set: 3 },
    { kind: "no-answer", message: `No node answers at ${url}.` },
    { kind: "not-in-set", set: 4 },
  ]);
});

it.each([
  ["without a seat", setWith(3)],
  ["with a seat by another key", setWith(3, OPERATOR)],
  ["without a node", undefined],
])("ends at its deadline %s", async (_, answer) => {
  answers = [answer];
  const publicKey = Uint8Array.of(2);
  await expect(operator().untilElected({ publicKey, withinMs: 2_000 })).rejects.toMatchObject({
    code: "not-elected-in-time",
    details: { withinMs: 2_000 },
  });
});

it("ends at once where the node refuses", async () => {
  answers = [{ error: { message: "not an honor chain" } }];
  await expect(operator().untilElected({ withinMs: 60_000 })).rejects.toMatchObject({ code: "node-refused" });
});
