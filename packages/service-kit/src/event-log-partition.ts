import { codedErrorOf } from "./database-outage.js";
import type { EventHandler, ReceivedEvent, RetryPolicy } from "./event-bus.js";
import { deliver } from "./event-delivery.js";
import { advanceWithin, type EventLogPositions, type HeldPosition } from "./event-log-positions.js";
import type { Logger } from "./logger.js";
import { inTransaction, type PostgresPool } from "./postgres-pool.js";
import type { SharedDelivery } from "./shared-delivery.js";

export interface LogRow {
  readonly topic: string;
  readonly partition: number;
  readonly log_offset: string;
  readonly event_id: string;
  readonly key: string;
  readonly payload: Buffer;
  readonly headers: Record<string, string>;
  readonly replay_for: string | null;
  readonly written_at: Date;
}

export interface PartitionOptions {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly member: string;
  readonly fencingToken: string;
  readonly nextOffset: bigint;
  readonly pool: PostgresPool;
  readonly handler: EventHandler;
  readonly shared: SharedDelivery;
  readonly positions: EventLogPositions;
  readonly retry: RetryPolicy;
  readonly logger: Logger;
  readonly onIdle: () => void;
  readonly onLost: () => void;
}

/** Another member holds the partition now, or the group was moved. */
class PartitionLost extends Error {}

const lost = (): PartitionLost => new PartitionLost("the commit came under an old fencing token");

/** One leased partition: its events one after the other, committed under the lease's fencing token. */
export class EventLogPartition {
  readonly topic: string;
  readonly partition: number;
  readonly fencingToken: string;
  /** The member's count of news at the look after which nothing more waited here. */
  emptyAtNews: number | undefined;
  readonly #options: PartitionOptions;
  readonly #abort = new AbortController();
  #nextOffset: bigint;
  #committedOffset: bigint;
  #work: Promise<void> | undefined;
  #stopping = false;

  constructor(options: PartitionOptions) {
    this.#options = options;
    this.topic = options.topic;
    this.partition = options.partition;
    this.fencingToken = options.fencingToken;
    this.#nextOffset = options.nextOffset;
    this.#committedOffset = options.nextOffset;
  }

  get busy(): boolean {
    return this.#work !== undefined || this.#stopping;
  }

  get nextOffset(): bigint {
    return this.#nextOffset;
  }

  /** Starts to work through a batch; must not be busy. */
  work(batch: readonly LogRow[]): void {
    this.#work = this.#through(batch).finally(() => {
      this.#work = undefined;
      if (!this.#stopping) this.#options.onIdle();
    });
  }

  /** Lets the event in work finish, commits, takes no more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#abort.abort(new Error("the consumer is shutting down"));
    await this.#work;
  }

  /** The lease is gone: whatever is in work can no longer commit. */
  lose(): void {
    this.#stopping = true;
    this.#abort.abort(new PartitionLost("the partition belongs to another consumer now"));
  }

  async #through(batch: readonly LogRow[]): Promise<void> {
    try {
      if (!(await this.#deliverTogether(batch))) await this.#deliverEach(batch);
      await this.#commit();
    } catch (error) {
      if (!(error instanceof PartitionLost)) {
        this.#options.logger.warn(
          { error, topic: this.topic, partition: this.partition },
          "a partition is claimed anew",
        );
      }
      this.lose();
      this.#options.onLost();
    }
  }

  async #deliverTogether(batch: readonly LogRow[]): Promise<boolean> {
    const last = batch.at(-1);
    if (this.#stopping || last === undefined) return false;
    const events = batch
      .filter((row) => this.#isOurs(row))
      .map((row) => this.#received(row, BigInt(row.log_offset), 1));
    if (!(await this.#options.shared.deliver(events))) return false;
    this.#nextOffset = BigInt(last.log_offset) + 1n;
    return true;
  }

  async #deliverEach(batch: readonly LogRow[]): Promise<void> {
    for (const row of batch) {
      if (this.#stopping) break;
      const offset = BigInt(row.log_offset);
      if (this.#isOurs(row) && !(await this.#deliver(row, offset))) break;
      this.#nextOffset = offset + 1n;
    }
  }

  #isOurs(row: LogRow): boolean {
    return row.replay_for === null || row.replay_for === this.#options.group;
  }

  /** True once the event is handled or dead-lettered, false when work ends before that. */
  async #deliver(row: LogRow, offset: bigint): Promise<boolean> {
    const { retry, handler } = this.#options;
    const outcome = await deliver(
      {
        handler,
        retry,
        signal: this.#abort.signal,
        stopping: () => this.#stopping,
        beforeWait: () => this.#commit(),
      },
      (attempt) => this.#received(row, offset, attempt),
    );
    if (outcome.kind === "poison") await this.#bury(row, offset, outcome.attempts, outcome.thrown);
    return outcome.kind !== "stopped";
  }

  #received(row: LogRow, offset: bigint, attempt: number): ReceivedEvent {
    return {
      id: row.event_id,
      topic: row.topic,
      key: row.key,
      payload: row.payload,
      headers: row.headers,
      partition: row.partition,
      offset,
      occurredAtMs: row.written_at.getTime(),
      attempt,
      signal: this.#abort.signal,
    };
  }

  async #commit(): Promise<void> {
    if (this.#nextOffset === this.#committedOffset) return;
    const target = this.#nextOffset;
    if (!(await this.#options.positions.advance(this.#held(target)))) throw lost();
    this.#committedOffset = target;
  }

  #held(nextOffset: bigint): HeldPosition {
    const { topic, partition, fencingToken } = this;
    return { topic, partition, fencingToken, nextOffset };
  }

  /** Keeps the event with its cause and moves on, both or neither. */
  async #bury(row: LogRow, offset: bigint, attempts: number, thrown: unknown): Promise<void> {
    const error = codedErrorOf(thrown);
    const cause = thrown instanceof Error ? thrown.message : String(thrown);
    await inTransaction(this.#options.pool, async (client) => {
      await client.query(
        `INSERT INTO event_log.dead_letters
           (group_name, topic, partition, log_offset, event_id, key, payload, headers, attempts, error_code, error_message)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
        [
          this.#options.group,
          row.topic,
          row.partition,
          offset.toString(),
          row.event_id,
          row.key,
          row.payload,
          JSON.stringify(row.headers),
          attempts,
          error.code,
          cause.slice(0, 2_000),
        ],
      );
      if (!(await advanceWithin(client, this.#options, this.#held(offset + 1n)))) throw lost();
    });
    this.#committedOffset = offset + 1n;
    this.#options.logger.error(
      {
        error: thrown,
        topic: row.topic,
        eventId: row.event_id,
        key: row.key,
        attempts,
        group: this.#options.group,
      },
      "an event went to the dead letters",
    );
  }
}
