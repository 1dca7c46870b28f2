import type { Topic } from "@aios/proto/topics";

/** What the parent asks its writer and reader for, and what they tell it; all times are milliseconds since 1970. */
export interface BusSettings {
  readonly busUrl: string;
  /** Of the child's own service: outbox or inbox lie here. */
  readonly databaseUrl: string;
  readonly topic: string;
}

export interface WriteOrder {
  readonly kind: "write";
  readonly events: number;
  /** Absent: as fast as it goes. */
  readonly perSecond?: number;
}

export interface WriteReport {
  readonly kind: "written";
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

export interface ReadOrder {
  readonly kind: "read";
  readonly events: number;
}

export interface ReadReport {
  readonly kind: "read";
  readonly endedAtMs: number;
  /** From the commit of the writer's transaction to that of the reader's, one for each event. */
  readonly delaysMs: readonly number[];
  /** The part of it until the bus kept the event, in whole milliseconds. */
  readonly untilKeptMs: readonly number[];
  /** Deliveries that the inbox turned away. */
  readonly repeated: number;
}

export const PAYLOAD_BYTES = 1_024;
export const PARTITIONS = 8;
export const RETENTION_MS = 3_600_000;
/** Events that one transaction of the writer leaves. */
export const PER_TRANSACTION = 10;

export interface Sample {
  readonly key: string;
  readonly writtenAtMs: number;
}

const NUMBER_BYTES = 8;

/** A topic of payloads of 1 KiB that begin with the time of their writing. */
export function sampleTopic(name: string): Pick<Topic<Sample>, "name" | "key" | "codec"> {
  const encode = ({ writtenAtMs }: Sample): { finish(): Uint8Array } => {
    const payload = Buffer.alloc(PAYLOAD_BYTES, 0x61);
    payload.writeDoubleBE(writtenAtMs);
    return { finish: () => payload };
  };
  return { name, key: ({ key }) => key, codec: { encode } as unknown as Topic<Sample>["codec"] };
}

export function writtenAtMs(payload: Uint8Array): number {
  return Buffer.from(payload.buffer, payload.byteOffset, NUMBER_BYTES).readDoubleBE();
}

export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
