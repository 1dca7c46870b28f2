import { CodedError } from "@aios/kernel/coded-error";

export interface ServerSentEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

const MAXIMUM_EVENT_CHARACTERS = 1_048_576;

/**
 * Reads `text/event-stream` (WHATWG HTML, section 9.2) as events; comments (heartbeats) are dropped. An event of
 * more than a mebicharacter ends the stream with `event-too-large`.
 */
export async function* parseEventStream(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let buffered = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      buffered += done ? decoder.decode() : decoder.decode(value, { stream: true });
      for (;;) {
        const end = /\r?\n\r?\n/.exec(buffered);
        if (end === null) break;
        const event = parseEvent(buffered.slice(0, end.index));
        buffered = buffered.slice(end.index + end[0].length);
        if (event !== undefined) yield event;
      }
      if (done) return;
      if (buffered.length > MAXIMUM_EVENT_CHARACTERS) {
        throw new CodedError({
          code: "event-too-large",
          kind: "too-large",
          message: "The event stream sent an oversized event.",
        });
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parseEvent(block: string): ServerSentEvent | undefined {
  let id: string | undefined;
  let event = "message";
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") id = value;
    else if (field === "event") event = value;
    else if (field === "data") data.push(value);
  }
  return data.length === 0 ? undefined : { id, event, data: data.join("\n") };
}
