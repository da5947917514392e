import type { DataSource, QueryRunner } from 'typeorm';
import { nextTurn, systemClock } from '../../core/clock.js';
import type { Statement } from './statement.js';
import type { Connection, OpenTransaction, Unhurried } from './connection.js';
import { ConnectionLock } from './connection-lock.js';
import { execute, executeAll, query } from './execute.js';
import { FileTurns } from './file-turns.js';
import { retryWhileBusy } from '../retry-while-busy.js';
import type { KeptStatements } from '../sqlite/kept-statements.js';
import type { DirectStatements } from '../sqlite/direct-statements.js';

/** How long statements may hold the event loop, ms. */
const MOST_HELD_MS = 1;

/** For how long a lock of other processes is waited for, ms. For longer waits the cache tries again. */
const BUSY_MS = 200;

export interface SingleConnectionOptions {
  /** The statement that begins a transaction. */
  readonly begin: string;
  /** Sets the connection up. */
  readonly prepare?: (runner: QueryRunner) => Promise<void>;
  /**
   * Runs before each commit and after each read; what it throws fails them, and then nothing was committed. Throws where the database
   * is no longer the one that was opened.
   */
  readonly assertSame?: () => void;
  /** Runs as a write begins, which does not wait for it; its promise does not reject. */
  readonly beforeWrite?: (runner: QueryRunner) => Promise<void> | undefined;
  /** Its turns at a file that others write to, too. */
  readonly turns?: FileTurns;
  /** Keeps prepared what the driver itself does not. */
  readonly kept?: KeptStatements;
  /** Leads to a driver that works on this thread. */
  readonly direct?: DirectStatements;
}

/** The one connection that TypeORM has to an embedded database. */
export class SingleConnection implements Connection {
  readonly #lock = new ConnectionLock();
  /** One write at a time, in the order of their coming: while one waits for other processes, reads go on. */
  readonly #writes = new ConnectionLock();
  readonly #turns: FileTurns;
  /** How long statements have held the event loop since it went round last, on a driver that works on this thread. */
  #heldMs = 0;

  constructor(
    private readonly dataSource: DataSource,
    private readonly options: SingleConnectionOptions,
  ) {
    this.#turns = options.turns ?? new FileTurns();
  }

  async open(): Promise<void> {
    await this.dataSource.initialize();
  }

  close(): Promise<void> {
    return this.#writes.run(() =>
      this.#lock.run(async () => {
        await this.options.kept?.close();
        if (this.dataSource.isInitialized) await this.dataSource.destroy();
      }),
    );
  }

  read<T>(task: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.#patiently(() =>
      this.#lock.run(async () => {
        const result = await task(this.#runner);
        this.options.assertSame?.();
        return result;
      }),
    );
  }

  alone<T>(task: (runner: QueryRunner, unhurried: Unhurried) => Promise<T>): Promise<T> {
    return this.#writes.run(() =>
      this.#lock.run(async () => {
        await this.options.prepare?.(this.#runner);
        return task(this.#runner, (work) => work());
      }),
    );
  }

  write(statements: Iterable<Statement>): Promise<number> {
    return this.#writes.run(async () => {
      const runner = this.#runner;
      let release: (() => void) | undefined;
      try {
        return await executeAll(statements, {
          begin: async () => {
            [release] = await this.#first(runner, () => this.#begin(runner));
          },
          execute: async (statement) => {
            if (release !== undefined) return this.#execute(runner, statement);
            const [done, affected] = await this.#first(runner, () => {
              this.options.assertSame?.();
              return this.#execute(runner, statement);
            });
            done();
            return affected;
          },
          pause: () => this.#pause(),
          commit: () => this.#commit(runner),
          rollback: () => this.#rollback(runner),
        });
      } finally {
        this.#turns.left();
        release?.();
      }
    });
  }

  transaction<T>(task: (transaction: OpenTransaction) => Promise<T>): Promise<T> {
    return this.#writes.run(async () => {
      const runner = this.#runner;
      const { kept, direct } = this.options;
      const [release] = await this.#first(runner, () => this.#begin(runner));
      try {
        const result = await task({
          query: (statement) => this.#ask(runner, statement),
          execute: (statement) =>
            kept?.execute(runner, statement) ?? this.#executeAndPause(runner, statement),
          ...(direct === undefined
            ? {}
            : { executeEach: (sql, parameters) => direct.executeEach(runner, sql, parameters) }),
        });
        await this.#commit(runner);
        return result;
      } catch (error) {
        await this.#rollback(runner);
        throw error;
      } finally {
        this.#turns.left();
        release();
      }
    });
  }

  /**
   * Takes the connection and makes the first statement of a write, which locks the database. While others have it locked,
   * the connection is left to reads. Gives what releases the connection, and the answer.
   */
  async #first<T>(
    runner: QueryRunner,
    statement: () => Promise<T>,
  ): Promise<readonly [release: () => void, answer: T]> {
    await this.#turns.come();
    return this.#patiently(async () => {
      const release = await this.#lock.take();
      try {
        const begun = this.options.beforeWrite?.(runner);
        const answer = await statement();
        if (begun !== undefined) await begun;
        return [release, answer] as const;
      } catch (error) {
        release();
        throw error;
      }
    });
  }

  #begin(runner: QueryRunner): Promise<unknown> {
    return this.#ask(runner, { sql: this.options.begin, parameters: [], name: 'begin' });
  }

  /** Where the file has no write-ahead log, those who read it are waited for. */
  async #commit(runner: QueryRunner): Promise<void> {
    await this.#patiently(() => {
      this.options.assertSame?.();
      return this.#ask(runner, { sql: 'COMMIT', parameters: [], name: 'commit' });
    });
  }

  /** Some errors end the transaction by themselves; then there is nothing to roll back. */
  async #rollback(runner: QueryRunner): Promise<void> {
    await runner.query('ROLLBACK').catch(() => undefined);
  }

  #execute(runner: QueryRunner, statement: Statement): Promise<number> {
    return this.options.kept?.execute(runner, statement) ?? this.#executeHere(runner, statement);
  }

  #ask(runner: QueryRunner, statement: Statement): Promise<unknown[]> {
    const { kept, direct } = this.options;
    return (kept ?? direct)?.query(runner, statement) ?? query(runner, statement);
  }

  async #executeHere(runner: QueryRunner, statement: Statement): Promise<number> {
    const startedAt = systemClock.monotonic();
    try {
      return await (this.options.direct?.execute(runner, statement) ?? execute(runner, statement));
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

  /** Makes a task that may be repeated, and repeats it while others have the database locked. */
  #patiently<T>(task: () => Promise<T>): Promise<T> {
    return retryWhileBusy(task, BUSY_MS, (waitedMs) => this.#turns.met(waitedMs));
  }

  get #runner(): QueryRunner {
    return this.dataSource.createQueryRunner();
  }
}
