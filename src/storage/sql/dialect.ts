import type { QueryRunner } from 'typeorm';
import type { KeyRange } from '../../core/keys/key-range.js';
import type { Commit, LoadedPage, LoadPage, RowWrite, StampedEntry } from '../../core/storage-adapter.js';
import type { DriverError } from '../driver-error.js';
import type { CommitLog } from './commit-log.js';
import type { OpenTransaction } from './connection.js';
import type { Statement } from './statement.js';
import type { TableFault } from './table-fault.js';

/**
 * How far a table is: about to be migrated, and what only a migrated one can do is not asked of it; migrated by the cache,
 * whose rows they are; or made and migrated by the app, which may have put anything into it.
 */
export type TableState = 'unmigrated' | 'migrated' | 'given';

/** A statement that stores and removes those of some rows that are what they expect. */
export interface ConditionalWrite {
  readonly statement: Statement;
  /** The other rows, as the answer to the statement says. */
  losers(answer: readonly unknown[]): readonly RowWrite[];
}

/**
 * What the cache asks of a database, in that database's words. Reads are made here; writes are statements, which the
 * connection puts into one transaction.
 */
export interface Dialect {
  /** Where commits leave notes of what they change. A database without it can't be shared by several processes. */
  readonly log?: CommitLog | undefined;
  /** What stores and removes `rows`, whatever there is of them; made one by one, as they are taken. */
  statements(rows: readonly RowWrite[], commit: Commit): Iterable<Statement>;
  /**
   * What changes those of `rows` that are what they expect to be, each on its own, and no row else, in one statement: the number of
   * changed rows is that of the winners. `undefined` where no one statement does, or the number would not say so.
   */
  counted?(rows: readonly RowWrite[], commit: Commit): Statement | undefined;
  /**
   * The same as {@link statements} and {@link compareAndSet} in one statement, which needs no BEGIN and no COMMIT: each row on
   * its own, with the note of the winners where the commit is to leave one. `undefined` where one statement can't hold them. A
   * database without the method gets a transaction.
   */
  atOnce?(rows: readonly RowWrite[], commit: Commit): ConditionalWrite | undefined;
  /** Stores and removes those of `rows` that are what they expect (compare-and-set); gives the others. */
  compareAndSet(
    transaction: OpenTransaction,
    rows: readonly RowWrite[],
    commit: Commit,
  ): Promise<readonly RowWrite[]>;
  /** The rows there are of `keys`, which nobody else writes before the end of the transaction. */
  lock(
    transaction: OpenTransaction,
    namespace: string,
    keys: readonly string[],
  ): Promise<readonly StampedEntry[]>;
  /** What removes every row of a namespace, or of those whose keys lie in `range`. */
  clear(namespace: string, range?: KeyRange): Statement;
  /** What removes the rows of a namespace, or of a range of it, that expired at or before `now`. */
  purge(namespace: string, now: number, range?: KeyRange): Statement;
  count(runner: QueryRunner, namespace: string, now: number, range: KeyRange): Promise<number>;
  load(runner: QueryRunner, namespace: string, page: LoadPage): Promise<LoadedPage>;
  read(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<StampedEntry[]>;
  writtenAt(
    runner: QueryRunner,
    namespace: string,
    keys: readonly string[],
  ): Promise<ReadonlyMap<string, number>>;
  /** Runs `task`, which migrates, so that of several instances that start at once one runs it after the other. */
  migrating(runner: QueryRunner, task: () => Promise<void>): Promise<void>;
  /**
   * What the cache can't work with in the table that is there. Leaves it as it is, and needs no right but to read and write
   * rows: where the table has triggers and the like, rows are written and rolled back.
   */
  tableFaults(runner: QueryRunner, state: TableState): Promise<readonly TableFault[]>;
  /** Whether `error` is about the very data that was written, and not about the state of the database. */
  refusesData(error: DriverError): boolean;
}
