import type { Claim, Failure, QueuePlace, WorkerState, WorkQueue } from "@aios/core-proving-queue/work-queue";
import type { Clock } from "@aios/kernel/clock";
import type { TimestampMs } from "@aios/kernel/units";
import type { Prisma, PrismaClient } from "../../../generated/prisma/client.js";
import type { ProofSystem } from "../../domain/proof-system.js";
import type { WorkRow, WorkRows } from "./work-rows.js";

/** What every table of work has in common: a queue whose rows are claimed, renewed, postponed and ended. */
export abstract class PrismaWorkQueue<T> implements WorkQueue<T> {
  constructor(
    protected readonly prisma: PrismaClient,
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
    const taken = await this.rows.claim(this.prisma, worker, this.systems());
    return taken === undefined ? undefined : { claim: taken.claim, work: this.workOf(taken.row) };
  }

  renew(claim: Claim, leaseMs: number): Promise<boolean> {
    return this.rows.renew(this.prisma, claim, leaseMs);
  }

  postpone(claim: Claim, until: TimestampMs): Promise<void> {
    return this.rows.postpone(this.prisma, claim, Math.max(0, until - this.clock.now()));
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
    return this.rows.depth(this.prisma);
  }

  place(id: string): Promise<QueuePlace | undefined> {
    return this.rows.place(this.prisma, id);
  }
}

/** A row's columns by the names that Prisma gives them, where these are the same in another case. */
export function fieldsOf(row: WorkRow): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
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
