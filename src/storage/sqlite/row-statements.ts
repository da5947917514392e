import type { QueryRunner } from 'typeorm';
import { nextTurn, systemClock } from '../../core/clock.js';

/** A connection of the package `better-sqlite3`, as far as it is used here. */
interface BetterSqlite3Database {
  prepare(sql: string): { run(...parameters: readonly unknown[]): { readonly changes: number } };
}

type Prepared = ReturnType<BetterSqlite3Database['prepare']>;

/** Rows between two turns of the event loop, which the driver holds meanwhile. */
const ROWS_PER_TURN = 500;

/**
 * Executes one statement for each of many rows, on a driver that works on this very thread: a call costs it a few
 * microseconds. TypeORM's way to it would take longer than the statement.
 */
export class RowStatements {
  readonly #prepared = new WeakMap<object, Map<string, Prepared>>();

  /** Gives how many rows each call has changed. */
  async run(
    runner: QueryRunner,
    sql: string,
    parameters: readonly (readonly unknown[])[],
  ): Promise<readonly number[]> {
    const prepared = await this.#prepare(runner, sql);
    const changes: number[] = [];
    for (const some of parameters) {
      changes.push(prepared.run(...some).changes);
      if (changes.length % ROWS_PER_TURN === 0) await nextTurn(systemClock);
    }
    return changes;
  }

  async #prepare(runner: QueryRunner, sql: string): Promise<Prepared> {
    const database = (await runner.connect()) as BetterSqlite3Database;
    const known = this.#prepared.get(database) ?? new Map<string, Prepared>();
    this.#prepared.set(database, known);
    const prepared = known.get(sql) ?? database.prepare(sql);
    known.set(sql, prepared);
    return prepared;
  }
}
