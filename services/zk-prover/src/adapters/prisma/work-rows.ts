import { deadlinePassed, failureOf } from "@aios/core-proving-queue/work-policy";
import {
  type Claim,
  type Failure,
  leaseLost,
  MAX_ENDED_AT_ONCE,
  type QueuePlace,
  type WorkerState,
} from "@aios/core-proving-queue/work-queue";
import type { TimestampMs } from "@aios/kernel/units";
import { executeSql, querySql, type SqlTransaction } from "@aios/service-kit/sql-executor";
import { PROOF_SYSTEMS, type ProofSystem } from "../../domain/proof-system.js";

/** `lease_until` of work that nobody holds lies no later than this; of work whose holder vanished it does. */
const NEVER_HELD = "'epoch'";

/**
 * State of open work. A replica of a release that knows Groth16 alone takes only what has that system's states.
 */
export function openState(state: string, proofSystem: ProofSystem): string {
  return proofSystem === "groth16" ? state : `${state}:${proofSystem}`;
}

/** The same states of all these systems' work. */
export function openStates(
  states: readonly string[],
  systems: readonly ProofSystem[] = PROOF_SYSTEMS,
): string[] {
  return systems.flatMap((system) => states.map((state) => openState(state, system)));
}

/** The state of a row, whatever its proof system. */
export function stateOfRow(row: { readonly state: string }): string {
  return row.state.split(":")[0] ?? "";
}

/** How a table is a queue. The names are constants of this service, never input. */
export interface WorkTable {
  readonly table: string;
  /** Their names; each stands for one a proof system. */
  readonly openStates: readonly string[];
  /** State of work that somebody holds; its proof system stays. */
  readonly heldState: string;
  /** SQL expressions over a row: its name, its group, its priority, its deadline. */
  readonly id: string;
  readonly group: string;
  readonly priority: string;
  readonly deadline: string;
  /** All that this release knows: by name, since `*` is something else once a newer release has added one. */
  readonly columns: readonly string[];
}

/** Columns by their names in the database. */
export type WorkRow = Readonly<Record<string, unknown>>;

interface ClaimedRow extends WorkRow {
  readonly work_id: string;
  /** A number, or its digits: by the client that asked. */
  readonly fencing_token: bigint | string;
  readonly attempts: number;
  readonly abandonments: number;
  readonly work_deadline: Date | null;
  readonly trace_headers: Readonly<Record<string, string>>;
}

const SYSTEM_OF_STATE = `coalesce(substring("state" from ':.*'), '')`;
const MS = "* interval '1 millisecond'";
/** Of a row that nobody holds: 1 where whoever held it vanished. */
const VANISHED = `CASE WHEN "lease_until" > ${NEVER_HELD} THEN 1 ELSE 0 END`;

/** Lease handling of a queue table; the database's clock counts, so that replicas agree on time. */
export class WorkRows {
  readonly #names: WorkTable;
  readonly #open: string;

  constructor(names: WorkTable) {
    this.#names = names;
    this.#open = openStates(names.openStates)
      .map((state) => `'${state}'`)
      .join(", ");
  }

  /**
   * Takes what `compareForClaim` puts first of these systems' work, skipping what another worker is just taking. Answers the
   * row with it, since each further question is a turn of the database while somebody waits for a proof.
   */
  async claim(
    sql: SqlTransaction,
    { leaseMs, loaded, patienceMs, leaves = [] }: WorkerState,
    systems: readonly ProofSystem[],
  ): Promise<{ readonly claim: Claim; readonly row: WorkRow } | undefined> {
    const { table, id, heldState, group, priority, deadline, columns } = this.#names;
    const text = `UPDATE "${table}" SET "state" = '${heldState}' || ${SYSTEM_OF_STATE}, "fencing_token" = "fencing_token" + 1, "attempts" = "attempts" + 1,
         "abandonments" = "abandonments" + ${VANISHED},
         "lease_until" = clock_timestamp() + $1::float8 ${MS}
       WHERE (${id}) = (
         SELECT ${id} FROM "${table}"
         WHERE "state" = ANY($4::text[]) AND "lease_until" <= clock_timestamp() AND "next_attempt_at" <= clock_timestamp()
           AND (${id}) <> ALL($5::text[])
         ORDER BY "abandonments" + ${VANISHED}, ${priority} DESC,
           ((${group}) = ANY($2::text[]) OR "requested_at" <= clock_timestamp() - $3::float8 ${MS}) DESC,
           ${deadline} NULLS LAST, "requested_at", (${id})
         LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING ${columns.join(", ")}, ${id} AS "work_id", ${deadline} AS "work_deadline"`;
    const states = openStates(this.#names.openStates, systems);
    const [row] = await querySql<ClaimedRow>(sql, { name: `claim-${table}`, text }, [
      leaseMs,
      loaded,
      patienceMs,
      states,
      leaves,
    ]);
    if (row === undefined) return undefined;
    const claim = {
      id: row.work_id,
      fencingToken: BigInt(row.fencing_token),
      attempts: row.attempts,
      abandonments: row.abandonments,
      deadline: row.work_deadline === null ? undefined : (row.work_deadline.getTime() as TimestampMs),
      traceHeaders: row.trace_headers,
    };
    return { claim, row };
  }

  /** Ends what is past its deadline and held by nobody, whatever its proof system. */
  async endOverdue(
    sql: SqlTransaction,
  ): Promise<readonly { readonly id: string; readonly failure: Failure }[]> {
    const { table, id, deadline } = this.#names;
    const { code, message } = deadlinePassed(0);
    const text = `WITH "overdue" AS MATERIALIZED (
         SELECT ${id} AS "overdue_id" FROM "${table}"
         WHERE "state" IN (${this.#open}) AND ${deadline} <= clock_timestamp() AND "lease_until" <= clock_timestamp()
         ORDER BY ${deadline} LIMIT ${MAX_ENDED_AT_ONCE} FOR UPDATE SKIP LOCKED)
       UPDATE "${table}" SET "state" = 'failed', "ended_at" = clock_timestamp(), "error_code" = $1::text,
         "error_message" = $2::text,
         "error_details" = jsonb_build_object('deadline', round(extract(epoch from ${deadline}) * 1000))
       FROM "overdue" WHERE (${id}) = "overdue_id"
       RETURNING ${id} AS "id", ${deadline} AS "deadline"`;
    const rows = await querySql<{ readonly id: string; readonly deadline: Date }>(sql, { text }, [
      code,
      message,
    ]);
    return rows.map((row) => ({ id: row.id, failure: failureOf(deadlinePassed(row.deadline.getTime())) }));
  }

  async depth(sql: SqlTransaction): Promise<number> {
    const text = `SELECT count(*) AS "count" FROM "${this.#names.table}" WHERE "state" IN (${this.#open})`;
    const rows = await querySql<{ readonly count: bigint | string }>(sql, { text }, []);
    return Number(rows[0]?.count ?? 0);
  }

  /**
   * In the order of `claim`, for a worker that has nothing loaded. Looks at other rows only where this one waits, and sorts
   * none: whoever watches a proof asks again and again.
   */
  async place(sql: SqlTransaction, of: string): Promise<QueuePlace | undefined> {
    const { table, id, priority, deadline } = this.#names;
    const rank = `"abandonments" + ${VANISHED}, -(${priority}), coalesce(${deadline}, 'infinity'::timestamptz), "requested_at", ${id}`;
    const waits = `"state" IN (${this.#open}) AND "lease_until" <= clock_timestamp()`;
    const text = `WITH "own" ("o1", "o2", "o3", "o4", "o5") AS MATERIALIZED (
         SELECT ${rank} FROM "${table}" WHERE (${id}) = $1::text AND ${waits})
       SELECT "place", "waiting" FROM "own" CROSS JOIN LATERAL (
         SELECT count(*) FILTER (WHERE (${rank}) <= ("o1", "o2", "o3", "o4", "o5")) AS "place", count(*) AS "waiting"
         FROM "${table}" WHERE ${waits}) AS "queue"`;
    const [row] = await querySql<{
      readonly place: bigint | string;
      readonly waiting: bigint | string;
    }>(sql, { text }, [of]);
    return row === undefined ? undefined : { place: Number(row.place), waiting: Number(row.waiting) };
  }

  async renew(sql: SqlTransaction, claim: Claim, leaseMs: number): Promise<boolean> {
    return (
      (await this.#write(sql, `"lease_until" = clock_timestamp() + $3::float8 ${MS}`, claim, leaseMs)) === 1
    );
  }

  /** Loses nothing when the lease is gone: somebody else works on it then. */
  async postpone(sql: SqlTransaction, claim: Claim, delayMs: number): Promise<void> {
    await this.#write(
      sql,
      `"lease_until" = '-infinity', "next_attempt_at" = clock_timestamp() + $3::float8 ${MS}`,
      claim,
      delayMs,
    );
  }

  async fail(sql: SqlTransaction, claim: Claim, failure: Failure): Promise<void> {
    const { code, message, details } = failure;
    const written = await this.#write(
      sql,
      `"state" = 'failed', "ended_at" = clock_timestamp(), "error_code" = $3::text, "error_message" = $4::text, "error_details" = $5::text::jsonb`,
      claim,
      code,
      message,
      JSON.stringify(details),
    );
    if (written !== 1) throw leaseLost();
  }

  #write(sql: SqlTransaction, assignments: string, claim: Claim, ...values: unknown[]): Promise<number> {
    const { table, id } = this.#names;
    const text = `UPDATE "${table}" SET ${assignments}
       WHERE (${id}) = $1::text AND "fencing_token" = $2::text::bigint AND "state" IN (${this.#open})`;
    return executeSql(sql, { text }, [claim.id, claim.fencingToken.toString(), ...values]);
  }
}
