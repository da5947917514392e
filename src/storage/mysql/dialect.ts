import type { QueryRunner } from 'typeorm';
import { CacheError } from '../../core/cache-error.js';
import { EVERY_KEY, type KeyRange } from '../../core/keys/key-range.js';
import type {
  Commit,
  LoadedPage,
  LoadPage,
  RowWrite,
  StampedEntry,
  UnreadableRows,
} from '../../core/storage-adapter.js';
import type { DriverError } from '../driver-error.js';
import type { OpenTransaction } from '../sql/connection.js';
import type { Dialect, TableState } from '../sql/dialect.js';
import { beginsAll, boundsOf, pageBounds } from '../sql/key-bounds.js';
import { chunksOf, removedKeys, sortedRows, type Row } from '../sql/row-order.js';
import type { Statement } from '../sql/statement.js';
import { NO_ROWS, pageOf, textOf, toEntry, type PagedRow, type StoredRow } from '../sql/stored-row.js';
import type { TableFault } from '../sql/table-fault.js';
import { hasUniqueKey } from '../sql/unique-keys.js';
import { mysqlTableFaults } from './table-check.js';
import type { MysqlLog } from './commit-log.js';
import { ConditionalRows } from './conditional-rows.js';
import { conditionsOf } from './key-conditions.js';
import { lonePut, loneRemoval } from './lone-write.js';
import { packetParts } from './packet.js';
import { KEYS_PER_LIST, ROWS_PER_STATEMENT, rowsStatement } from './row-statements.js';
import { uniqueKeysOf } from './table-catalogue.js';
import { REPLACE } from './upsert.js';

/** How long a start waits for another instance that migrates, s. */
const MIGRATION_LOCK_TIMEOUT_S = 10;

/** SQLSTATE classes about data: data exception, integrity constraint violation, and what a trigger signals. */
const ABOUT_DATA = new Set(['22', '23', '45']);
/** What has no SQLSTATE of its own. */
const ABOUT_DATA_BY_CODE = new Set([
  'ER_NET_PACKET_TOO_LARGE',
  'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD',
  'ER_TOO_BIG_ROWSIZE',
  'ER_INVALID_CHARACTER_STRING',
  'ER_CHECK_CONSTRAINT_VIOLATED',
  'ER_NO_PARTITION_FOR_GIVEN_VALUE',
]);

const TABLE = '`cache_storage`';
const ALIVE = '(`expires_at` IS NULL OR `expires_at` > ?)';

/** MySQL and MariaDB, with the mysql2 driver. */
export class MysqlDialect implements Dialect {
  /** The name of the key on (namespace, key): a table of others may have another than the primary key. */
  #uniqueKey: string | undefined;

  /** `maxPacket` gives the server's max_allowed_packet, bytes: a longer statement ends the connection. */
  constructor(
    private readonly maxPacket: () => number,
    readonly log?: MysqlLog,
  ) {}

  statements(writes: readonly RowWrite[], commit: Commit): Iterable<Statement> {
    // All of them at the call, so that a row that is too large does not appear in the middle of a transaction.
    const parts = [...packetParts(sortedRows(writes), ROWS_PER_STATEMENT, this.maxPacket())];
    return this.#statements(removedKeys(writes), parts, commit);
  }

  *#statements(
    removed: ReadonlyMap<string, readonly string[]>,
    parts: readonly (readonly Row[])[],
    commit: Commit,
  ): Generator<Statement> {
    for (const [namespace, deletes] of removed) {
      for (const keys of chunksOf(deletes, KEYS_PER_LIST)) {
        yield {
          sql: `DELETE FROM ${TABLE} WHERE \`namespace\` = ? AND \`key\` IN (?)`,
          parameters: [namespace, keys],
        };
      }
    }
    for (const part of parts) yield rowsStatement(part, commit, { name: 'put', action: REPLACE });
  }

  clear(namespace: string, range = EVERY_KEY): Statement {
    const bounds = boundsOf(range);
    return {
      sql: `DELETE FROM ${TABLE} WHERE \`namespace\` = ?${conditionsOf(bounds)}`,
      parameters: [namespace, ...bounds.map(({ value }) => value)],
    };
  }

  purge(namespace: string, now: number, range = EVERY_KEY): Statement {
    const bounds = boundsOf(range);
    return {
      sql: `DELETE FROM ${TABLE} WHERE \`namespace\` = ?${conditionsOf(bounds)} AND \`expires_at\` IS NOT NULL AND \`expires_at\` <= ?`,
      parameters: [namespace, ...bounds.map(({ value }) => value), now],
    };
  }

  async count(runner: QueryRunner, namespace: string, now: number, range: KeyRange): Promise<number> {
    const bounds = boundsOf(range);
    const rows = (await runner.query(
      `SELECT COUNT(*) AS \`count\` FROM ${TABLE} WHERE \`namespace\` = ?${conditionsOf(bounds)} AND ${ALIVE}`,
      [namespace, ...bounds.map(({ value }) => value), now],
    )) as { count: string | number }[];
    return Number(rows[0]?.count ?? 0);
  }

  async load(runner: QueryRunner, namespace: string, page: LoadPage): Promise<LoadedPage> {
    const { limit, now, reverse = false } = page;
    const bounds = pageBounds(page);
    const rows = (await runner.query(
      `SELECT \`key\`, \`value\`, \`expires_at\`, \`version\` FROM ${TABLE} WHERE \`namespace\` = ? AND \`key\` IS NOT NULL` +
        `${conditionsOf(bounds)} AND ${ALIVE} ORDER BY \`key\`${reverse ? ' DESC' : ''} LIMIT ?`,
      [namespace, ...bounds.map(({ value }) => value), now, limit],
    )) as PagedRow[];
    return pageOf(rows, limit, beginsAll(page) ? await nameless(runner, namespace, now) : NO_ROWS);
  }

  async read(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<StampedEntry[]> {
    if (keys.length === 0) return [];
    const rows = (await runner.query(
      `SELECT \`key\`, \`value\`, \`expires_at\`, \`version\` FROM ${TABLE} WHERE \`namespace\` = ? AND \`key\` IN (?)`,
      [namespace, keys],
    )) as StoredRow[];
    return rows.map(toEntry);
  }

  /** An INSERT would say no more than a number, of which a proxy may have another idea. */
  counted(rows: readonly RowWrite[], commit: Commit): Statement | undefined {
    const [row] = rows;
    if (row === undefined || rows.length > 1 || row.expects === null) return undefined;
    const [[put] = []] = packetParts(sortedRows([row]), 1, this.maxPacket());
    return put === undefined ? loneRemoval(row) : lonePut(put, commit);
  }

  async compareAndSet(
    transaction: OpenTransaction,
    rows: readonly RowWrite[],
    commit: Commit,
  ): Promise<readonly RowWrite[]> {
    const conditional = new ConditionalRows({
      dialect: this,
      transaction,
      commit,
      maxPacket: this.maxPacket(),
      uniqueKey: this.#uniqueKey,
    });
    await conditional.write(rows);
    return conditional.losers;
  }

  async lock(
    transaction: OpenTransaction,
    namespace: string,
    keys: readonly string[],
  ): Promise<readonly StampedEntry[]> {
    const found: StoredRow[] = [];
    for (const chunk of chunksOf(keys.toSorted(), KEYS_PER_LIST)) {
      const sql =
        `SELECT \`key\`, \`value\`, \`expires_at\`, \`version\` FROM ${TABLE} WHERE \`namespace\` = ? AND \`key\` IN (?) ` +
        'ORDER BY `key` FOR UPDATE';
      found.push(...((await transaction.query({ sql, parameters: [namespace, chunk] })) as StoredRow[]));
    }
    return found.map(toEntry);
  }

  async writtenAt(
    runner: QueryRunner,
    namespace: string,
    keys: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    if (keys.length === 0) return new Map();
    const rows = (await runner.query(
      `SELECT \`key\`, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', \`updated_at\`) AS \`us\` FROM ${TABLE} WHERE \`namespace\` = ? AND \`key\` IN (?)`,
      [namespace, keys],
    )) as { key: Buffer | string; us: string | number | null }[];
    return new Map(rows.map(({ key, us }) => [textOf(key), Math.round(Number(us ?? 0) / 1000)]));
  }

  /** Under a lock of the session, since each statement about tables is a transaction of its own here. */
  async migrating(runner: QueryRunner, task: () => Promise<void>): Promise<void> {
    const lock = "CONCAT('durable-cache:', MD5(DATABASE()))";
    const rows = (await runner.query(`SELECT GET_LOCK(${lock}, ?) AS \`held\``, [
      MIGRATION_LOCK_TIMEOUT_S,
    ])) as { held: string | number | null }[];
    if (Number(rows[0]?.held) !== 1) {
      throw new CacheError(
        'STORAGE_OPEN_FAILED',
        `Another instance has been migrating the cache's table for more than ${MIGRATION_LOCK_TIMEOUT_S} s. Start again when it is done.`,
      );
    }
    try {
      await task();
    } finally {
      await runner.query(`DO RELEASE_LOCK(${lock})`).catch(() => undefined);
    }
  }

  async tableFaults(runner: QueryRunner, state: TableState): Promise<readonly TableFault[]> {
    const faults = await mysqlTableFaults({ runner, dialect: this, state });
    this.#uniqueKey = (await uniqueKeysOf(runner)).find((key) => hasUniqueKey([key]))?.name;
    return faults;
  }

  refusesData({ code = '', sqlState }: DriverError): boolean {
    if (ABOUT_DATA_BY_CODE.has(code)) return true;
    return sqlState !== undefined && ABOUT_DATA.has(sqlState.slice(0, 2));
  }
}

/** In a table of others: no page has them. */
async function nameless(runner: QueryRunner, namespace: string, now: number): Promise<UnreadableRows> {
  const [found] = (await runner.query(
    `SELECT COUNT(*) AS \`count\` FROM ${TABLE} WHERE \`namespace\` = ? AND \`key\` IS NULL ` +
      `AND ${ALIVE}`,
    [namespace, now],
  )) as { count: string | number }[];
  return { count: Number(found?.count ?? 0), example: 'NULL' };
}
