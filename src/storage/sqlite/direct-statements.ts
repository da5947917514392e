import type { QueryRunner } from 'typeorm';
import { nextTurn, systemClock } from '../../core/clock.js';
import { execute, query } from '../sql/execute.js';
import type { Statement } from '../sql/statement.js';

/** A connection of the package `better-sqlite3`, as far as it is used here. */
interface BetterSqlite3Database {
  prepare(sql: string): Prepared;
}

interface Prepared {
  /** Whether it gives rows. */
  readonly reader: boolean;
  run(...parameters: readonly unknown[]): { readonly changes: number };
  all(...parameters: readonly unknown[]): unknown[];
}

/** Rows between two turns of the event loop, which the driver holds meanwhile. */
const ROWS_PER_TURN = 500;

/**
 * The statements that come again and again, on a driver that works on this very thread: a call costs it a few microseconds.
 * TypeORM's way to it takes longer than BEGIN, the note of a commit and COMMIT together.
 */
export class DirectStatements {
  readonly #prepared = new WeakMap<object, Map<string, Prepared>>();

  /** Executes a statement, and returns how many rows it changed. */
  async execute(runner: QueryRunner, statement: Statement): Promise<number> {
    if (statement.name === undefined) return execute(runner, statement);
    const prepared = await this.#prepare(runner, statement.sql);
    return prepared.run(...statement.parameters).changes;
  }

  /** The rows that a statement gives. */
  async query(runner: QueryRunner, statement: Statement): Promise<unknown[]> {
    if (statement.name === undefined) return query(runner, statement);
    const prepared = await this.#prepare(runner, statement.sql);
    if (prepared.reader) return prepared.all(...statement.parameters);
    prepared.run(...statement.parameters);
    return [];
  }

  /** Executes one statement for each of many rows; gives how many rows each call has changed. */
  async executeEach(
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
