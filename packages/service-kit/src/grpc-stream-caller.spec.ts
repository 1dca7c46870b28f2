import { Readable } from "node:stream";
import { type Client, Metadata } from "@grpc/grpc-js";
import { SpanKind } from "@opentelemetry/api";
import { expect, it } from "vitest";
import { CircuitBreaker } from "./circuit-breaker.js";
import type { AnyMethod } from "./grpc-methods.js";
import { GrpcStreamCaller } from "./grpc-stream-caller.js";

/** A channel whose every call is answered with one message. */
function answering(message: string): Client {
  const makeServerStreamRequest = () => Object.assign(Readable.from([message]), { cancel: () => undefined });
  return { makeServerStreamRequest } as unknown as Client;
}

it("a stream that the open circuit refuses says nothing about the peer: the next one after the pause goes through", async () => {
  let nowMs = 0;
  const circuit = new CircuitBreaker(
    "peer",
    { failureThreshold: 1, firstOpenMs: 250, maxOpenMs: 5_000 },
    () => nowMs,
  );
  const caller = new GrpcStreamCaller(answering("hello"), "peer", circuit);
  const read = async (signal?: AbortSignal): Promise<unknown[]> => {
    const method = { path: "/sample/Read" } as AnyMethod;
    const prepare = async () => ({ metadata: new Metadata(), callOptions: {} });
    const span = { name: "read", kind: SpanKind.CLIENT, attributes: {} };
    const messages: unknown[] = [];
    for await (const message of caller.serverStream(method, {}, signal, prepare, span))
      messages.push(message);
    return messages;
  };
  circuit.failed();
  for (nowMs of [50, 150, 249]) await expect(read()).rejects.toMatchObject({ code: "peer-unavailable" });
  nowMs = 250;
  // One that its caller has given up already takes no other's turn either.
  await expect(read(AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
  expect(await read()).toEqual(["hello"]);
  expect(await read()).toEqual(["hello"]);
});
