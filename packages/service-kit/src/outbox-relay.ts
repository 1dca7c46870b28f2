import { durationMs } from "@aios/kernel/units";
import { findTopic } from "@aios/proto/topics";
import type pg from "pg";
import { crashPoint } from "./crash-point.js";
import type { EventBus, OutgoingEvent } from "./event-bus.js";
import type { Logger } from "./logger.js";
import { LOOKING_LOCK, OUTBOX_CHANNEL } from "./messaging-schema.js";
import { defineMetrics } from "./metrics.js";
import { PostgresListener } from "./postgres-listener.js";
import type { PostgresPool } from "./postgres-pool.js";
import { type Look, RelayPace } from "./relay-pace.js";
import { monotonicMs, systemClock } from "./system-clock.js";
import { WakeUp } from "./wake-up.js";

const metrics = defineMetrics("outbox", {
  relayed: { kind: "counter", description: "events moved from the outbox to the event bus" },
  failures: { kind: "counter", description: "batches that could not be moved and are tried again" },
});

const BATCH = 500;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 2_000;
const LEADER_LOCK = 0x6f_75_74_31;

export interface OutboxRelayOptions {
  readonly databaseUrl: string;
  readonly pool: PostgresPool;
  readonly bus: EventBus;
  readonly service: string;
  readonly logger: Logger;
}

interface OutboxRow {
  readonly sequence: string;
  readonly event_id: string;
  readonly topic: string;
  readonly key: string;
  readonly payload: Buffer;
  readonly headers: Record<string, string>;
}

/**
 * Moves committed outbox rows to the event bus in their order. One process of a service leads (advisory lock on the
 * listening connection); a row leaves only after the bus has it, and the bus keeps one event per id.
 */
export class OutboxRelay {
  readonly #options: OutboxRelayOptions;
  readonly #wakeUp = new WakeUp();
  #pace = new RelayPace();
  readonly #listener: PostgresListener;
  readonly #stop = new AbortController();
  readonly #knownTopics = new Set<string>();
  /** Rows that the bus has, to be removed by the next look. */
  #relayed: readonly string[] = [];
  #leadingOn: pg.Client | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: OutboxRelayOptions) {
    this.#options = options;
    this.#listener = new PostgresListener({
      url: options.databaseUrl,
      applicationName: `${options.service} outbox`,
      channels: [OUTBOX_CHANNEL],
      logger: options.logger,
      onNotification: () => this.#wakeUp.wake(),
      onConnected: async () => this.#wakeUp.wake(),
    });
  }

  async start(): Promise<void> {
    await this.#listener.start();
    this.#loop = this.#run();
  }

  /** Sends what is committed, at most for the given time, then stops. */
  async close(timeoutMs: number): Promise<void> {
    const endsAtMs = monotonicMs() + timeoutMs;
    this.#stop.abort();
    this.#wakeUp.wake();
    await this.#loop;
    try {
      while (monotonicMs() < endsAtMs && (await this.#relayBatch()) > 0);
      if (this.#relayed.length > 0) await this.#next(0);
    } catch (error) {
      this.#options.logger.warn({ error }, "events stay in the outbox until the next start");
    }
    await this.#listener.close();
  }

  /** How many events wait, and for how long the oldest has. */
  async backlog(): Promise<{ readonly events: number; readonly oldestAgeMs: number }> {
    const { rows } = await this.#options.pool.query<{ events: number; age: number | null }>(
      `SELECT count(*)::integer AS events, extract(epoch FROM now() - min(written_at))::float8 * 1000 AS age
       FROM (SELECT written_at FROM messaging.outbox ORDER BY sequence LIMIT 100000) AS waiting`,
    );
    return { events: rows[0]?.events ?? 0, oldestAgeMs: rows[0]?.age ?? 0 };
  }

  async #run(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!this.#stop.signal.aborted) {
      const lookedAtMs = monotonicMs();
      try {
        const moved = await this.#relayBatch();
        retryMs = FIRST_RETRY_MS;
        const nowMs = monotonicMs();
        const look = {
          moved,
          full: moved === BATCH,
          woken: this.#wakeUp.pending,
          tookMs: nowMs - lookedAtMs,
          nowMs,
        };
        await this.#keepAttention(look);
        const restMs = this.#pace.restMs(look);
        if (restMs > 0) await this.#wakeUp.wait(restMs);
      } catch (error) {
        metrics.failures.add(1);
        this.#options.logger.warn({ error, retryInMs: retryMs }, "the outbox could not be relayed");
        await systemClock.wait(durationMs(retryMs), this.#stop.signal).catch(() => undefined);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
    }
  }

  async #relayBatch(): Promise<number> {
    if (!(await this.#leads())) return 0;
    const rows = await this.#next(BATCH);
    if (rows.length === 0) return 0;
    await this.#ensureTopics(rows);
    crashPoint(`${this.#options.service}.outbox.before-publish`);
    await this.#options.bus.publish(rows.map(eventOf));
    crashPoint(`${this.#options.service}.outbox.after-publish`);
    this.#relayed = rows.map(({ sequence }) => sequence);
    metrics.relayed.add(rows.length);
    return rows.length;
  }

  /** Removes what was relayed and answers the oldest of the rest. */
  async #next(atMost: number): Promise<readonly OutboxRow[]> {
    const { rows } = await this.#options.pool.query<OutboxRow>({
      name: "outbox-next",
      text: "SELECT sequence, event_id, topic, key, payload, headers FROM messaging.next_of_outbox($1::bigint[], $2)",
      values: [this.#relayed, atMost],
    });
    this.#relayed = [];
    return rows;
  }

  /** Tells writers by a lock whether they need to notify. */
  async #keepAttention(look: Look): Promise<void> {
    const client = this.#leadingOn;
    const wanted = this.#pace.wants(look);
    if (client === undefined || wanted === this.#pace.attentive) return;
    try {
      if (wanted) {
        const { rows } = await client.query<{ locked: boolean }>(
          "SELECT pg_try_advisory_lock($1) AS locked",
          [LOOKING_LOCK],
        );
        if (rows[0]?.locked === true) this.#pace.attend();
      } else {
        await client.query("SELECT pg_advisory_unlock($1)", [LOOKING_LOCK]);
        this.#pace.relax();
      }
    } catch (error) {
      // The server may hold the lock or not, and counts a second one: only with the connection do all of them fall.
      client.end().catch(() => undefined);
      throw error;
    }
  }

  /** The lock belongs to the listening connection, so it is free the moment that process is gone. */
  async #leads(): Promise<boolean> {
    const client = this.#listener.client;
    if (client !== undefined && this.#leadingOn === client) return true;
    this.#leadingOn = undefined;
    this.#pace = new RelayPace();
    if (client === undefined) return false;
    const { rows } = await client.query<{ locked: boolean }>("SELECT pg_try_advisory_lock($1) AS locked", [
      LEADER_LOCK,
    ]);
    if (rows[0]?.locked !== true) return false;
    this.#leadingOn = client;
    return true;
  }

  async #ensureTopics(rows: readonly OutboxRow[]): Promise<void> {
    for (const name of new Set(rows.map(({ topic }) => topic))) {
      if (this.#knownTopics.has(name)) continue;
      const topic = findTopic(name);
      if (topic !== undefined) await this.#options.bus.ensureTopics([topic]);
      this.#knownTopics.add(name);
    }
  }
}

function eventOf(row: OutboxRow): OutgoingEvent {
  return { id: row.event_id, topic: row.topic, key: row.key, payload: row.payload, headers: row.headers };
}
