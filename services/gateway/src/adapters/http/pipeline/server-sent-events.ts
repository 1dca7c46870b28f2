import { Readable } from "node:stream";
import type { GatewayReply } from "./gateway-request.js";

/** One event of a stream (WHATWG HTML, section 9.2). `data` is a single line. */
export function eventFrame(event: string, data: string, id?: string): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
}

export const HEARTBEAT_FRAME = ": heartbeat\n\n";

/** Answers with the frames; `onClose` runs once, however the stream ends. A slow reader holds the source back. */
export function sendEventStream(
  reply: GatewayReply,
  frames: AsyncGenerator<string>,
  onClose: () => void,
): void {
  const stream = Readable.from(frames, { highWaterMark: 4 });
  stream.once("close", onClose);
  void reply
    .headers({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    })
    .send(stream);
}

/** The values of the source, and `undefined` whenever it was quiet for the time of a heartbeat. Closes the source. */
export async function* withHeartbeats<T>(
  source: AsyncIterator<T>,
  heartbeatMs: number,
): AsyncGenerator<{ readonly value: T } | undefined> {
  try {
    for (;;) {
      const upcoming = source.next();
      upcoming.catch(() => undefined);
      let next = await orHeartbeat(upcoming, heartbeatMs);
      while (next === undefined) {
        yield undefined;
        next = await orHeartbeat(upcoming, heartbeatMs);
      }
      if (next.done === true) return;
      yield { value: next.value };
    }
  } finally {
    await source.return?.();
  }
}

/** The promise's value, or undefined when it takes longer than the heartbeat. */
async function orHeartbeat<T>(promise: Promise<T>, heartbeatMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const beat = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), heartbeatMs);
  });
  try {
    return await Promise.race([promise, beat]);
  } finally {
    clearTimeout(timer);
  }
}
