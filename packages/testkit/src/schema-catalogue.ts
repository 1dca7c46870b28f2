import type pg from "pg";

/** What a process relies on of one table. */
export interface TableShape {
  readonly columns: Readonly<Record<string, ColumnShape>>;
  /** Unique indexes, as PostgreSQL describes them; `ON CONFLICT` needs them. */
  readonly unique: readonly string[];
  /** What rows must satisfy beyond their columns: checks, foreign keys, exclusions. */
  readonly constraints: readonly string[];
}

export interface ColumnShape {
  readonly type: string;
  readonly nullable: boolean;
  /** The database fills it in when a row is written without it. */
  readonly filled: boolean;
}

export interface SchemaShape {
  readonly tables: Readonly<Record<string, TableShape>>;
  readonly enums: Readonly<Record<string, readonly string[]>>;
}

const NOT_OURS = "('pg_catalog', 'information_schema')";

/** The schema of a database as PostgreSQL itself describes it, in a stable order. */
export async function readCatalogue(client: Pick<pg.Client, "query">): Promise<SchemaShape> {
  const columns = await client.query<{
    at: string;
    name: string;
    type: string;
    nullable: boolean;
    filled: boolean;
  }>(
    `SELECT n.nspname || '.' || c.relname AS at, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
            NOT a.attnotnull AS nullable, a.atthasdef OR a.attidentity <> '' AS filled
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname NOT IN ${NOT_OURS}
      ORDER BY 1, 2`,
  );
  const unique = await client.query<{ at: string; definition: string }>(
    `SELECT n.nspname || '.' || c.relname AS at,
            regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE UNIQUE INDEX \\S+ ON (ONLY )?\\S+ ', '') AS definition
       FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE i.indisunique AND n.nspname NOT IN ${NOT_OURS} AND n.nspname <> 'pg_toast' ORDER BY 1, 2`,
  );
  const constraints = await client.query<{ at: string; definition: string }>(
    `SELECT n.nspname || '.' || c.relname AS at, pg_get_constraintdef(k.oid) AS definition
       FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE k.contype IN ('c', 'f', 'x') AND n.nspname NOT IN ${NOT_OURS} ORDER BY 1, 2`,
  );
  const enums = await client.query<{ name: string; labels: string[] }>(
    `SELECT n.nspname || '.' || t.typname AS name, array_agg(e.enumlabel::text ORDER BY e.enumlabel) AS labels
       FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace
      GROUP BY 1 ORDER BY 1`,
  );
  const tables: Record<string, TableShape> = {};
  const definitionsAt = (
    rows: readonly { at: string; definition: string }[],
    at: string,
  ): readonly string[] => rows.filter((row) => row.at === at).map(({ definition }) => definition);
  for (const { at, name, type, nullable, filled } of columns.rows) {
    const table = tables[at];
    tables[at] = {
      unique: table?.unique ?? definitionsAt(unique.rows, at),
      constraints: table?.constraints ?? definitionsAt(constraints.rows, at),
      columns: { ...table?.columns, [name]: { type, nullable, filled } },
    };
  }
  return { tables, enums: Object.fromEntries(enums.rows.map(({ name, labels }) => [name, labels])) };
}

/**
 * Why processes of the release before cannot go on with today's schema: what they read is gone or has another type,
 * what they write is refused. Empty when the way from one to the other only adds.
 */
export function whatBreaks(released: SchemaShape, today: SchemaShape): readonly string[] {
  return [
    ...Object.entries(released.tables).flatMap(([name, table]) => {
      const now = today.tables[name];
      return now === undefined ? [`the table ${name} is gone`] : tableBreaks(name, table, now);
    }),
    ...Object.entries(released.enums).flatMap(([name, labels]) =>
      labels
        .filter((label) => today.enums[name]?.includes(label) !== true)
        .map((label) => `the value ${label} of ${name} is gone`),
    ),
  ];
}

function tableBreaks(name: string, released: TableShape, today: TableShape): readonly string[] {
  return [
    ...Object.entries(released.columns).flatMap(([column, was]) =>
      columnBreaks(`${name}.${column}`, was, today.columns[column]),
    ),
    ...Object.entries(today.columns)
      .filter(
        ([column, { nullable, filled }]) => released.columns[column] === undefined && !nullable && !filled,
      )
      .map(([column]) => `the new column ${name}.${column} must be given, and the release before does not`),
    ...missing(today.unique, released.unique).map((index) => `${name} must newly be unique ${index}`),
    ...missing(released.unique, today.unique).map((index) => `${name} is no longer unique ${index}`),
    ...missing(today.constraints, released.constraints).map((rule) => `${name} has the new rule ${rule}`),
  ];
}

function columnBreaks(name: string, was: ColumnShape, now: ColumnShape | undefined): readonly string[] {
  if (now === undefined) return [`the column ${name} is gone`];
  return [
    ...(now.type === was.type ? [] : [`the column ${name} was ${was.type} and is ${now.type}`]),
    ...(was.nullable && !now.nullable ? [`the column ${name} may no longer be null`] : []),
    ...(!was.nullable && now.nullable
      ? [`the column ${name} may newly be null, which its readers do not expect`]
      : []),
    ...(was.filled && !now.filled && !now.nullable ? [`the column ${name} is no longer filled in`] : []),
  ];
}

function missing(all: readonly string[], known: readonly string[]): readonly string[] {
  return all.filter((item) => !known.includes(item));
}
