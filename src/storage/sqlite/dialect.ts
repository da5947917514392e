import type { QueryRunner } from 'typeorm';
import { EVERY_KEY, type KeyRange } from '../../core/keys/key-range.js';
import type {
  Commit,
  LoadedPage,
  LoadPage,
  RowWrite,
  StampedEntry,
  UnreadableRows,
} from '../../core/storage-adapter.js';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import { basicCode, type DriverError } from '../driver-error.js';
import type { OpenTransaction } from '../sql/connection.js';
import type { Dialect, TableState } from '../sql/dialect.js';
import { beginsAll, boundsOf, pageBounds, type KeyBound } from '../sql/key-bounds.js';
import { byNamespace, chunksOf, inKeyOrder, partsOf, removedKeys, sortedRows } from '../sql/row-order.js';
import type { RowQuery, Statement } from '../sql/statement.js';
import { isDoubtful, NO_ROWS, pageOf, toEntry, type PagedRow, type StoredRow } from '../sql/stored-row.js';
import type { TableFault } from '../sql/table-fault.js';
import { toTimestamp } from '../sql/timestamp.js';
import { SqliteLog } from './commit-log.js';
import {
  BLIND_FORMS,
  CHARACTERS_PER_STATEMENT,
  deletesOf,
  ONE_OF,
  putsOf,
  ROWS_PER_TEXT,
} from './blind-write.js';
import {
  COUNTING_FORMS,
  compareByRow,
  otherThanExpected,
  presentChanger,
  changedRow,
} from './conditional-write.js';
import { sqliteTableFaults } from './table-check.js';
import { instantOf } from './instant.js';

/** Codes of SQLite about an entry; all others are about the database. */
const ABOUT_DATA = new Set(['SQLITE_CONSTRAINT', 'SQLITE_TOOBIG', 'SQLITE_MISMATCH']);

/** SQLite's `synchronous`: what an acknowledged commit survives. */
export type SqliteSynchronous = 'full' | 'normal';

/** SQLite, with either of its drivers. */
export class SqliteDialect implements Dialect {
  readonly log: SqliteLog;
  /** A file may keep its texts as UTF-16, and then sorts them by the bytes of that. */
  #sortsByBytes = false;

  /**
   * `keepsStatements` says that the driver keeps prepared statements by their text, as TypeORM does for better-sqlite3:
   * then rows are parameters, in few texts. For `sqlite3` many rows are one JSON text, which costs it no more than
   * thousands of parameters, and far less where the app has turned its long stack traces on.
   */
  constructor(
    private readonly keepsStatements: boolean,
    private readonly query: RowQuery,
  ) {
    this.log = new SqliteLog(keepsStatements ? [] : [...BLIND_FORMS, ...COUNTING_FORMS]);
  }

  *statements(writes: readonly RowWrite[], { now, stamp }: Commit): Generator<Statement> {
    for (const [namespace, keys] of removedKeys(writes)) yield* deletesOf(namespace, keys);
    yield* putsOf(sortedRows(writes), { updatedAt: toTimestamp(now), stamp }, this.keepsStatements);
  }

  clear(namespace: string, range = EVERY_KEY): Statement {
    const among = this.#within(range);
    return {
      sql: `DELETE FROM "${CACHE_TABLE}" WHERE "namespace" = ?${among.sql}`,
      parameters: [namespace, ...among.parameters],
    };
  }

  purge(namespace: string, now: number, range = EVERY_KEY): Statement {
    const among = this.#within(range);
    return {
      sql: `DELETE FROM "${CACHE_TABLE}" WHERE "namespace" = ?${among.sql} AND "expires_at" IS NOT NULL AND "expires_at" <= ?`,
      parameters: [namespace, ...among.parameters, now],
    };
  }

  async count(runner: QueryRunner, namespace: string, now: number, range: KeyRange): Promise<number> {
    const among = this.#within(range);
    const rows = (await runner.query(
      `SELECT COUNT(*) AS "count" FROM "${CACHE_TABLE}" WHERE "namespace" = ?${among.sql} AND ${ALIVE}`,
      [namespace, ...among.parameters, now],
    )) as { count: number }[];
    return rows[0]?.count ?? 0;
  }

  async load(runner: QueryRunner, namespace: string, page: LoadPage): Promise<LoadedPage> {
    const { limit, now, range } = page;
    if (range !== undefined && !this.#sortsByBytes) throw new Error(SORTS_OTHERWISE);
    let rows = await this.#page(runner, namespace, page, '');
    // SQLite takes any bytes for a text.
    if (rows.some(isDoubtful))
      rows = await this.#page(runner, namespace, page, 'CAST("key" AS BLOB) AS "raw", ');
    return pageOf(rows, limit, beginsAll(page) ? await this.#nameless(runner, namespace, now) : NO_ROWS);
  }

  /** Keys that are text: in the order of SQLite's types they are between numbers and bytes. */
  async #page(runner: QueryRunner, namespace: string, page: LoadPage, raw: string): Promise<PagedRow[]> {
    const { limit, now, reverse = false } = page;
    const bounds = pageBounds(page);
    const [least, most] = ['>', '<'].map((side) => bounds.some(({ operator }) => operator.startsWith(side)));
    const sql =
      `SELECT ${raw}"key", "value", "expires_at", "version" FROM "${CACHE_TABLE}" WHERE "namespace" = ?${conditionsOf(bounds)}` +
      `${least === true ? '' : ` AND "key" >= ''`}${most === true ? '' : ` AND "key" < X''`} ` +
      `AND ${ALIVE} ORDER BY "key"${reverse ? ' DESC' : ''} LIMIT ?`;
    const parameters = [namespace, ...bounds.map(({ value }) => value), now, limit];
    return (await this.query(runner, { sql, parameters, name: 'load' })) as PagedRow[];
  }

  /** What a statement says of the keys in a range. */
  #within(range: KeyRange): { readonly sql: string; readonly parameters: unknown[] } {
    const { prefix, isWhole } = range;
    if (!isWhole && prefix !== '' && !this.#sortsByBytes)
      return { sql: ' AND substr("key", 1, length(?)) = ?', parameters: [prefix, prefix] };
    const bounds = boundsOf(range);
    return { sql: conditionsOf(bounds), parameters: bounds.map(({ value }) => value) };
  }

  /** The others, in a table of others: no page has them. */
  async #nameless(runner: QueryRunner, namespace: string, now: number): Promise<UnreadableRows> {
    // Each a range of the primary key: together they would be a scan of the namespace.
    const those = ['IS NULL', "< ''", ">= X''"].map(
      (range) =>
        `SELECT quote("key") AS "shown" FROM "${CACHE_TABLE}" WHERE "namespace" = ? AND "key" ${range} AND ${ALIVE}`,
    );
    const sql = `SELECT COUNT(*) AS "count", MIN("shown") AS "example" FROM (${those.join(' UNION ALL ')})`;
    const parameters = those.flatMap(() => [namespace, now]);
    const [found] = (await this.query(runner, { sql, parameters, name: 'nameless' })) as {
      count: number;
      example: string | null;
    }[];
    return { count: found?.count ?? 0, example: found?.example ?? '' };
  }

  async read(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<StampedEntry[]> {
    return ((await this.query(runner, readOf(namespace, keys))) as StoredRow[]).map(toEntry);
  }

  counted(rows: readonly RowWrite[], commit: Commit): Statement | undefined {
    const [row] = rows;
    if (row !== undefined && rows.length === 1) return changedRow(row, commit);
    // What keeps its statements takes one row at a time just as well.
    if (this.keepsStatements) return undefined;
    const [part = [], ...others] = partsOf(inKeyOrder(rows), ROWS_PER_TEXT, CHARACTERS_PER_STATEMENT);
    return others.length === 0 ? presentChanger(part, commit) : undefined;
  }

  /** The transaction has locked the whole file since it began: what was compared stays so. */
  async compareAndSet(
    transaction: OpenTransaction,
    rows: readonly RowWrite[],
    commit: Commit,
  ): Promise<readonly RowWrite[]> {
    const { executeEach } = transaction;
    const byRow = executeEach && (await compareByRow(rows, commit, executeEach));
    if (byRow !== undefined) return byRow;
    const losers = new Set<RowWrite>();
    for (const [namespace, some] of byNamespace(rows))
      for (const chunk of chunksOf(some, ROWS_PER_TEXT)) {
        const others = (await transaction.query(otherThanExpected(namespace, chunk))) as { key: string }[];
        if (others.length === 0) continue;
        const keys = new Set(others.map(({ key }) => key));
        for (const row of chunk) if (keys.has(row.key)) losers.add(row);
      }
    const due = losers.size === 0 ? rows : rows.filter((row) => !losers.has(row));
    for (const statement of this.statements(due, commit)) await transaction.execute(statement);
    return [...losers];
  }

  /** The transaction has locked the whole file since it began. */
  async lock(
    transaction: OpenTransaction,
    namespace: string,
    keys: readonly string[],
  ): Promise<readonly StampedEntry[]> {
    return ((await transaction.query(readOf(namespace, keys))) as StoredRow[]).map(toEntry);
  }

  async writtenAt(
    runner: QueryRunner,
    namespace: string,
    keys: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    const rows = (await runner.query(`SELECT "key", "updated_at" FROM "${CACHE_TABLE}" WHERE ${ONE_OF}`, [
      namespace,
      JSON.stringify(keys),
    ])) as { key: string; updated_at: unknown }[];
    return new Map(rows.map((row) => [row.key, instantOf(row.updated_at) ?? 0]));
  }

  /** Under the write lock from the beginning: the second instance sees what the first one did. */
  async migrating(runner: QueryRunner, task: () => Promise<void>): Promise<void> {
    await runner.query('BEGIN IMMEDIATE');
    try {
      await task();
      await runner.query('COMMIT');
    } catch (error) {
      await runner.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  async tableFaults(runner: QueryRunner, state: TableState): Promise<readonly TableFault[]> {
    const [found] = (await runner.query('PRAGMA encoding')) as { encoding: string }[];
    this.#sortsByBytes = found?.encoding === 'UTF-8';
    return sqliteTableFaults({ runner, dialect: this, state });
  }

  refusesData({ code = '' }: DriverError): boolean {
    return ABOUT_DATA.has(basicCode(code));
  }
}

const SORTS_OTHERWISE =
  'This SQLite file keeps its texts as UTF-16, and sorts them by other bytes than those of UTF-8. Copy it into a new file ' +
  '(npx nestjs-durable-cache copy) to list its entries.';

function conditionsOf(bounds: readonly KeyBound[]): string {
  return bounds.map(({ operator }) => ` AND "key" ${operator} CAST(? AS TEXT)`).join('');
}

function readOf(namespace: string, keys: readonly string[]): Statement {
  const sql = `SELECT "key", "value", "expires_at", "version" FROM "${CACHE_TABLE}" WHERE ${ONE_OF}`;
  return { sql, parameters: [namespace, JSON.stringify(keys)], name: 'read' };
}

const ALIVE = '("expires_at" IS NULL OR "expires_at" > ?)';
