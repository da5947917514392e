import {
  LockNotSupportedOnGivenDriverError,
  type DataSource,
  type DeleteQueryBuilder,
  type QueryRunner,
  type SelectQueryBuilder,
} from 'typeorm';
import { EVERY_KEY, type KeyRange } from '../../core/keys/key-range.js';
import type { Commit, LoadedPage, LoadPage, RowWrite, StampedEntry } from '../../core/storage-adapter.js';
import { CacheStorage } from '../cache-storage.entity.js';
import type { DriverError } from '../driver-error.js';
import { compareLocked } from '../sql/compare-locked.js';
import type { OpenTransaction } from '../sql/connection.js';
import type { Dialect, TableState } from '../sql/dialect.js';
import { beginsAll, boundsOf, pageBounds, type KeyBound } from '../sql/key-bounds.js';
import { chunksOf, keysByNamespace, sortedRows } from '../sql/row-order.js';
import type { Statement } from '../sql/statement.js';
import { pageOf, toEntry as toStamped, type PagedRow, type StoredRow } from '../sql/stored-row.js';
import type { TableFault } from '../sql/table-fault.js';
import { portableTableFaults } from './table-check.js';

/** With five parameters a row, and lists of keys, this stays below every database's limits. */
const ROWS_PER_STATEMENT = 100;

/**
 * How often rows are locked anew that seem to have gone, before the transaction fails and is tried again: one that goes on
 * seeing an earlier state would see them for ever.
 */
const MOST_LOCKS = 10;

/** SQLSTATE classes about data: data exception, integrity constraint violation. */
const ABOUT_DATA = new Set(['22', '23']);
const UNIQUE_VIOLATION = '23505';
/** Errors about data from drivers without SQLSTATE: Oracle, SQL Server, SQLite. */
const ABOUT_DATA_BY_CODE = /^(?:ORA-0*(?:1400|12899)|SQLITE_(?:CONSTRAINT|TOOBIG|MISMATCH)\w*)$/;

/**
 * Any SQL database of TypeORM, through its query builder. It replaces a row by a delete and an insert in one transaction:
 * every database has that, though none is fast at it.
 */
export class PortableDialect implements Dialect {
  constructor(private readonly dataSource: DataSource) {}

  statements(rows: readonly RowWrite[], commit: Commit): Statement[] {
    return [...this.#removals(rows), ...this.#inserts(rows, commit)];
  }

  clear(namespace: string, range = EVERY_KEY): Statement {
    return this.#within(
      range,
      this.dataSource.createQueryBuilder().delete().from(CacheStorage).where({ namespace }),
    );
  }

  purge(namespace: string, now: number, range = EVERY_KEY): Statement {
    const expiresAt = this.#escape('expires_at');
    return this.#within(
      range,
      this.dataSource
        .createQueryBuilder()
        .delete()
        .from(CacheStorage)
        .where({ namespace })
        .andWhere(`${expiresAt} IS NOT NULL AND ${expiresAt} <= :now`, { now }),
    );
  }

  count(runner: QueryRunner, namespace: string, now: number, range: KeyRange): Promise<number> {
    const alive = runner.manager
      .createQueryBuilder(CacheStorage, 'row')
      .where('row.namespace = :namespace', { namespace })
      .andWhere('(row.expiresAt IS NULL OR row.expiresAt > :now)', { now });
    return bounded(alive, boundsOf(range)).getCount();
  }

  async load(runner: QueryRunner, namespace: string, page: LoadPage): Promise<LoadedPage> {
    const { after, limit, now, reverse = false } = page;
    const alive = (): SelectQueryBuilder<CacheStorage> =>
      runner.manager
        .createQueryBuilder(CacheStorage, 'row')
        .where('row.namespace = :namespace', { namespace })
        .andWhere('(row.expiresAt IS NULL OR row.expiresAt > :now)', { now });
    // As the driver gives them: an entity would have a decoded key, which is no place to go on from.
    const rows = await bounded(alive(), pageBounds(page))
      .select('row.key', 'key')
      .addSelect('row.value', 'value')
      .addSelect('row.expiresAt', 'expires_at')
      .addSelect('row.version', 'version')
      .andWhere('row.key IS NOT NULL')
      .orderBy('row.key', reverse ? 'DESC' : 'ASC')
      .limit(limit)
      .getRawMany<PagedRow>();
    // A key that does not come back unchanged can't be a cursor: the rows after it stay unread.
    if (after !== undefined && rows.at(-1)?.key === after)
      return { rows: [], unreadable: { count: 1, example: String(after) }, next: undefined };
    if (!beginsAll(page)) return pageOf(rows, limit);
    return pageOf(rows, limit, {
      count: await alive().andWhere('row.key IS NULL').getCount(),
      example: 'NULL',
    });
  }

  async read(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<StampedEntry[]> {
    return (await this.#rows(runner, namespace, keys)).map(toEntry);
  }

  compareAndSet(
    transaction: OpenTransaction,
    rows: readonly RowWrite[],
    commit: Commit,
  ): Promise<readonly RowWrite[]> {
    const isThere = ({ expects }: RowWrite): boolean => expects !== null;
    const dialect: Parameters<typeof compareLocked>[0] = {
      lock: (...given) => this.lock(...given),
      // An absent row can't be locked. What another has inserted meanwhile stays, and refuses the second one.
      statements: (due) => [...this.#removals(due.filter(isThere)), ...this.#inserts(due, commit)],
    };
    return compareLocked(dialect, transaction, rows, commit);
  }

  async lock(
    transaction: OpenTransaction,
    namespace: string,
    keys: readonly string[],
  ): Promise<readonly StampedEntry[]> {
    const found: StampedEntry[] = [];
    for (const chunk of chunksOf(keys, ROWS_PER_STATEMENT)) {
      const query = this.dataSource
        .createQueryBuilder(CacheStorage, 'row')
        .select('row.key', 'key')
        .addSelect('row.value', 'value')
        .addSelect('row.expiresAt', 'expires_at')
        .addSelect('row.version', 'version')
        .where('row.namespace = :namespace AND row.key IN (:...keys)', { namespace, keys: chunk })
        // Two instances that lock the same rows do it in one order.
        .orderBy('row.key');
      const ask = (statement: Statement): Promise<StoredRow[]> =>
        transaction.query(statement) as Promise<StoredRow[]>;
      let rows = await ask(this.#locking(query));
      // A row that another replaces while this waits for it, by a delete and an insert, looks as if it had gone.
      for (let again = 0; rows.length < chunk.length; again += 1) {
        if ((await ask(this.#statement(query))).length <= rows.length) break;
        if (again === MOST_LOCKS)
          throw new Error('Others replace the rows again and again while they are locked.');
        rows = await ask(this.#locking(query));
      }
      found.push(...rows.map(toStamped));
    }
    return found;
  }

  async writtenAt(
    runner: QueryRunner,
    namespace: string,
    keys: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#rows(runner, namespace, keys);
    return new Map(rows.map(({ key, updatedAt }) => [key, updatedAt?.getTime() ?? 0]));
  }

  /** Without a lock: every database has its own. An instance that comes second starts again. */
  async migrating(_runner: QueryRunner, task: () => Promise<void>): Promise<void> {
    await task();
  }

  refusesData({ code, sqlState, message }: DriverError): boolean {
    // A row that was removed and exists again: another instance stores it too.
    if (sqlState === UNIQUE_VIOLATION) return false;
    if (sqlState !== undefined) return ABOUT_DATA.has(sqlState.slice(0, 2));
    // Some drivers have no codes at all.
    return code === undefined ? /\bconstraint failed\b/i.test(message) : ABOUT_DATA_BY_CODE.test(code);
  }

  tableFaults(runner: QueryRunner, state: TableState): Promise<readonly TableFault[]> {
    return portableTableFaults({ runner, dialect: this, state });
  }

  #removals(writes: readonly RowWrite[]): Statement[] {
    return [...keysByNamespace(writes)].flatMap(([namespace, some]) =>
      [...chunksOf(some, ROWS_PER_STATEMENT)].map((keys) =>
        this.#statement(
          this.dataSource
            .createQueryBuilder()
            .delete()
            .from(CacheStorage)
            .where({ namespace })
            .andWhere(this.#among(), { keys }),
        ),
      ),
    );
  }

  #inserts(writes: readonly RowWrite[], { now, stamp: version }: Commit): Statement[] {
    const updatedAt = new Date(now);
    return [...chunksOf(sortedRows(writes), ROWS_PER_STATEMENT)].map((rows) =>
      this.#statement(
        this.dataSource
          .createQueryBuilder()
          .insert()
          .into(CacheStorage)
          .values(
            rows.map(({ namespace, key, value, expiresAt }) => ({
              namespace,
              key,
              value,
              expiresAt,
              updatedAt,
              version,
            })),
          )
          .updateEntity(false),
      ),
    );
  }

  /** The query with a lock on its rows. Where TypeORM knows of none, as for SQLite, transactions are serializable without. */
  #locking(query: SelectQueryBuilder<CacheStorage>): Statement {
    try {
      return this.#statement(query.clone().setLock('pessimistic_write'));
    } catch (error) {
      if (error instanceof LockNotSupportedOnGivenDriverError) return this.#statement(query);
      throw error;
    }
  }

  async #rows(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<CacheStorage[]> {
    const rows: CacheStorage[] = [];
    for (const chunk of chunksOf(keys, ROWS_PER_STATEMENT)) {
      const found = await runner.manager
        .createQueryBuilder(CacheStorage, 'row')
        .where('row.namespace = :namespace AND row.key IN (:...keys)', { namespace, keys: chunk })
        .getMany();
      rows.push(...found);
    }
    return rows;
  }

  #among(): string {
    return `${this.#escape('key')} IN (:...keys)`;
  }

  #escape(name: string): string {
    return this.dataSource.driver.escape(name);
  }

  #within(range: KeyRange, query: DeleteQueryBuilder<CacheStorage>): Statement {
    return this.#statement(
      boundsOf(range).reduce(
        (all, { operator, value }, i) =>
          all.andWhere(`${this.#escape('key')} ${operator} :bound${i}`, { [`bound${i}`]: value }),
        query,
      ),
    );
  }

  #statement(query: { getQueryAndParameters(): [string, unknown[]] }): Statement {
    const [sql, parameters] = query.getQueryAndParameters();
    return { sql, parameters };
  }
}

function bounded(
  query: SelectQueryBuilder<CacheStorage>,
  bounds: readonly KeyBound[],
): SelectQueryBuilder<CacheStorage> {
  return bounds.reduce(
    (all, { operator, value }, i) => all.andWhere(`row.key ${operator} :bound${i}`, { [`bound${i}`]: value }),
    query,
  );
}

function toEntry({ key, value, expiresAt, version }: CacheStorage): StampedEntry {
  return { key, value, expiresAt, stamp: version };
}
