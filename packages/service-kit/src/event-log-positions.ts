import { type PostgresPool, WITHOUT_FLUSH } from "./postgres-pool.js";
import { TurnBatch } from "./turn-batch.js";

/** Where a group reads on in a partition that a member holds under this token. */
export interface HeldPosition {
  readonly topic: string;
  readonly partition: number;
  readonly fencingToken: string;
  readonly nextOffset: bigint;
}

export interface Holder {
  readonly group: string;
  readonly member: string;
}

interface MovedRow {
  readonly topic: string;
  readonly partition: number;
}

/** Moves a member's positions on, in one statement for all partitions that ask in the same turn of the event loop. */
export class EventLogPositions {
  readonly #pool: PostgresPool;
  readonly #holder: Holder;
  readonly #turn = new TurnBatch<HeldPosition, boolean>((positions) => {
    // Not flushed at once: a position that a crash of the server takes back delivers the same events again.
    const moved = advanceAll(this.#pool, this.#holder, positions, UNFLUSHED);
    return async ({ topic, partition }) => (await moved).has(`${topic}/${partition}`);
  });

  constructor(pool: PostgresPool, holder: Holder) {
    this.#pool = pool;
    this.#holder = holder;
  }

  /** False where the partition belongs to another member now, or the group was moved. */
  advance(position: HeldPosition): Promise<boolean> {
    return this.#turn.hand(position);
  }
}

/** The same within the caller's transaction. */
export async function advanceWithin(
  transaction: Pick<PostgresPool, "query">,
  holder: Holder,
  position: HeldPosition,
): Promise<boolean> {
  return (await advanceAll(transaction, holder, [position], FLUSHED)).size === 1;
}

const FLUSHED = { name: "log-advance", when: "true" };
const UNFLUSHED = { name: "log-advance-unflushed", when: WITHOUT_FLUSH };

/** Locks rows in one order, as all who move several do. */
async function advanceAll(
  client: Pick<PostgresPool, "query">,
  { group, member }: Holder,
  positions: readonly HeldPosition[],
  { name, when }: { readonly name: string; readonly when: string },
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<MovedRow>({
    name,
    text: `UPDATE event_log.positions p SET next_offset = held.next_offset
     FROM (SELECT q.topic, q.partition, m.next_offset
           FROM event_log.positions q
           JOIN unnest($3::text[], $4::integer[], $5::bigint[], $6::bigint[])
             AS m(topic, partition, fencing_token, next_offset)
             ON q.topic = m.topic AND q.partition = m.partition AND q.fencing_token = m.fencing_token
           WHERE q.group_name = $1 AND q.owner = $2 AND ${when}
           ORDER BY q.topic, q.partition FOR UPDATE OF q) AS held
     WHERE p.group_name = $1 AND p.topic = held.topic AND p.partition = held.partition
     RETURNING p.topic, p.partition`,
    values: [
      group,
      member,
      positions.map(({ topic }) => topic),
      positions.map(({ partition }) => partition),
      positions.map(({ fencingToken }) => fencingToken),
      positions.map(({ nextOffset }) => nextOffset.toString()),
    ],
  });
  return new Set(rows.map(({ topic, partition }) => `${topic}/${partition}`));
}
