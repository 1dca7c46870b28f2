import { CodedError } from "@aios/kernel/coded-error";
import {
  currentDatabase,
  type DatabaseDefinition,
  objectsThere,
  readDefinition,
  type SequenceValues,
  type SqlSession,
  type TableDefinition,
} from "./database-definition.js";

const ROWS_AT_ONCE = 200;

/** Rows of one table in PostgreSQL's own text form, a few at a time. Inside of `beginCopy`. */
export async function* readRows(
  session: SqlSession,
  { name }: TableDefinition,
): AsyncGenerator<readonly string[]> {
  // An alias that no column has: a column of its name would be taken instead of the row.
  await session.query(
    `DECLARE copied_rows NO SCROLL CURSOR FOR SELECT ("copied row")::text AS text FROM ${name} AS "copied row"`,
  );
  for (;;) {
    const { rows } = await session.query<{ text: string }>(`FETCH ${ROWS_AT_ONCE} FROM copied_rows`);
    if (rows.length > 0) yield rows.map(({ text }) => text);
    if (rows.length < ROWS_AT_ONCE) break;
  }
  await session.query("CLOSE copied_rows");
}

/**
 * Makes schemas, functions and tables without rows, in a database that has none, or that `replace` empties first. All of
 * it is undone with the transaction. Throws `target-not-empty`.
 */
export async function createTables(
  session: SqlSession,
  definition: DatabaseDefinition,
  { replace }: { readonly replace: boolean },
): Promise<void> {
  const there = await objectsThere(session);
  if (there.length > 0 && !replace) throw notEmpty(await currentDatabase(session), there);
  for (const drop of there) await session.query(`DROP ${drop.replace(" ", " IF EXISTS ")} CASCADE`);
  for (const schema of definition.schemas) await session.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  for (const statement of [...definition.functions, ...definition.sequences]) await session.query(statement);
  for (const { create } of definition.tables) await session.query(create);
}

/** Rows as `readRows` gave them. */
export async function writeRows(
  session: SqlSession,
  { name, columns }: TableDefinition,
  rows: readonly string[],
): Promise<void> {
  const values = columns.map((column) => `("copied row").${column}`).join(", ");
  await session.query(
    `INSERT INTO ${name} (${columns.join(", ")}) OVERRIDING SYSTEM VALUE
       SELECT ${values} FROM (
         SELECT row_text::${name} AS "copied row" FROM unnest($1::text[]) AS row_text OFFSET 0) AS parsed_once`,
    [rows],
  );
}

/**
 * Keys, indexes, triggers and sequences, after the rows; then asks the database whether all of it is as it was. Throws
 * `schema-differs`.
 */
export async function finishTables(
  session: SqlSession,
  definition: DatabaseDefinition,
  sequences: SequenceValues,
): Promise<void> {
  for (const statement of definition.afterRows) await session.query(statement);
  for (const [name, { value, isCalled }] of Object.entries(sequences))
    await session.query("SELECT setval($1::text::regclass, $2::bigint, $3)", [name, value, isCalled]);
  const made = await readDefinition(session);
  const missing = differing(definition, made);
  if (missing !== undefined) throw differs(await currentDatabase(session), missing);
}

function differing(wanted: DatabaseDefinition, made: DatabaseDefinition): string | undefined {
  const statements = ({ schemas, functions, sequences, tables, afterRows }: DatabaseDefinition): string[] => [
    ...schemas,
    ...functions,
    ...sequences,
    ...tables.map(({ create }) => create),
    ...afterRows,
  ];
  const there = new Set(statements(made));
  return statements(wanted).find((statement) => !there.has(statement));
}

const notEmpty = (database: string, there: readonly string[]): CodedError =>
  new CodedError({
    code: "target-not-empty",
    kind: "conflict",
    message: `The database ${database} is not empty (${there.length} tables, sequences and functions). Name an empty one, or replace what is there with --replace.`,
  });

const differs = (database: string, statement: string): CodedError =>
  new CodedError({
    code: "schema-differs",
    kind: "internal",
    message: `The server of ${database} made something else than the backup says; nothing was kept of it. It should have: ${statement}`,
  });
