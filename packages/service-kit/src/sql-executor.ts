/** What outbox and inbox need of a transaction: a Prisma transaction client has it. */
export interface PrismaSqlClient {
  $executeRawUnsafe(sql: string, ...values: unknown[]): PromiseLike<number>;
  $queryRawUnsafe<T>(sql: string, ...values: unknown[]): PromiseLike<T>;
}

/** A connection of `pg` that is inside a transaction, or a pool. */
export interface PgSqlClient {
  query(
    statement: SqlStatement & { readonly values: unknown[] },
  ): Promise<{ readonly rowCount: number | null; readonly rows: readonly unknown[] }>;
}

export type SqlTransaction = PrismaSqlClient | PgSqlClient;

export interface SqlStatement {
  /** Of its own, for a statement that is always the same: a connection plans it once. */
  readonly name?: string;
  readonly text: string;
}

/** Runs one statement in the given transaction; answers how many rows it wrote. */
export async function executeSql(
  transaction: SqlTransaction,
  statement: SqlStatement,
  values: unknown[],
): Promise<number> {
  if ("$executeRawUnsafe" in transaction) return transaction.$executeRawUnsafe(statement.text, ...values);
  return (await transaction.query({ ...statement, values })).rowCount ?? 0;
}

/** Runs one statement in the given transaction; answers its rows, whose shape the caller knows. */
export async function querySql<Row>(
  transaction: SqlTransaction,
  statement: SqlStatement,
  values: unknown[],
): Promise<readonly Row[]> {
  if ("$queryRawUnsafe" in transaction) return transaction.$queryRawUnsafe<Row[]>(statement.text, ...values);
  return (await transaction.query({ ...statement, values })).rows as readonly Row[];
}
