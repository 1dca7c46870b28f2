import type { ServerWritableStream } from "@grpc/grpc-js";

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

/** Sends every message, asking for the next one only when the last has room; stops when the signal aborts. */
export async function writeAll(
  messages: AsyncIterable<unknown>,
  call: ServerWritableStream<unknown, unknown>,
  signal: AbortSignal,
): Promise<void> {
  const iterator = messages[Symbol.asyncIterator]();
  const stopped = new Promise<"stopped">((resolve) => {
    if (signal.aborted) resolve("stopped");
    else signal.addEventListener("abort", () => resolve("stopped"), { once: true });
  });
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), stopped]);
      if (next === "stopped" || signal.aborted) return;
      if (next.done === true) break;
      if (!call.write(next.value)) await Promise.race([drained(call), stopped]);
    }
    call.end();
  } finally {
    // A source that waits for something else ends when that comes; nobody waits for it.
    iterator.return?.().catch(() => undefined);
  }
}

function drained(call: ServerWritableStream<unknown, unknown>): Promise<void> {
  return new Promise((resolve) => call.once("drain", resolve));
}
