import { CodedError } from "@aios/kernel/coded-error";
import pg from "pg";

/** A connection, or what stands for one. */
export type SqlSession = Pick<pg.Client, "query">;

export interface TableDefinition {
  /** Schema and name, quoted as SQL takes them. */
  readonly name: string;
  readonly create: string;
  /** Quoted columns that rows are written with: all but generated ones. */
  readonly columns: readonly string[];
}

/** Everything that a database is made of but its rows, as statements in the order in which they can be run. */
export interface DatabaseDefinition {
  readonly schemas: readonly string[];
  readonly functions: readonly string[];
  /** Sequences that no identity column makes. */
  readonly sequences: readonly string[];
  readonly tables: readonly TableDefinition[];
  /** What is faster, or only right, once the rows are there: owners of sequences, keys, indexes, references, triggers. */
  readonly afterRows: readonly string[];
}

/** Where a sequence stands, by its quoted name. */
export type SequenceValues = Readonly<Record<string, { readonly value: string; readonly isCalled: boolean }>>;

const OURS = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'`;
/** What an extension brought along is made by the extension. */
const OWN = (catalogue: string, alias: string): string =>
  `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${catalogue}'::regclass AND e.objid = ${alias}.oid AND e.deptype = 'e')`;

/**
 * For the transaction: names with their schema, values as text that any session reads alike, and no limit to a long
 * statement or pause. Local, so that it holds behind a pool of the operator's too.
 */
const SESSION = `
SET LOCAL search_path = '';
SET LOCAL datestyle = 'ISO, MDY';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL timezone = 'UTC';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex';
SET LOCAL check_function_bodies = off;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL lock_timeout = '30s'`;

/** Begins a transaction that sees one moment of a database, or writes one whole. */
export async function beginCopy(session: SqlSession, mode: "read" | "write"): Promise<void> {
  await session.query(mode === "read" ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN");
  await session.query(SESSION);
}

/** Inside of `beginCopy`. Throws `unknown-schema` for what it does not know to make again, which it names. */
export async function readDefinition(session: SqlSession): Promise<DatabaseDefinition> {
  await refuseUnknown(session);
  const texts = async (sql: string): Promise<readonly string[]> =>
    (await session.query<{ text: string }>(sql)).rows.map(({ text }) => text);
  return {
    schemas: await texts(
      `SELECT quote_ident(n.nspname) AS text FROM pg_namespace n WHERE ${OURS} AND n.nspname <> 'public' ORDER BY 1`,
    ),
    functions: await texts(
      `SELECT pg_get_functiondef(p.oid) AS text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE ${OURS} AND ${OWN("pg_proc", "p")} ORDER BY n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)`,
    ),
    sequences: await texts(
      `SELECT 'CREATE SEQUENCE ' || ${NAME} || ${SEQUENCE_OPTIONS} AS text
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence s ON s.seqrelid = c.oid
        WHERE ${OURS} AND ${OWN("pg_class", "c")} AND NOT ${BELONGS("c.oid", "i")} ORDER BY 1`,
    ),
    tables: await readTables(session),
    afterRows: [
      ...(await texts(SEQUENCE_OWNERS)),
      ...(await texts(constraints("c.contype IN ('p', 'u', 'c', 'x')"))),
      ...(await texts(INDEXES)),
      ...(await texts(constraints("c.contype = 'f'"))),
      ...(await texts(TRIGGERS)),
    ],
  };
}

/** Inside of `beginCopy`. */
export async function readSequences(session: SqlSession): Promise<SequenceValues> {
  const { rows } = await session.query<{ name: string }>(
    `SELECT ${NAME} AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'S' AND ${OURS} AND ${OWN("pg_class", "c")} ORDER BY 1`,
  );
  const values: Record<string, { value: string; isCalled: boolean }> = {};
  for (const { name } of rows) {
    const at = await session.query<{ value: string; isCalled: boolean }>(
      `SELECT last_value::text AS value, is_called AS "isCalled" FROM ${name}`,
    );
    values[name] = at.rows[0] ?? { value: "1", isCalled: false };
  }
  return values;
}

const NAME = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)";
const SEQUENCE_OPTIONS = `' AS ' || format_type(s.seqtypid, NULL) || ' START WITH ' || s.seqstart || ' INCREMENT BY ' || s.seqincrement
  || ' MINVALUE ' || s.seqmin || ' MAXVALUE ' || s.seqmax || ' CACHE ' || s.seqcache || CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END`;
/** Whether a sequence is a column's: `i` of its identity, `a` of its default. */
const BELONGS = (sequence: string, how: "i" | "a"): string =>
  `EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = ${sequence}
     AND d.refclassid = 'pg_class'::regclass AND d.deptype = '${how}')`;

const SEQUENCE_OWNERS = `
SELECT 'ALTER SEQUENCE ' || ${NAME} || ' OWNED BY ' || d.refobjid::regclass || '.' || quote_ident(a.attname) AS text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'
  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
 WHERE c.relkind = 'S' AND ${OURS} ORDER BY 1`;

const constraints = (kinds: string): string => `
SELECT 'ALTER TABLE ' || c.conrelid::regclass || ' ADD CONSTRAINT ' || quote_ident(c.conname) || ' ' || pg_get_constraintdef(c.oid) AS text
  FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
 WHERE ${kinds} AND ${OURS} AND ${OWN("pg_class", "r")} ORDER BY 1`;

const INDEXES = `
SELECT pg_get_indexdef(i.indexrelid) AS text
  FROM pg_index i JOIN pg_class r ON r.oid = i.indrelid JOIN pg_namespace n ON n.oid = r.relnamespace
 WHERE ${OURS} AND ${OWN("pg_class", "r")}
   AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x')) ORDER BY 1`;

const TRIGGERS = `
SELECT pg_get_triggerdef(t.oid) AS text
  FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid JOIN pg_namespace n ON n.oid = r.relnamespace
 WHERE NOT t.tgisinternal AND ${OURS} AND ${OWN("pg_class", "r")} ORDER BY 1`;

interface ColumnRow {
  readonly table: string;
  readonly head: string;
  readonly options: string | null;
  readonly column: string;
  readonly definition: string;
  readonly isGenerated: boolean;
}

const COLUMNS = `
SELECT ${NAME} AS table,
       CASE c.relpersistence WHEN 'u' THEN 'CREATE UNLOGGED TABLE ' ELSE 'CREATE TABLE ' END AS head,
       array_to_string(c.reloptions, ', ') AS options,
       quote_ident(a.attname) AS column,
       a.attgenerated <> '' AS "isGenerated",
       quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
         || CASE WHEN a.attcollation <> y.typcollation
              THEN (SELECT ' COLLATE ' || quote_ident(m.nspname) || '.' || quote_ident(l.collname)
                      FROM pg_collation l JOIN pg_namespace m ON m.oid = l.collnamespace WHERE l.oid = a.attcollation) ELSE '' END
         || CASE WHEN a.attgenerated = 's' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(f.adbin, f.adrelid) || ') STORED'
                 WHEN a.attgenerated = 'v' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(f.adbin, f.adrelid) || ')'
                 WHEN f.adbin IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(f.adbin, f.adrelid) ELSE '' END
         || CASE WHEN a.attidentity <> '' THEN ' GENERATED ' || CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END
              || ' AS IDENTITY (SEQUENCE NAME ' || i.name || ' ' || i.options || ')' ELSE '' END
         || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END AS definition
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type y ON y.oid = a.atttypid
  LEFT JOIN pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum
  LEFT JOIN LATERAL (
    SELECT s.seqrelid::regclass::text AS name,
           'START WITH ' || s.seqstart || ' INCREMENT BY ' || s.seqincrement || ' MINVALUE ' || s.seqmin
             || ' MAXVALUE ' || s.seqmax || ' CACHE ' || s.seqcache || CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END AS options
      FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
       AND d.refobjsubid = a.attnum AND d.deptype = 'i') i ON true
 WHERE c.relkind = 'r' AND ${OURS} AND ${OWN("pg_class", "c")} ORDER BY 1, a.attnum`;

async function readTables(session: SqlSession): Promise<readonly TableDefinition[]> {
  const { rows } = await session.query<ColumnRow>(COLUMNS);
  const byTable = new Map<string, ColumnRow[]>();
  for (const row of rows) {
    const columns = byTable.get(row.table);
    if (columns === undefined) byTable.set(row.table, [row]);
    else columns.push(row);
  }
  return [...byTable].map(([name, columns]) => {
    const { head, options } = columns[0] as ColumnRow;
    const written = columns.map(({ definition }) => definition).join(", ");
    return {
      name,
      create: `${head}${name} (${written})${options === null ? "" : ` WITH (${options})`}`,
      columns: columns.filter(({ isGenerated }) => !isGenerated).map(({ column }) => column),
    };
  });
}

/** A backup that left something out would be none: what no migration of this platform makes is refused. */
async function refuseUnknown(session: SqlSession): Promise<void> {
  const { rows } = await session.query<{ what: string }>(
    `SELECT CASE c.relkind WHEN 'v' THEN 'the view ' WHEN 'm' THEN 'the materialised view ' WHEN 'f' THEN 'the foreign table '
              WHEN 'p' THEN 'the partitioned table ' ELSE 'row security or inheritance of ' END || ${NAME} AS what
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE ${OURS} AND ${OWN("pg_class", "c")} AND (c.relkind IN ('v', 'm', 'f', 'p') OR c.relkind = 'r' AND (c.relrowsecurity
         OR EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid)))
     UNION ALL
     SELECT 'the type ' || quote_ident(n.nspname) || '.' || quote_ident(t.typname)
       FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
      WHERE ${OURS} AND ${OWN("pg_type", "t")} AND (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c')
     UNION ALL
     SELECT 'the routine ' || quote_ident(n.nspname) || '.' || quote_ident(p.proname)
       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE ${OURS} AND ${OWN("pg_proc", "p")} AND p.prokind <> 'f'
     UNION ALL
     SELECT 'the extension ' || quote_ident(x.extname) FROM pg_extension x WHERE x.extname <> 'plpgsql'
     ORDER BY 1`,
  );
  if (rows.length === 0) return;
  throw new CodedError({
    code: "unknown-schema",
    kind: "invalid",
    message: `The database ${await currentDatabase(session)} has what no service made, and a backup would lose it: ${rows
      .map(({ what }) => what)
      .join(", ")}. Move it to a database of its own.`,
  });
}

export async function currentDatabase(session: SqlSession): Promise<string> {
  const { rows } = await session.query<{ name: string }>("SELECT current_database() AS name");
  return rows[0]?.name ?? "";
}

/** Tables and functions that are there, in whatever schema; extensions' own are not counted. */
export async function objectsThere(session: SqlSession): Promise<readonly string[]> {
  const { rows } = await session.query<{ drop: string }>(
    `SELECT 'TABLE ' || ${NAME} AS drop FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND ${OURS} AND ${OWN("pg_class", "c")}
     UNION ALL
     SELECT 'SEQUENCE ' || ${NAME} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'S' AND ${OURS} AND ${OWN("pg_class", "c")} AND NOT ${BELONGS("c.oid", "i")} AND NOT ${BELONGS("c.oid", "a")}
     UNION ALL
     SELECT 'FUNCTION ' || quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')'
       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OURS} AND ${OWN("pg_proc", "p")} AND p.prokind = 'f'
     ORDER BY 1 DESC`,
  );
  return rows.map(({ drop }) => drop);
}

/** Sessions of the same role in this database, which may write while it is copied. */
export async function otherSessions(session: SqlSession): Promise<readonly string[]> {
  const { rows } = await session.query<{ name: string }>(
    `SELECT DISTINCT coalesce(nullif(application_name, ''), 'a program without a name') AS name FROM pg_stat_activity
      WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
