import type { DataSource, QueryRunner } from 'typeorm';
import type { Statement } from './statement.js';
import { driverErrorOf } from '../driver-error.js';
import type { Connection } from './connection.js';
import { execute, executeAll } from './execute.js';
import { Fence } from './fence.js';
import type { ServerSession, ServerSessions } from './server-sessions.js';

/** How long a close waits for servers that don't answer, ms. */
const CLOSE_TIMEOUT_MS = 2000;

/** SQLSTATEs with which a server ends a connection: connection exceptions, and MariaDB's 'connection was killed'. */
const CONNECTION_OVER = /^(?:08|70100)/;

/** What a server says that is no longer the one that takes writes: a new connection may find its successor. */
const READ_ONLY = new Set(['25006', 'ER_OPTION_PREVENTS_STATEMENT', 'ER_READ_ONLY_MODE']);

/** The session has lost a statement that the driver takes for prepared: another one begins without any. */
const UNPREPARED = new Set(['26000', 'ER_UNKNOWN_STMT_HANDLER']);

/** A small pool of connections to a server: one write at a time, and reads beside it. */
export class ConnectionPool implements Connection {
  readonly #fence: Fence;
  /** By the driver's connection, which lives as long as the session. */
  readonly #sessions = new WeakMap<object, ServerSession>();
  /** Every connection there was a session on, but for those given up. */
  readonly #connections = new Set<object>();
  readonly #inUse = new Map<QueryRunner, object>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly servers: ServerSessions,
    /** How long to wait for the answer to a statement, ms. */
    private readonly timeoutMs: number,
  ) {
    this.#fence = new Fence(servers);
  }

  async open(): Promise<void> {
    await this.dataSource.initialize();
  }

  async close(): Promise<void> {
    // What is still under way has been given up by everyone who waited for it.
    for (const [runner, connection] of this.#inUse) {
      await this.servers.abandon(runner, connection, new Error('The cache is closed.'));
    }
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    });
    const closed = this.dataSource.isInitialized ? this.dataSource.destroy() : Promise.resolve();
    await Promise.race([closed.catch(() => undefined), timeUp]);
    clearTimeout(timer);
    // What a silent server leaves half closed would keep the process alive.
    for (const connection of this.#connections) this.servers.sever(connection);
  }

  async read<T>(task: (runner: QueryRunner) => Promise<T>): Promise<T> {
    // What a write that was given up on may yet change is not to be read as if it were settled.
    await this.#raiseFence();
    return this.#use((runner) => this.#answerOf(task(runner)));
  }

  alone<T>(task: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.#use(task);
  }

  async write(statements: Iterable<Statement>): Promise<number> {
    await this.#raiseFence();
    return this.#use(
      (runner, connection) => this.#execute(runner, connection, statements),
      (session) => this.#fence.suspect(session),
    );
  }

  #raiseFence(): Promise<void> {
    return this.#fence.raise((end) => this.#use((runner) => this.#answerOf(end(runner))));
  }

  /** Lends a connection to `task`. One that breaks is given up, and `broken` told whose it was. */
  async #use<T>(
    task: (runner: QueryRunner, connection: object) => Promise<T>,
    broken?: (session: ServerSession) => void,
  ): Promise<T> {
    // The master, where there are replicas: they may lag behind what has been acknowledged.
    const runner = this.dataSource.createQueryRunner('master');
    let connection: object | undefined;
    let session: ServerSession | undefined;
    try {
      connection = (await runner.connect()) as object;
      this.#inUse.set(runner, connection);
      session = await this.#sessionOf(runner, connection);
      const result = await task(runner, connection);
      this.#inUse.delete(runner);
      await runner.release();
      return result;
    } catch (error) {
      this.#inUse.delete(runner);
      if (answered(error)) {
        await runner.release();
      } else {
        if (session !== undefined) broken?.(session);
        if (connection !== undefined) {
          this.#connections.delete(connection);
          await this.servers.abandon(runner, connection, error);
        }
      }
      throw error;
    }
  }

  async #sessionOf(runner: QueryRunner, connection: object): Promise<ServerSession> {
    let session = this.#sessions.get(connection);
    if (session === undefined) {
      session = await this.#answerOf(this.servers.begin(runner));
      this.#sessions.set(connection, session);
      this.#connections.add(connection);
    }
    return session;
  }

  #execute(runner: QueryRunner, connection: object, statements: Iterable<Statement>): Promise<number> {
    const inFlight = this.servers.inFlight?.(connection) ?? 1;
    let last: Promise<number> = Promise.resolve(0);
    return executeAll(statements, {
      begin: () => this.#answerOf(runner.startTransaction()),
      execute: (statement) => (last = this.#answerAfter(last, this.#executeOne(runner, statement))),
      inFlight,
      commit: () => this.#answerOf(runner.commitTransaction()),
      rollback: async (error) => {
        // A connection that can't even roll back is broken, whatever the first error was.
        if (answered(error)) await this.#answerOf(runner.rollbackTransaction());
      },
    });
  }

  #executeOne(runner: QueryRunner, statement: Statement): Promise<number> {
    const named = statement.name === undefined ? undefined : this.servers.executeNamed?.(runner, statement);
    return named ?? execute(runner, statement);
  }

  /** Each statement has its time, which begins when the one before it is answered; behind one that failed it has none. */
  async #answerAfter(previous: Promise<unknown>, answer: Promise<number>): Promise<number> {
    answer.catch(() => undefined);
    await previous;
    return this.#answerOf(answer);
  }

  /** Waits for an answer, but not for ever. A connection that gave none is given up like one that broke. */
  async #answerOf<T>(answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const message = `The server has not answered for ${this.timeoutMs} ms.`;
        reject(Object.assign(new Error(message), { code: 'NO_ANSWER' }));
      }, this.timeoutMs);
      // The connection keeps the process alive; a closed one must not.
      timer.unref();
    });
    try {
      return await Promise.race([answer, timeUp]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Whether `error` is the server's answer, after which the connection is as good as before. */
function answered(error: unknown): boolean {
  const { code = '', sqlState, fatal } = driverErrorOf(error);
  if (READ_ONLY.has(code) || UNPREPARED.has(code)) return false;
  return sqlState !== undefined && !fatal && !CONNECTION_OVER.test(sqlState);
}
