import type { DataSource, QueryRunner } from 'typeorm';
import { nextTurn, systemClock } from '../../core/clock.js';
import type { Statement } from './statement.js';
import type { Connection, OpenTransaction } from './connection.js';
import { ConnectionLock } from './connection-lock.js';
import { execute, executeAll, query } from './execute.js';
import type { KeptStatements } from '../sqlite/kept-statements.js';
import type { RowStatements } from '../sqlite/row-statements.js';

/** How long statements may hold the event loop, ms. */
const MOST_HELD_MS = 1;

export interface SingleConnectionOptions {
  /** The statement that begins a transaction. */
  readonly begin: string;
  /** Sets the connection up. */
  readonly prepare?: (runner: QueryRunner) => Promise<void>;
  /**
   * Runs after each commit and each read, before their promises settle; what it throws fails them. Throws where the database is no
   * longer the one that was opened.
   */
  readonly assertSame?: () => void;
  /** Runs as a write begins, which does not wait for it; its promise does not reject. */
  readonly beforeWrite?: (runner: QueryRunner) => Promise<void> | undefined;
  /** Keeps prepared what the driver itself does not. */
  readonly kept?: KeptStatements;
  /** Takes one row at a time, where the driver is quick at that. */
  readonly byRow?: RowStatements;
}

/** The one connection that TypeORM has to an embedded database. */
export class SingleConnection implements Connection {
  readonly #lock = new ConnectionLock();
  /** How long statements have held the event loop since it went round last, on a driver that works on this thread. */
  #heldMs = 0;

  constructor(
    private readonly dataSource: DataSource,
    private readonly options: SingleConnectionOptions,
  ) {}

  async open(): Promise<void> {
    await this.dataSource.initialize();
  }

  close(): Promise<void> {
    return this.#lock.run(async () => {
      await this.options.kept?.close();
      if (this.dataSource.isInitialized) await this.dataSource.destroy();
    });
  }

  read<T>(task: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.#lock.run(async () => {
      const result = await task(this.#runner);
      this.options.assertSame?.();
      return result;
    });
  }

  alone<T>(task: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.#lock.run(async () => {
      await this.options.prepare?.(this.#runner);
      return task(this.#runner);
    });
  }

  write(statements: Iterable<Statement>): Promise<number> {
    return this.#lock.run(async () => {
      const begun = this.options.beforeWrite?.(this.#runner);
      const changed = await this.#execute(statements);
      if (begun !== undefined) await begun;
      this.options.assertSame?.();
      return changed;
    });
  }

  transaction<T>(task: (transaction: OpenTransaction) => Promise<T>): Promise<T> {
    return this.#lock.run(async () => {
      const runner = this.#runner;
      const { begin, kept, byRow, beforeWrite } = this.options;
      const begun = beforeWrite?.(runner);
      const ask = (statement: Statement): Promise<unknown[]> => this.#ask(runner, statement);
      await ask({ sql: begin, parameters: [], name: 'begin' });
      let result: T;
      try {
        result = await task({
          query: ask,
          execute: (statement) =>
            kept?.execute(runner, statement) ?? this.#executeAndPause(runner, statement),
          ...(byRow === undefined
            ? {}
            : { executeEach: (sql, parameters) => byRow.run(runner, sql, parameters) }),
        });
        await ask({ sql: 'COMMIT', parameters: [], name: 'commit' });
        if (begun !== undefined) await begun;
      } catch (error) {
        // Some errors end the transaction by themselves; then there is nothing to roll back.
        await runner.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
      this.options.assertSame?.();
      return result;
    });
  }

  #ask(runner: QueryRunner, statement: Statement): Promise<unknown[]> {
    return this.options.kept?.query(runner, statement) ?? query(runner, statement);
  }

  async #executeHere(runner: QueryRunner, statement: Statement): Promise<number> {
    const startedAt = systemClock.monotonic();
    try {
      return await execute(runner, statement);
    } finally {
      this.#heldMs += systemClock.monotonic() - startedAt;
    }
  }

  async #executeAndPause(runner: QueryRunner, statement: Statement): Promise<number> {
    const changed = await this.#executeHere(runner, statement);
    await this.#pause();
    return changed;
  }

  /** Many statements of a driver that works on this thread would hold the event loop. */
  async #pause(): Promise<void> {
    if (this.#heldMs < MOST_HELD_MS) return;
    this.#heldMs = 0;
    await nextTurn(systemClock);
  }

  get #runner(): QueryRunner {
    return this.dataSource.createQueryRunner();
  }

  #execute(statements: Iterable<Statement>): Promise<number> {
    const runner = this.#runner;
    const { begin, kept } = this.options;
    return executeAll(statements, {
      begin: () => this.#ask(runner, { sql: begin, parameters: [], name: 'begin' }),
      execute: (statement) => kept?.execute(runner, statement) ?? this.#executeHere(runner, statement),
      pause: () => this.#pause(),
      commit: () => this.#ask(runner, { sql: 'COMMIT', parameters: [], name: 'commit' }),
      // Some errors end the transaction by themselves; then there is nothing to roll back.
      rollback: () => runner.query('ROLLBACK').catch(() => undefined),
    });
  }
}
