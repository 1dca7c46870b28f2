import { randomUUID } from "node:crypto";
import {
  type EventBatchHandler,
  type EventHandler,
  LARGEST_DELIVERY,
  type RetryPolicy,
} from "./event-bus.js";
import { EventLogPartition, type LogRow } from "./event-log-partition.js";
import { EventLogPositions } from "./event-log-positions.js";
import { EVENTS_CHANNEL, GROUPS_CHANNEL } from "./event-log-schema.js";
import type { Logger } from "./logger.js";
import { PostgresListener } from "./postgres-listener.js";
import { inTransaction, type PostgresPool } from "./postgres-pool.js";
import { SharedDelivery } from "./shared-delivery.js";
import { WakeUp } from "./wake-up.js";

export interface MemberOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly logger: Logger;
  readonly pool: PostgresPool;
  readonly group: string;
  readonly topics: readonly string[];
  readonly handler: EventHandler;
  readonly batchHandler: EventBatchHandler | undefined;
  readonly retry: RetryPolicy;
  readonly concurrency: number;
}

const REBALANCE_EVERY_MS = 1_000;
const LEASE_MS = 10_000;
const RETRY_MS = 200;

/** A member counts as alive while its lease runs and the database still sees its listening connection. */
const LIVE_MEMBER = `m.lease_until > now() AND EXISTS (
  SELECT FROM pg_stat_activity a WHERE a.pid = m.backend_pid AND a.backend_start = m.backend_start)`;

interface ClaimedRow {
  readonly topic: string;
  readonly partition: number;
  readonly next_offset: string;
  readonly fencing_token: string;
}

/** One member of a consumer group: leases partitions, fetches, hands events to the handler, commits under its token. */
export class EventLogMember {
  readonly #options: MemberOptions;
  readonly #id = randomUUID();
  readonly #partitions = new Map<string, EventLogPartition>();
  readonly #shared: SharedDelivery;
  readonly #positions: EventLogPositions;
  /** There may be events. */
  readonly #wakeUp = new WakeUp();
  /** The group may have to be dealt out anew. */
  readonly #rebalanceDue = new WakeUp();
  readonly #listener: PostgresListener;
  #backend: { readonly pid: number; readonly start: string } | undefined;
  /** Counts the reasons to look for events: notifications, and the clock where one was lost. */
  #news = 0;
  #closing = false;
  #loops: readonly Promise<void>[] = [];

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#shared = new SharedDelivery(options.batchHandler);
    this.#positions = new EventLogPositions(options.pool, { group: options.group, member: this.#id });
    this.#listener = new PostgresListener({
      url: options.url,
      applicationName: `${options.applicationName} events`,
      channels: [EVENTS_CHANNEL, GROUPS_CHANNEL],
      logger: options.logger,
      onNotification: (channel, payload) => this.#notified(channel, payload),
      onConnected: async (client) => {
        const { rows } = await client.query<{ pid: number; start: string }>(
          "SELECT pid, backend_start::text AS start FROM pg_stat_activity WHERE pid = pg_backend_pid()",
        );
        this.#backend = rows[0];
        this.#rebalanceDue.wake();
      },
      onDisconnected: () => {
        this.#backend = undefined;
      },
    });
  }

  async start(): Promise<void> {
    await this.#listener.start();
    await this.#rebalance();
    this.#loops = [this.#keepShare(), this.#fetchAlways()];
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#rebalanceDue.wake();
    this.#wakeUp.wake();
    await Promise.all(this.#loops);
    await Promise.all([...this.#partitions.values()].map((partition) => partition.stop()));
    await this.#leave().catch((error: unknown) => {
      this.#options.logger.debug(
        { error },
        "the group could not be told of leaving; its lease will end by itself",
      );
    });
    await this.#listener.close();
  }

  #notified(channel: string, payload: string): void {
    if (channel === GROUPS_CHANNEL) {
      if (payload === this.#options.group) this.#rebalanceDue.wake();
    } else if (this.#options.topics.includes(payload)) {
      this.#lookForNews();
    }
  }

  #lookForNews(): void {
    this.#news += 1;
    this.#wakeUp.wake();
  }

  /** Beside the fetches, which need not wait for it. */
  async #keepShare(): Promise<void> {
    while (!this.#closing) {
      await this.#rebalanceDue.wait(REBALANCE_EVERY_MS);
      if (this.#closing) return;
      try {
        await this.#rebalance();
        // Also where a notification was lost.
        this.#lookForNews();
      } catch (error) {
        this.#options.logger.warn({ error, group: this.#options.group }, "the group was not dealt out");
        await this.#rebalanceDue.wait(RETRY_MS);
        this.#rebalanceDue.wake();
      }
    }
  }

  async #fetchAlways(): Promise<void> {
    while (!this.#closing) {
      try {
        await this.#fetch();
        await this.#wakeUp.wait(REBALANCE_EVERY_MS);
      } catch (error) {
        this.#options.logger.warn({ error, group: this.#options.group }, "the event log did not answer");
        await this.#wakeUp.wait(RETRY_MS);
      }
    }
  }

  /** Renews the own leases, gives back what is above the fair share, claims what nobody holds. */
  async #rebalance(): Promise<void> {
    const { group, topics } = this.#options;
    const backend = this.#backend;
    if (backend === undefined) return;
    const held = await inTransaction(this.#options.pool, async (client) => {
      await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", [group]);
      const joined = await client.query(
        `INSERT INTO event_log.members AS m (group_name, member, backend_pid, backend_start, lease_until)
         VALUES ($1, $2, $3, $4::timestamptz, now() + $5::float8 * interval '1 millisecond')
         ON CONFLICT (group_name, member) DO UPDATE SET backend_pid = EXCLUDED.backend_pid,
           backend_start = EXCLUDED.backend_start, lease_until = EXCLUDED.lease_until
         RETURNING xmax = 0 AS is_new`,
        [group, this.#id, backend.pid, backend.start, LEASE_MS],
      );
      await client.query(`DELETE FROM event_log.members m WHERE m.group_name = $1 AND NOT (${LIVE_MEMBER})`, [
        group,
      ]);
      await client.query(
        `INSERT INTO event_log.positions (group_name, topic, partition)
         SELECT $1, topic, partition FROM event_log.partitions WHERE topic = ANY($2) ON CONFLICT DO NOTHING`,
        [group, topics],
      );
      const { rows: counts } = await client.query<{ members: number; total: number }>(
        `SELECT (SELECT count(*)::integer FROM event_log.members WHERE group_name = $1) AS members,
                (SELECT count(*)::integer FROM event_log.positions WHERE group_name = $1 AND topic = ANY($2)) AS total`,
        [group, topics],
      );
      const share = Math.ceil((counts[0]?.total ?? 0) / Math.max(1, counts[0]?.members ?? 1));
      const rows = await this.#claim(client, share);
      if ((joined.rows[0] as { is_new?: boolean } | undefined)?.is_new === true) {
        await client.query("SELECT pg_notify($1, $2)", [GROUPS_CHANNEL, group]);
      }
      return { rows, share };
    });
    this.#adopt(held.rows, held.share);
  }

  async #claim(client: { query: PostgresPool["query"] }, share: number): Promise<readonly ClaimedRow[]> {
    const { group, topics } = this.#options;
    const working = [...this.#partitions.values()];
    // What the database still counts as ours but is not being worked on was lost in between; it is claimed anew.
    await client.query(
      `UPDATE event_log.positions SET owner = NULL
       WHERE group_name = $1 AND owner = $2 AND (topic, partition) NOT IN (SELECT * FROM unnest($3::text[], $4::integer[]))`,
      [group, this.#id, working.map(({ topic }) => topic), working.map(({ partition }) => partition)],
    );
    await client.query(
      `UPDATE event_log.positions p SET owner = $2, fencing_token = p.fencing_token + 1
       FROM (SELECT f.topic, f.partition FROM event_log.positions f
             WHERE f.group_name = $1 AND f.topic = ANY($3)
               AND (f.owner IS NULL OR f.owner NOT IN (SELECT member FROM event_log.members WHERE group_name = $1))
             ORDER BY f.topic, f.partition LIMIT $4 FOR UPDATE) free
       WHERE p.group_name = $1 AND p.topic = free.topic AND p.partition = free.partition`,
      [group, this.#id, topics, Math.max(0, share - working.length)],
    );
    const { rows } = await client.query<ClaimedRow>(
      "SELECT topic, partition, next_offset, fencing_token FROM event_log.positions WHERE group_name = $1 AND owner = $2",
      [group, this.#id],
    );
    return rows;
  }

  /** Brings the running partitions in line with what the database says this member holds. */
  #adopt(rows: readonly ClaimedRow[], share: number): void {
    const held = new Map(rows.map((row) => [`${row.topic}/${row.partition}`, row]));
    for (const [name, partition] of this.#partitions) {
      if (held.get(name)?.fencing_token === partition.fencingToken) continue;
      partition.lose();
      this.#partitions.delete(name);
      // The group was moved, or others took it; the next claim starts from the position that is recorded now.
      this.#rebalanceDue.wake();
      held.delete(name);
    }
    for (const [name, row] of held) {
      if (this.#partitions.has(name) || this.#closing) continue;
      this.#partitions.set(name, this.#open(name, row));
    }
    const surplus = [...this.#partitions.values()].slice(share);
    for (const partition of surplus) void this.#giveBack(partition);
  }

  #open(name: string, row: ClaimedRow): EventLogPartition {
    const partition: EventLogPartition = new EventLogPartition({
      group: this.#options.group,
      topic: row.topic,
      partition: row.partition,
      member: this.#id,
      fencingToken: row.fencing_token,
      nextOffset: BigInt(row.next_offset),
      pool: this.#options.pool,
      handler: this.#options.handler,
      shared: this.#shared,
      positions: this.#positions,
      retry: this.#options.retry,
      logger: this.#options.logger,
      onIdle: () => this.#wakeUp.wake(),
      onLost: () => {
        if (this.#partitions.get(name) === partition) this.#partitions.delete(name);
        this.#rebalanceDue.wake();
      },
    });
    return partition;
  }

  async #giveBack(partition: EventLogPartition): Promise<void> {
    const name = `${partition.topic}/${partition.partition}`;
    await partition.stop();
    if (this.#partitions.get(name) === partition) this.#partitions.delete(name);
    await this.#release([partition]).catch(() => {
      this.#rebalanceDue.wake();
    });
  }

  async #release(partitions: readonly EventLogPartition[]): Promise<void> {
    await this.#options.pool.query(
      `WITH released AS (
         UPDATE event_log.positions p SET owner = NULL
         FROM unnest($3::text[], $4::integer[], $5::bigint[]) AS r(topic, partition, fencing_token)
         WHERE p.group_name = $1 AND p.owner = $2 AND p.topic = r.topic AND p.partition = r.partition
           AND p.fencing_token = r.fencing_token RETURNING 1)
       SELECT pg_notify($6, $1) FROM (SELECT count(*) FROM released) AS done`,
      [
        this.#options.group,
        this.#id,
        partitions.map(({ topic }) => topic),
        partitions.map(({ partition }) => partition),
        partitions.map(({ fencingToken }) => fencingToken),
        GROUPS_CHANNEL,
      ],
    );
  }

  async #leave(): Promise<void> {
    await this.#options.pool.query("DELETE FROM event_log.members WHERE group_name = $1 AND member = $2", [
      this.#options.group,
      this.#id,
    ]);
    await this.#release([...this.#partitions.values()]);
    this.#partitions.clear();
  }

  /**
   * One query for all partitions that have nothing to do, except those that were empty at the last news; at most
   * `concurrency` work at once.
   */
  async #fetch(): Promise<void> {
    const news = this.#news;
    const partitions = [...this.#partitions.values()];
    const room = this.#options.concurrency - partitions.filter((partition) => partition.busy).length;
    const idle = partitions.filter((partition) => !partition.busy && partition.emptyAtNews !== news);
    if (room <= 0 || idle.length === 0) return;
    const { rows } = await this.#options.pool.query<LogRow>({
      name: "log-fetch",
      text: `SELECT e.topic, e.partition, e.log_offset, e.event_id, e.key, e.payload, e.headers, e.replay_for, e.written_at
       FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS want(topic, partition, from_offset)
       CROSS JOIN LATERAL (
         SELECT * FROM event_log.events l
         WHERE l.topic = want.topic AND l.partition = want.partition AND l.log_offset >= want.from_offset
         ORDER BY l.log_offset LIMIT $4) e`,
      values: [
        idle.map(({ topic }) => topic),
        idle.map(({ partition }) => partition),
        idle.map(({ nextOffset }) => nextOffset.toString()),
        LARGEST_DELIVERY,
      ],
    });
    const asked = new Map(idle.map((partition) => [`${partition.topic}/${partition.partition}`, partition]));
    const fetched = new Map<string, LogRow[]>();
    for (const row of rows) {
      const name = `${row.topic}/${row.partition}`;
      const batch = fetched.get(name);
      if (batch === undefined) fetched.set(name, [row]);
      else batch.push(row);
    }
    for (const [name, partition] of asked) if (!fetched.has(name)) partition.emptyAtNews = news;
    let started = 0;
    for (const [name, batch] of fetched) {
      const partition = asked.get(name);
      // Claimed anew meanwhile, it reads on from another position.
      if (partition === undefined || this.#partitions.get(name) !== partition) continue;
      if (partition.busy || started >= room) continue;
      started += 1;
      if (batch.length < LARGEST_DELIVERY) partition.emptyAtNews = news;
      partition.work(batch);
    }
    // Those that come first in the map must not starve the others.
    for (const name of [...fetched.keys()].slice(0, started)) {
      const partition = this.#partitions.get(name);
      if (partition === undefined) continue;
      this.#partitions.delete(name);
      this.#partitions.set(name, partition);
    }
  }
}
