import type { Claim, Failure, QueuePlace, WorkerState, WorkQueue } from "@aios/core-proving-queue/work-queue";
import type { Clock } from "@aios/kernel/clock";
import type { TimestampMs } from "@aios/kernel/units";
import type { PgSqlClient } from "@aios/service-kit/sql-executor";
import type { Prisma, PrismaClient } from "../../../generated/prisma/client.js";
import type { ProofSystem } from "../../domain/proof-system.js";
import type { WorkRow, WorkRows } from "./work-rows.js";

/**
 * What every table of work has in common: a queue whose rows are claimed, renewed, postponed and ended. Single statements
 * go to the pool itself, where a connection plans the frequent ones once; Prisma takes them apart first each time.
 */
export abstract class PrismaWorkQueue<T> implements WorkQueue<T> {
  constructor(
    protected readonly prisma: PrismaClient,
    protected readonly pool: PgSqlClient,
    protected readonly clock: Clock,
    private readonly rows: WorkRows,
    private readonly systems: () => readonly ProofSystem[],
  ) {}

  /** The work of a row. */
  protected abstract workOf(row: WorkRow): T;

  /** Tells others that the work ended without a result; leaves together with that. */
  protected abstract announceFailure(
    transaction: Prisma.TransactionClient,
    id: string,
    failure: Failure,
  ): Promise<void>;

  async claim(worker: WorkerState): Promise<{ readonly claim: Claim; readonly work: T } | undefined> {
    const taken = await this.rows.claim(this.pool, worker, this.systems());
    return taken === undefined ? undefined : { claim: taken.claim, work: this.workOf(taken.row) };
  }

  renew(claim: Claim, leaseMs: number): Promise<boolean> {
    return this.rows.renew(this.pool, claim, leaseMs);
  }

  postpone(claim: Claim, until: TimestampMs): Promise<void> {
    return this.rows.postpone(this.pool, claim, Math.max(0, until - this.clock.now()));
  }

  async fail(claim: Claim, failure: Failure): Promise<void> {
    await this.prisma.$transaction(async (transaction) => {
      await this.rows.fail(transaction, claim, failure);
      await this.announceFailure(transaction, claim.id, failure);
    });
  }

  endOverdue(): Promise<number> {
    return this.prisma.$transaction(async (transaction) => {
      const ended = await this.rows.endOverdue(transaction);
      for (const { id, failure } of ended) await this.announceFailure(transaction, id, failure);
      return ended.length;
    });
  }

  depth(): Promise<number> {
    return this.rows.depth(this.pool);
  }

  place(id: string): Promise<QueuePlace | undefined> {
    return this.rows.place(this.pool, id);
  }
}

/** A row's columns as Prisma gives them: by names of another case, and bytes as nothing more than that. */
export function fieldsOf(row: WorkRow): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value instanceof Uint8Array ? Uint8Array.from(value) : value,
    ]),
  );
}

/** Columns of a model's fields, by the same rule. */
export function columnsOf(fields: Readonly<Record<string, string>>): readonly string[] {
  return Object.values(fields).map(
    (field) => `"${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}"`,
  );
}

/** The failure of an ended row. */
export function failureOfRow(row: {
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorDetails: unknown;
}): Failure {
  return {
    code: row.errorCode ?? "",
    message: row.errorMessage ?? "",
    details: (row.errorDetails ?? {}) as Record<string, unknown>,
  };
}
