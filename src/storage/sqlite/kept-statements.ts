import type { QueryRunner } from 'typeorm';
import { basicCode, driverErrorOf } from '../driver-error.js';
import type { Statement } from '../sql/statement.js';
import { execute, query } from '../sql/execute.js';

/** A connection of the package `sqlite3`, as far as it is used here. */
interface Sqlite3Database {
  prepare(sql: string, done: (error: Error | null) => void): PreparedStatement;
}

interface PreparedStatement {
  run(
    parameters: readonly unknown[],
    done: (this: { readonly changes: number }, error: Error | null) => void,
  ): void;
  all(parameters: readonly unknown[], done: (error: Error | null, rows: unknown[]) => void): void;
  finalize(done: () => void): void;
}

/** SQLite holds what a statement was given until it is given something else. */
const MAX_CHARACTERS = 2 ** 20;

/**
 * The statements that a connection of `sqlite3` keeps prepared. TypeORM's way to it prepares a statement at each call, in
 * a trip of its own to the thread that works: a fifth of the time of a small commit. And what the event loop does after the
 * call, as to decode one page while the next one is read, it does before the statement begins, when that trip is over.
 */
export class KeptStatements {
  readonly #prepared = new Map<string, PreparedStatement>();

  /** Executes a statement, and returns how many rows it changed. */
  async execute(runner: QueryRunner, statement: Statement): Promise<number> {
    return isKept(statement) ? this.#use(runner, statement, run) : execute(runner, statement);
  }

  /** The rows that a statement gives. */
  async query(runner: QueryRunner, statement: Statement): Promise<unknown[]> {
    if (!isKept(statement)) return query(runner, statement);
    try {
      return await this.#use(runner, statement, all);
    } catch (error) {
      // TypeORM's way asks a locked database again, where its `busyErrorRetry` says so.
      if ((error as NodeJS.ErrnoException).code === 'SQLITE_BUSY') return query(runner, statement);
      throw error;
    }
  }

  /** Lets go of all of them: a connection that has any can't be closed. */
  async close(): Promise<void> {
    for (const [sql, prepared] of this.#prepared) await this.#finalize(sql, prepared);
  }

  async #use<T>(
    runner: QueryRunner,
    { sql, parameters }: Statement,
    task: (prepared: PreparedStatement, parameters: readonly unknown[]) => Promise<T>,
  ): Promise<T> {
    const prepared = this.#prepared.get(sql) ?? (await this.#prepare(runner, sql));
    try {
      return await task(prepared, parameters);
    } catch (error) {
      // One that met a lock would count as a write under way, and hold up the commits of all others. One that was refused is over.
      if (basicCode(driverErrorOf(error).code ?? '') !== 'SQLITE_CONSTRAINT')
        await this.#finalize(sql, prepared);
      throw error;
    }
  }

  async #prepare(runner: QueryRunner, sql: string): Promise<PreparedStatement> {
    const database = (await runner.connect()) as Sqlite3Database;
    const prepared = await new Promise<PreparedStatement>((resolve, reject) => {
      const statement = database.prepare(sql, (error) => {
        if (error === null) resolve(statement);
        else reject(error);
      });
    });
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  async #finalize(sql: string, prepared: PreparedStatement): Promise<void> {
    this.#prepared.delete(sql);
    await new Promise<void>((resolve) => {
      prepared.finalize(resolve);
    });
  }
}

function run(prepared: PreparedStatement, parameters: readonly unknown[]): Promise<number> {
  return new Promise((resolve, reject) => {
    prepared.run(parameters, function done(error) {
      if (error === null) resolve(this.changes);
      else reject(error);
    });
  });
}

function all(prepared: PreparedStatement, parameters: readonly unknown[]): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    prepared.all(parameters, (error, rows) => {
      if (error === null) resolve(rows);
      else reject(error);
    });
  });
}

function isKept({ name, parameters }: Statement): boolean {
  if (name === undefined) return false;
  return !parameters.some((parameter) => typeof parameter === 'string' && parameter.length > MAX_CHARACTERS);
}
