import { isUtf8 } from 'node:buffer';
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
import { driverErrorOf, type DriverError } from '../driver-error.js';
import type { OpenTransaction } from '../sql/connection.js';
import type { ConditionalWrite, Dialect, TableState } from '../sql/dialect.js';
import { beginsAll, boundsOf, pageBounds } from '../sql/key-bounds.js';
import { chunksOf, inKeyOrder, partsOf, removedKeys, sortedRows, type Row } from '../sql/row-order.js';
import type { Statement } from '../sql/statement.js';
import { NO_ROWS, pageOf, toEntry, type StoredRow } from '../sql/stored-row.js';
import type { TableFault } from '../sql/table-fault.js';
import { COLUMNS, REPLACE } from '../sql/upsert.js';
import type { PostgresLog } from './commit-log.js';
import { conditionalWrite } from './conditional-write.js';
import { conditionsOf } from './key-conditions.js';
import { loneWrite } from './lone-write.js';
import { areReplacements, Replacements } from './replacement.js';
import { postgresTableFaults } from './table-check.js';

/** Rows in one statement; with four parameters each, it takes at most 16 383. */
const ROWS_PER_STATEMENT = 1000;
/** And characters of values: the server parses the text in memory. */
const CHARACTERS_PER_STATEMENT = 16 * 2 ** 20;

/** How long a start waits for another instance that migrates, ms. */
const MIGRATION_LOCK_TIMEOUT_MS = 10_000;

/**
 * SQLSTATE classes about data: data exception, integrity constraint violation, program limit exceeded, and what a trigger
 * raises.
 */
const ABOUT_DATA = new Set(['22', '23', '54', 'P0']);

/** PostgreSQL. `table` is the quoted name of the table, with its schema. */
export class PostgresDialect implements Dialect {
  readonly #replacements = new Replacements(ROWS_PER_STATEMENT);

  constructor(
    private readonly table: () => string,
    readonly log?: PostgresLog,
  ) {}

  *statements(writes: readonly RowWrite[], commit: Commit): Generator<Statement> {
    const table = this.table();
    // In the same order in every instance, like the rows that are stored.
    for (const [namespace, removed] of removedKeys(writes)) {
      for (const keys of chunksOf(removed, ROWS_PER_STATEMENT)) {
        yield {
          sql: `DELETE FROM ${table} WHERE "namespace" = $1 AND "key" = ANY($2::text[])`,
          parameters: [namespace, keys],
          name: 'delete',
        };
      }
    }
    for (const rows of partsOf(sortedRows(writes), ROWS_PER_STATEMENT, CHARACTERS_PER_STATEMENT)) {
      yield rows.length === 1 || rows.length === ROWS_PER_STATEMENT
        ? asParameters(table, rows, commit)
        : asJson(table, rows, commit);
    }
  }

  clear(namespace: string, range = EVERY_KEY): Statement {
    const bounds = boundsOf(range);
    return {
      sql: `DELETE FROM ${this.table()} WHERE "namespace" = $1${conditionsOf(bounds, 2)}`,
      parameters: [namespace, ...bounds.map(({ value }) => value)],
    };
  }

  purge(namespace: string, now: number, range = EVERY_KEY): Statement {
    const bounds = boundsOf(range);
    return {
      sql: `DELETE FROM ${this.table()} WHERE "namespace" = $1 AND "expires_at" IS NOT NULL AND "expires_at" <= $2${conditionsOf(bounds, 3)}`,
      parameters: [namespace, now, ...bounds.map(({ value }) => value)],
    };
  }

  async count(runner: QueryRunner, namespace: string, now: number, range: KeyRange): Promise<number> {
    const bounds = boundsOf(range);
    const rows = (await runner.query(
      `SELECT COUNT(*) AS "count" FROM ${this.table()} WHERE "namespace" = $1 AND ${ALIVE}${conditionsOf(bounds, 3)}`,
      [namespace, now, ...bounds.map(({ value }) => value)],
    )) as { count: string }[];
    return Number(rows[0]?.count ?? 0);
  }

  async load(runner: QueryRunner, namespace: string, page: LoadPage): Promise<LoadedPage> {
    const { limit, now, reverse = false } = page;
    const bounds = pageBounds(page);
    const rows = await this.#rows(
      runner,
      `"key" IS NOT NULL AND ${ALIVE}${conditionsOf(bounds, 4)} ORDER BY "key" COLLATE "C"${reverse ? ' DESC' : ''} LIMIT $3`,
      [namespace, now, limit, ...bounds.map(({ value }) => value)],
    );
    return pageOf(rows, limit, beginsAll(page) ? await this.#nameless(runner, namespace, now) : NO_ROWS);
  }

  async read(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<StampedEntry[]> {
    return (await this.#rows(runner, '"key" = ANY($2::text[])', [namespace, keys])).map(toEntry);
  }

  counted(rows: readonly RowWrite[], commit: Commit): Statement | undefined {
    const [row] = rows;
    return row === undefined || rows.length > 1 ? undefined : loneWrite(this.table(), row, commit);
  }

  atOnce(rows: readonly RowWrite[], commit: Commit): ConditionalWrite | undefined {
    const [part = [], ...others] = partsToWrite(rows);
    if (others.length > 0) return undefined;
    return this.#conditional(part, commit, commit.logged && this.log?.table());
  }

  #conditional(rows: readonly RowWrite[], commit: Commit, changes?: string): ConditionalWrite {
    return areReplacements(rows)
      ? this.#replacements.write(this.table(), rows, commit, changes)
      : conditionalWrite(this.table(), rows, commit, changes);
  }

  async compareAndSet(
    transaction: OpenTransaction,
    rows: readonly RowWrite[],
    commit: Commit,
  ): Promise<readonly RowWrite[]> {
    const losers: RowWrite[] = [];
    for (const part of partsToWrite(rows)) {
      const write = this.#conditional(part, commit);
      losers.push(...write.losers(await transaction.query(write.statement)));
    }
    return losers;
  }

  async lock(
    transaction: OpenTransaction,
    namespace: string,
    keys: readonly string[],
  ): Promise<readonly StampedEntry[]> {
    const sql =
      `SELECT "key", "value", "expires_at", "version" FROM ${this.table()} WHERE "namespace" = $1 AND "key" = ANY($2::text[]) ` +
      'ORDER BY "key" COLLATE "C" FOR UPDATE';
    return ((await transaction.query({ sql, parameters: [namespace, keys] })) as StoredRow[]).map(toEntry);
  }

  /** Rows of a namespace. `which` ends the statement. */
  async #rows(runner: QueryRunner, which: string, parameters: unknown[]): Promise<StoredRow[]> {
    const rows = (columns: string): Promise<unknown> =>
      runner.query(
        `SELECT ${columns}, "expires_at", "version" FROM ${this.table()} WHERE "namespace" = $1 AND ${which}`,
        parameters,
      );
    try {
      return (await rows('"key", "value"')) as StoredRow[];
    } catch (error) {
      if (driverErrorOf(error).sqlState !== NO_TEXT) throw error;
      const bytes = (await rows(`${bytesOf('key')}, ${bytesOf('value')}`)) as BytesRow[];
      return bytes.map(({ keyBytes, valueBytes, expires_at, version }) => ({
        key: keyBytes,
        expires_at,
        version,
        // The decoder refuses what is not text.
        value: (isUtf8(valueBytes) ? valueBytes.toString('utf8') : valueBytes) as string,
      }));
    }
  }

  /** In an adopted table: no page has them. */
  async #nameless(runner: QueryRunner, namespace: string, now: number): Promise<UnreadableRows> {
    const [found] = (await runner.query(
      `SELECT COUNT(*) AS "count" FROM ${this.table()} WHERE "namespace" = $1 AND "key" IS NULL AND ${ALIVE}`,
      [namespace, now],
    )) as { count: string }[];
    return { count: Number(found?.count ?? 0), example: 'NULL' };
  }

  async writtenAt(
    runner: QueryRunner,
    namespace: string,
    keys: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    const rows = (await runner.query(
      `SELECT "key", EXTRACT(EPOCH FROM "updated_at") * 1000 AS "ms" FROM ${this.table()} WHERE "namespace" = $1 AND "key" = ANY($2::text[])`,
      [namespace, keys],
    )) as { key: string; ms: string | number | null }[];
    return new Map(rows.map(({ key, ms }) => [key, Math.round(Number(ms ?? 0))]));
  }

  /** Under an advisory lock that ends with the transaction: the tables and their bookkeeping appear together. */
  async migrating(runner: QueryRunner, task: () => Promise<void>): Promise<void> {
    await runner.query('BEGIN');
    try {
      await runner.query(`SET LOCAL lock_timeout = ${MIGRATION_LOCK_TIMEOUT_MS}`);
      // Nobody waits for a row, and a process that starts may be busy with much else.
      await runner.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      await runner.query("SELECT pg_advisory_xact_lock(hashtext('nestjs-durable-cache'), hashtext($1))", [
        this.table(),
      ]);
      await task();
      await runner.query('COMMIT');
    } catch (error) {
      await runner.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  tableFaults(runner: QueryRunner, state: TableState): Promise<readonly TableFault[]> {
    return postgresTableFaults({ runner, dialect: this, table: this.table(), state });
  }

  refusesData({ sqlState }: DriverError): boolean {
    return sqlState !== undefined && ABOUT_DATA.has(sqlState.slice(0, 2));
  }
}

/** Rows as conditional writes take them, in the order of the primary key. */
function partsToWrite(rows: readonly RowWrite[]): Generator<readonly RowWrite[]> {
  return partsOf(inKeyOrder(rows), ROWS_PER_STATEMENT, CHARACTERS_PER_STATEMENT);
}

/** A database with the encoding SQL_ASCII accepts any bytes as text, and fails when it has to send invalid ones. */
const NO_TEXT = '22021';

/** A row with its texts as they are stored. */
interface BytesRow {
  readonly keyBytes: Buffer;
  readonly valueBytes: Buffer;
  readonly expires_at: StoredRow['expires_at'];
  readonly version: StoredRow['version'];
}

const ALIVE = '("expires_at" IS NULL OR "expires_at" > $2)';
const bytesOf = (column: string): string =>
  `convert_to("${column}", getdatabaseencoding()) AS "${column}Bytes"`;
const FROM_JSON =
  'SELECT r.n, r.k, r.v, r.e, to_timestamp($2 / 1000.0), $3::bigint FROM json_to_recordset($1::json) AS r(n text, k text, v text, e bigint)';

/** As fast as COPY, but only if the server has planned the text before: for frequent numbers of rows. */
function asParameters(table: string, rows: readonly Row[], { now, stamp }: Commit): Statement {
  const parameters: unknown[] = [new Date(now).toISOString(), stamp];
  const values = rows.map(({ namespace, key, value, expiresAt }, i) => {
    parameters.push(namespace, key, value, expiresAt);
    const first = i * 4 + 3;
    return `($${first}, $${first + 1}, $${first + 2}, $${first + 3}::bigint, $1::timestamptz, $2::bigint)`;
  });
  return {
    sql: `INSERT INTO ${table} ${COLUMNS} VALUES ${values.join(', ')} ${REPLACE}`,
    parameters,
    name: `put ${rows.length}`,
  };
}

/** Any number of rows in one text. */
function asJson(table: string, rows: readonly Row[], { now, stamp }: Commit): Statement {
  const json = JSON.stringify(
    rows.map(({ namespace: n, key: k, value: v, expiresAt: e }) => ({ n, k, v, e })),
  );
  return {
    sql: `INSERT INTO ${table} ${COLUMNS} ${FROM_JSON} ${REPLACE}`,
    parameters: [json, now, stamp],
    name: 'put some',
  };
}
