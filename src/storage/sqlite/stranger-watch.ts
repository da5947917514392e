import type { DataSource, QueryRunner } from 'typeorm';
import { systemClock } from '../../core/clock.js';
import type { KeptStatements } from './kept-statements.js';

/** A connection of the package `better-sqlite3`, as far as it is used here. */
interface BetterSqlite3Database {
  prepare(sql: string): { pluck(): { get(): unknown } };
}

const SQL = 'PRAGMA data_version';
/**
 * How often `sqlite3` is asked at most, ms: a question takes it a trip to another thread, a third of the time of a small commit that
 * is not synced.
 */
const LOOK_EVERY_MS = 100;

/**
 * Notices that others have committed to a SQLite file: its data version, as a connection sees it, changes with the commits of
 * all connections but its own.
 */
export class StrangerWatch {
  #seen: number | undefined;
  #changed: (() => void) | undefined;
  #ask: (() => unknown) | undefined;
  #lookedAt = -Infinity;

  constructor(
    private readonly dataSource: DataSource,
    /** Those of `sqlite3`, which works on another thread; `undefined` for better-sqlite3, which answers at once. */
    private readonly kept: KeptStatements | undefined,
  ) {}

  /** Calls `changed` from now on when others are seen to have committed. */
  watch(changed: () => void): void {
    this.#seen = undefined;
    this.#lookedAt = -Infinity;
    this.#changed = changed;
  }

  unwatch(): void {
    this.#changed = undefined;
  }

  /** Looks, before a write: at each with better-sqlite3, which takes some 4 µs. What works on another thread answers beside the write. */
  look(runner: QueryRunner): Promise<void> | undefined {
    if (this.#changed === undefined) return undefined;
    if (this.kept === undefined) {
      this.#saw(Number(this.#asked()));
      return undefined;
    }
    const now = systemClock.monotonic();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return undefined;
    this.#lookedAt = now;
    return this.kept.query(runner, { sql: SQL, parameters: [], name: 'data version' }).then(
      ([row]) => this.#saw((row as { data_version: number }).data_version),
      // The write, or the next look, will tell what is wrong.
      () => undefined,
    );
  }

  #asked(): unknown {
    if (this.#ask === undefined) {
      const { databaseConnection } = this.dataSource.driver as unknown as {
        readonly databaseConnection: BetterSqlite3Database;
      };
      const statement = databaseConnection.prepare(SQL).pluck();
      this.#ask = () => statement.get();
    }
    return this.#ask();
  }

  #saw(version: number): void {
    const before = this.#seen;
    this.#seen = version;
    if (before !== undefined && before !== version) this.#changed?.();
  }
}
