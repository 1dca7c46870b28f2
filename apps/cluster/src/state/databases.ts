import type { Clock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import { type ArchivedEntry, bytesEntry, packArchive, readArchive } from "@aios/launcher/backup/archive";
import { bytesOf } from "@aios/launcher/backup/cluster-archive";
import { createDatabaseIfMissing, openConnection, withConnection } from "@aios/service-kit/database";
import { createTables, finishTables, readRows, writeRows } from "@aios/service-kit/database-copy";
import {
  beginCopy,
  type DatabaseDefinition,
  otherSessions,
  readDefinition,
  readSequences,
  type SequenceValues,
  type SqlSession,
} from "@aios/service-kit/database-definition";

/** URLs by the name that a database has in the archive. */
export type DatabaseUrls = ReadonlyMap<string, string>;
/** Rows of each database. */
export type RowCounts = Readonly<Record<string, number>>;

const PIECE_LENGTH = 1024 ** 2;
const OTHERS_LEAVE_MS = 30_000;
const POLL_MS = 500;

interface DatabaseHead {
  readonly definition: DatabaseDefinition;
  readonly sequences: SequenceValues;
}

/**
 * Definition and rows of databases, each of one moment; of all together where nobody writes, which is asked of the
 * server. Throws `database-in-use`, `unknown-schema`.
 */
export function packDatabases(urls: DatabaseUrls, clock: Clock): AsyncGenerator<Buffer> {
  return packArchive(allEntries(urls, clock), new Date(clock.now()).toISOString());
}

async function* allEntries(urls: DatabaseUrls, clock: Clock): AsyncGenerator<ArchivedEntry> {
  for (const [name, url] of urls) {
    const session = await openConnection(url);
    try {
      await requireAlone(session, name, clock);
      await beginCopy(session, "read");
      yield* databaseEntries(session, name);
    } finally {
      await session.end();
    }
  }
}

async function* databaseEntries(session: SqlSession, name: string): AsyncGenerator<ArchivedEntry> {
  const definition = await readDefinition(session);
  const head: DatabaseHead = { definition, sequences: await readSequences(session) };
  yield jsonEntry(`${name}/head.json`, head);
  let total = 0;
  for (const [index, table] of definition.tables.entries()) {
    let number = 0;
    for await (const rows of inPieces(readRows(session, table))) {
      yield jsonEntry(`${name}/rows/${index}/${number++}.json`, rows);
      total += rows.length;
    }
  }
  yield jsonEntry(`${name}/rows.json`, { rows: total });
}

/** Rows in pieces of about one size: neither one by one nor more than memory bears. */
async function* inPieces(batches: AsyncIterable<readonly string[]>): AsyncGenerator<readonly string[]> {
  let piece: string[] = [];
  let length = 0;
  for await (const batch of batches) {
    for (const row of batch) {
      piece.push(row);
      length += row.length;
      if (length < PIECE_LENGTH) continue;
      yield piece;
      [piece, length] = [[], 0];
    }
  }
  if (piece.length > 0) yield piece;
}

/**
 * Puts databases from an archive in their places: all are written in transactions that are open until the whole archive
 * was read and checked, so that a failure before leaves every one as it was. Throws `target-not-empty`,
 * `database-in-use`, `database-unknown`, `schema-differs`, `commit-cut-off`, and what opening an archive throws.
 */
export async function loadDatabases(
  urls: DatabaseUrls,
  archive: AsyncIterable<Buffer>,
  { replace, clock }: { readonly replace: boolean; readonly clock: Clock },
): Promise<RowCounts> {
  const entries = readArchive(archive)[Symbol.asyncIterator]();
  const first = await entries.next();
  if (first.done === true) return {};
  const commits = { begun: false };
  try {
    return await loadNext(urls, { entry: first.value, entries, replace, clock, commits });
  } catch (error) {
    throw commits.begun ? cutOff(error) : error;
  }
}

interface Reading {
  readonly entry: ArchivedEntry;
  readonly entries: AsyncIterator<ArchivedEntry>;
  readonly replace: boolean;
  readonly clock: Clock;
  /** From the first one on, it is not known any more what was kept where. */
  readonly commits: { begun: boolean };
}

/** One database, and inside of its transaction the next: the innermost commits first, when all of them are written. */
async function loadNext(urls: DatabaseUrls, reading: Reading): Promise<RowCounts> {
  const name = reading.entry.path.split("/")[0] ?? "";
  const url = urls.get(name);
  if (url === undefined) throw unknownDatabase(name);
  await createDatabaseIfMissing(url);
  return withConnection(url, async (session) => {
    await requireAlone(session, name, reading.clock);
    await beginCopy(session, "write");
    const { rows, next } = await writeDatabase(session, reading);
    const others = next === undefined ? {} : await loadNext(urls, { ...reading, entry: next });
    reading.commits.begun = true;
    await session.query("COMMIT");
    return { [name]: rows, ...others };
  });
}

async function writeDatabase(
  session: SqlSession,
  { entry, entries, replace }: Reading,
): Promise<{ readonly rows: number; readonly next: ArchivedEntry | undefined }> {
  const [name] = entry.path.split("/");
  const { definition, sequences } = await jsonOf<DatabaseHead>(entry);
  await createTables(session, definition, { replace });
  let rows = 0;
  for (;;) {
    const { done, value } = await entries.next();
    const [owner, kind, index] = done === true ? [] : value.path.split("/");
    if (done === true || owner !== name) {
      await finishTables(session, definition, sequences);
      return { rows, next: done === true ? undefined : value };
    }
    if (kind === "rows.json") {
      const { rows: expected } = await jsonOf<{ rows: number }>(value);
      if (expected !== rows) throw new Error(`${name} has ${rows} rows of ${expected}`);
      continue;
    }
    const table = definition.tables[Number(index)];
    if (table === undefined) throw new Error(`${value.path} belongs to no table`);
    const batch = await jsonOf<readonly string[]>(value);
    await writeRows(session, table, batch);
    rows += batch.length;
  }
}

/** Whoever was stopped may take a moment to go; whoever stays would write meanwhile. */
async function requireAlone(session: SqlSession, name: string, clock: Clock): Promise<void> {
  const endsAt = clock.now() + OTHERS_LEAVE_MS;
  for (;;) {
    const others = await otherSessions(session);
    if (others.length === 0) return;
    if (clock.now() >= endsAt) {
      throw new CodedError({
        code: "database-in-use",
        kind: "conflict",
        message: `The database of ${name} is used by ${others.join(", ")}, under the role of AiOS. Stop that first: only then is all state of one moment.`,
        details: { database: name, others },
      });
    }
    await clock.wait(durationMs(POLL_MS));
  }
}

async function jsonOf<T>(entry: ArchivedEntry): Promise<T> {
  return JSON.parse((await bytesOf(entry)).toString()) as T;
}

const jsonEntry = (path: string, value: unknown): ArchivedEntry =>
  bytesEntry(path, Buffer.from(JSON.stringify(value)));

const cutOff = (cause: unknown): CodedError =>
  new CodedError({
    code: "commit-cut-off",
    kind: "unavailable",
    message: `The servers did not confirm every database, so that some may have the backup's state and others not: ${cause instanceof Error ? cause.message : String(cause)}`,
    cause,
  });

const unknownDatabase = (name: string): CodedError =>
  new CodedError({
    code: "database-unknown",
    kind: "invalid",
    message: `The backup has a database ${name}, and no Secret of this release says where it belongs.`,
  });
