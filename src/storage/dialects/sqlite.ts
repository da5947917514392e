import type { DataSource } from 'typeorm';
import { codeOf } from '../../core/driver-code.js';
import type { LoadPage, StorageFailure, StoredEntry } from '../../core/storage-adapter.js';
import { CACHE_TABLE } from '../cache-storage.entity.js';

/** Rows in one statement; SQLite takes at most 32 766 parameters. */
const ROWS_PER_STATEMENT = 1000;
/**
 * How long SQLite itself waits for a lock, ms. Short: it holds the connection meanwhile, with the reads behind it, and
 * one of the few threads that every SQLite connection of the process works on, that of the lock's owner included. The
 * longer wait is trying again.
 */
const BUSY_TIMEOUT_MS = 200;

/** What SQLite says of an entry; everything else it says of the database. */
const PERMANENT = new Set(['SQLITE_CONSTRAINT', 'SQLITE_TOOBIG', 'SQLITE_MISMATCH']);

export type SqliteSynchronous = 'full' | 'normal';

/** Runs a statement on the cache's connection. */
export type RunStatement = (sql: string, parameters?: readonly unknown[]) => Promise<unknown>;

interface SqliteRow {
  readonly key: string;
  readonly value: string;
  readonly expires_at: number | string | null;
}

/** The statements of the cache in SQLite's words. */
export class SqliteDialect {
  constructor(private readonly run: RunStatement) {}

  static of(dataSource: DataSource): SqliteDialect {
    return new SqliteDialect((sql, parameters) => dataSource.query(sql, parameters as unknown[]));
  }

  /**
   * Sets the connection up. `ownsFile` says that the file is the cache's alone: then it is switched to write-ahead
   * logging, which lets readers and the writer go on beside each other. A file of the app keeps its journal mode.
   */
  async prepare(synchronous: SqliteSynchronous, ownsFile: boolean): Promise<void> {
    await this.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    if (ownsFile) await this.run('PRAGMA journal_mode = WAL');
    await this.run(`PRAGMA synchronous = ${synchronous === 'full' ? 'FULL' : 'NORMAL'}`);
    await this.#assertWritable();
  }

  async count(namespace: string, now: number): Promise<number> {
    const rows = (await this.run(
      `SELECT COUNT(*) AS "count" FROM "${CACHE_TABLE}" WHERE "namespace" = ? AND ("expires_at" IS NULL OR "expires_at" > ?)`,
      [namespace, now],
    )) as { count: number }[];
    return rows[0]?.count ?? 0;
  }

  async load(namespace: string, { after, limit, now }: LoadPage): Promise<StoredEntry[]> {
    const from = after === undefined ? '' : 'AND "key" > ? ';
    const rows = await this.run(
      `SELECT "key", "value", "expires_at" FROM "${CACHE_TABLE}" WHERE "namespace" = ? ${from}` +
        'AND ("expires_at" IS NULL OR "expires_at" > ?) ORDER BY "key" LIMIT ?',
      after === undefined ? [namespace, now, limit] : [namespace, after, now, limit],
    );
    return (rows as SqliteRow[]).map(toEntry);
  }

  async read(namespace: string, keys: readonly string[]): Promise<StoredEntry[]> {
    const rows = await this.run(
      `SELECT "key", "value", "expires_at" FROM "${CACHE_TABLE}" WHERE "namespace" = ? AND "key" IN (${marks(keys.length)})`,
      [namespace, ...keys],
    );
    return (rows as SqliteRow[]).map(toEntry);
  }

  async writtenAt(namespace: string, keys: readonly string[]): Promise<Map<string, number>> {
    const rows = (await this.run(
      `SELECT "key", "updated_at" FROM "${CACHE_TABLE}" WHERE "namespace" = ? AND "key" IN (${marks(keys.length)})`,
      [namespace, ...keys],
    )) as { key: string; updated_at: unknown }[];
    return new Map(rows.map((row) => [row.key, fromTimestamp(row.updated_at)]));
  }

  /** The statements that store `entries` as written at `now`, each with its parameters. */
  *puts(namespace: string, entries: readonly StoredEntry[], now: number): Generator<[string, unknown[]]> {
    const updatedAt = toTimestamp(now);
    // In the order of the primary key, so that each page of the index is touched once.
    const sorted = entries.length > 1 ? [...entries].sort(byKey) : entries;
    for (let start = 0; start < sorted.length; start += ROWS_PER_STATEMENT) {
      const chunk = sorted.slice(start, start + ROWS_PER_STATEMENT);
      const parameters: unknown[] = [];
      for (const { key, value, expiresAt } of chunk)
        parameters.push(namespace, key, value, expiresAt, updatedAt);
      yield [insertOf(chunk.length), parameters];
    }
  }

  /** The statements that remove `keys`, each with its parameters. */
  *deletes(namespace: string, keys: readonly string[]): Generator<[string, unknown[]]> {
    for (let start = 0; start < keys.length; start += ROWS_PER_STATEMENT) {
      const chunk = keys.slice(start, start + ROWS_PER_STATEMENT);
      yield [
        `DELETE FROM "${CACHE_TABLE}" WHERE "namespace" = ? AND "key" IN (${marks(chunk.length)})`,
        [namespace, ...chunk],
      ];
    }
  }

  async clear(namespace: string): Promise<void> {
    await this.run(`DELETE FROM "${CACHE_TABLE}" WHERE "namespace" = ?`, [namespace]);
  }

  async purgeExpired(namespace: string, now: number): Promise<number> {
    const rows = (await this.run(
      `SELECT COUNT(*) AS "count" FROM "${CACHE_TABLE}" WHERE "namespace" = ? AND "expires_at" IS NOT NULL AND "expires_at" <= ?`,
      [namespace, now],
    )) as { count: number }[];
    const count = rows[0]?.count ?? 0;
    if (count === 0) return 0;
    await this.run(
      `DELETE FROM "${CACHE_TABLE}" WHERE "namespace" = ? AND "expires_at" IS NOT NULL AND "expires_at" <= ?`,
      [namespace, now],
    );
    return count;
  }

  classify(error: unknown): StorageFailure {
    return PERMANENT.has(codeOf(error) ?? '') ? 'permanent' : 'transient';
  }

  /** A read-only file opens without complaint, and only the first write would tell. */
  async #assertWritable(): Promise<void> {
    try {
      await this.run('BEGIN IMMEDIATE');
      await this.run('ROLLBACK');
    } catch (error) {
      // A lock held by others is no fault of the file.
      if (codeOf(error) !== 'SQLITE_BUSY') throw error;
    }
  }
}

function insertOf(rows: number): string {
  const values = Array.from({ length: rows }, () => '(?, ?, ?, ?, ?)').join(', ');
  return (
    `INSERT INTO "${CACHE_TABLE}" ("namespace", "key", "value", "expires_at", "updated_at") VALUES ${values} ` +
    'ON CONFLICT ("namespace", "key") DO UPDATE SET "value" = excluded."value", ' +
    '"expires_at" = excluded."expires_at", "updated_at" = excluded."updated_at"'
  );
}

function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}

function byKey(a: StoredEntry, b: StoredEntry): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

function toEntry({ key, value, expires_at: expiresAt }: SqliteRow): StoredEntry {
  return { key, value, expiresAt: expiresAt === null ? null : Number(expiresAt) };
}

/** Wall-clock ms as SQLite writes times, in UTC, to the millisecond. */
function toTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
}

/** The same back; rows of others have whole seconds. */
function fromTimestamp(stored: unknown): number {
  const ms = Date.parse(`${String(stored).replace(' ', 'T')}Z`);
  return Number.isNaN(ms) ? 0 : ms;
}
