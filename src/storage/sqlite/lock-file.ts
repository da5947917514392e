import { accessSync, closeSync, constants, openSync, realpathSync, statSync } from 'node:fs';
import { DataSource, type DataSourceOptions, type QueryRunner } from 'typeorm';
import type { InstanceMode } from '../../core/sharing/shared-storage.js';
import { codeOf } from '../../core/driver-code.js';
import { driverErrorOf } from '../driver-error.js';
import { silentLogger } from '../silent-logger.js';

/**
 * How a lock is taken, by the statements that take it and keep it for as long as the transaction is open. Neither writes to
 * the file.
 */
const TAKING: Readonly<Record<InstanceMode, readonly string[]>> = {
  // Who has an empty database alone begins to fill it, with a journal beside it that a crash would leave behind.
  one: ['PRAGMA journal_mode = MEMORY', 'BEGIN EXCLUSIVE'],
  // A read takes the lock that others may have, too.
  many: ['BEGIN', 'SELECT COUNT(*) FROM sqlite_master'],
};

/**
 * A file beside a database, `<database>.lock`, by which processes keep each other out: an empty SQLite database of which
 * whoever works alone holds the only lock, and others one that several may have. The system frees them when the process ends,
 * however it does. The lock is SQLite's own: it works wherever the database does.
 *
 * It stays where it is when it is free: who removed it might remove that of somebody who has just taken it.
 */
export class LockFile {
  #dataSource: DataSource | undefined;
  #path = '';
  #obstacle: string | undefined;
  #held: InstanceMode | undefined;

  /** `options` are those of the database, whose driver it takes: two libraries on one file undo each other's locks. */
  constructor(private readonly options: DataSourceOptions & { readonly database: string }) {}

  /** What keeps it from being made; `undefined` where nothing does. */
  get obstacle(): string | undefined {
    return this.#obstacle;
  }

  /** How it is held. */
  get held(): InstanceMode | undefined {
    return this.#held;
  }

  get path(): string {
    return this.#path;
  }

  /** Makes the file (mode 0600) beside the database, which is there, and wherever its path leads to. */
  prepare(): void {
    this.#path = `${realpathSync(this.options.database)}.lock`;
    try {
      // Only where it is not there: to close a file ends all locks on it that the process has.
      closeSync(openSync(this.#path, 'wx', 0o600));
    } catch (error) {
      if (codeOf(error) === 'EEXIST') this.#lookAtIt();
      else this.#obstacle = codeOf(error) ?? String(error);
    }
  }

  /** Takes the lock, unless others are in the way. Holds it until {@link close}, or until it is taken in another way. */
  async take(mode: InstanceMode): Promise<boolean> {
    const runner = await this.#open();
    await this.#free(runner);
    try {
      for (const sql of TAKING[mode]) await runner.query(sql);
      this.#held = mode;
      return true;
    } catch (error) {
      await this.#free(runner);
      if (driverErrorOf(error).code?.startsWith('SQLITE_BUSY') === true) return false;
      throw error;
    }
  }

  async close(): Promise<void> {
    const dataSource = this.#dataSource;
    this.#dataSource = undefined;
    this.#held = undefined;
    if (dataSource?.isInitialized === true) await dataSource.destroy();
  }

  #lookAtIt(): void {
    try {
      if (!statSync(this.#path).isFile()) this.#obstacle = 'it is no file';
      accessSync(this.#path, constants.R_OK | constants.W_OK);
    } catch (error) {
      this.#obstacle = codeOf(error) ?? String(error);
    }
  }

  async #open(): Promise<QueryRunner> {
    if (this.#dataSource === undefined) {
      const { type, driver, nativeBinding } = this.options as {
        driver?: unknown;
        nativeBinding?: unknown;
      } & {
        readonly type: 'sqlite' | 'better-sqlite3';
      };
      const dataSource = new DataSource({
        type,
        ...(driver === undefined ? {} : { driver }),
        ...(nativeBinding === undefined ? {} : { nativeBinding }),
        database: this.#path,
        logging: false,
        logger: silentLogger,
      } as DataSourceOptions);
      await dataSource.initialize();
      this.#dataSource = dataSource;
      // Whoever waits asks again: SQLite's own waiting would hold a thread, or the event loop.
      await dataSource.query('PRAGMA busy_timeout = 0');
    }
    return this.#dataSource.createQueryRunner();
  }

  async #free(runner: QueryRunner): Promise<void> {
    this.#held = undefined;
    // There may be no transaction.
    await runner.query('ROLLBACK').catch(() => undefined);
  }
}
