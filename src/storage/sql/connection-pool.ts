import type { Socket } from 'node:net';
import type { DataSource, QueryRunner } from 'typeorm';
import { systemClock, within, type CacheTimer } from '../../core/clock.js';
import type { Statement } from './statement.js';
import { answered } from './answered.js';
import type { Connection, OpenTransaction, Unhurried } from './connection.js';
import { execute, executeAll, query } from './execute.js';
import { Fence } from './fence.js';
import { KeptSession } from './kept-session.js';
import { sharedSessionsError, sharesSessions } from './pooled-sessions.js';
import { ReadSlots } from './read-slots.js';
import type { ServerSession, ServerSessions } from './server-sessions.js';

/** How long a close waits for servers that don't answer, ms. */
const CLOSE_TIMEOUT_MS = 2000;

export interface ConnectionPoolOptions {
  /** Connections at most, 2 or more: one of them is kept for writing. */
  readonly size: number;
  /** How long to wait for a connection, and for the answer to a statement, ms. */
  readonly timeoutMs: number;
}

/** A small pool of connections to a server: one write at a time, and reads beside it, which never take the last one. */
export class ConnectionPool implements Connection {
  readonly #fence: Fence;
  /** By the driver's connection, which lives as long as the session. */
  readonly #sessions = new WeakMap<object, ServerSession>();
  readonly #renewedAt = new WeakMap<object, number>();
  /** Of every session that is not over. */
  readonly #sockets = new Set<Socket>();
  readonly #reads: ReadSlots;
  readonly #timeoutMs: number;
  readonly #inUse = new Map<QueryRunner, object>();
  readonly #kept = new Set<KeptSession>();
  #disconnected: () => void = () => undefined;
  #prove: ((runner: QueryRunner) => Promise<void>) | undefined;
  /** By the driver's connection, those whose database is known to hold what was written before. */
  readonly #proven = new WeakSet<object>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly servers: ServerSessions,
    { size, timeoutMs }: ConnectionPoolOptions,
  ) {
    this.#fence = new Fence(servers);
    this.#reads = new ReadSlots(Math.max(1, size - 1));
    this.#timeoutMs = timeoutMs;
  }

  async open(): Promise<void> {
    const initialized = this.dataSource.initialize();
    // One that is initialized all the same is closed: nobody will use it.
    await this.#answerOf(initialized).catch(async (error: unknown) => {
      void initialized.then(() => this.dataSource.destroy()).catch(() => undefined);
      throw error;
    });
    this.servers.guard?.(this.dataSource);
    await this.#assertSessions();
  }

  async close(): Promise<void> {
    // Nobody waits any longer for what is still under way.
    for (const [runner, connection] of this.#inUse) {
      await this.servers.abandon(runner, connection, new Error('The cache is closed.'));
    }
    for (const session of this.#kept) await session.release();
    const closed = this.dataSource.isInitialized ? this.dataSource.destroy() : Promise.resolve();
    await within(
      systemClock,
      CLOSE_TIMEOUT_MS,
      closed.catch(() => undefined),
    );
    // A socket that a silent server leaves half closed would keep the process alive.
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Calls `disconnected` from now on whenever a connection has ended, be it that nobody has used it for long. */
  watchConnections(disconnected: () => void): void {
    this.#disconnected = disconnected;
  }

  /**
   * From now on has `prove` run before the first write by each connection, which fails with what it throws: another connection may lead
   * to another database.
   */
  proveWrites(prove: (runner: QueryRunner) => Promise<void>): void {
    this.#prove = prove;
  }

  read<T>(task: (runner: QueryRunner) => Promise<T>): Promise<T> {
    const deadline = this.#deadline();
    const read = async (): Promise<T> => {
      // A row that a broken write may still change must not be read as settled.
      await this.#raiseFence(deadline);
      return this.#use((runner) => this.#answerOf(task(runner), deadline), deadline);
    };
    return this.#reads.run(read, deadline, () => this.#noAnswer('No connection for reading came free'));
  }

  alone<T>(task: (runner: QueryRunner, unhurried: Unhurried) => Promise<T>): Promise<T> {
    return this.#use((runner) => {
      let isUnhurried = false;
      const ask = runner.query.bind(runner);
      runner.query = (...statement: Parameters<typeof ask>) =>
        isUnhurried ? ask(...statement) : this.#answerOf(ask(...statement));
      return task(runner, async (work) => {
        isUnhurried = true;
        try {
          return await work();
        } finally {
          isUnhurried = false;
        }
      });
    }, this.#deadline());
  }

  write(statements: Iterable<Statement>): Promise<number> {
    return this.#useToWrite((runner, _deadline, connection) => this.#execute(runner, connection, statements));
  }

  writeReturning(statement: Statement): Promise<unknown[]> {
    return this.#useToWrite((runner, deadline) =>
      this.#answerOf(this.#queryOne(runner, statement), deadline),
    );
  }

  async transaction<T>(task: (transaction: OpenTransaction) => Promise<T>): Promise<T> {
    const end = await this.#useToWrite((runner) => this.#transact(runner, task));
    return end();
  }

  /**
   * Takes a connection out of the pool, within `ms`, for a session that is to last, and that writes no rows of the cache. `ended` is
   * called when it breaks; the pool gives it back at its close.
   */
  async keep(ms: number, ended: () => void): Promise<KeptSession> {
    const deadline = systemClock.monotonic() + ms;
    const runner = this.dataSource.createQueryRunner('master');
    const connection = await this.#connect(runner, deadline);
    let session: ServerSession;
    try {
      session = await this.#sessionOf(runner, connection, deadline);
    } catch (error) {
      await this.servers.abandon(runner, connection, error);
      throw error;
    }
    const patience = <T>(answer: Promise<T>, limit: number): Promise<T> =>
      this.#answerOf(answer, systemClock.monotonic() + limit);
    const kept = new KeptSession(session, runner, connection, this.servers, patience, () => {
      this.#kept.delete(kept);
      ended();
    });
    this.#kept.add(kept);
    return kept;
  }

  /** Rejects where a pooler is in between, and no connection has a session of its own. */
  async #assertSessions(): Promise<void> {
    const { isDirect, identify } = this.servers;
    if (isDirect === undefined || identify === undefined) return;
    const deadline = this.#deadline();
    const isShared = await this.#use(async (runner, connection) => {
      const session = this.#sessions.get(connection);
      if (session === undefined || isDirect(connection, session)) return false;
      const check = sharesSessions(runner, identify, (task) => this.#use(task, deadline));
      return this.#answerOf(check, deadline);
    }, deadline);
    if (isShared) throw sharedSessionsError();
  }

  #raiseFence(deadline: number): Promise<void> {
    return this.#fence.raise((end) => this.#use((runner) => this.#answerOf(end(runner), deadline), deadline));
  }

  #deadline(): number {
    return systemClock.monotonic() + this.#timeoutMs;
  }

  /** Lends a connection to `task`, which writes. */
  async #useToWrite<T>(
    task: (runner: QueryRunner, deadline: number, connection: object) => Promise<T>,
  ): Promise<T> {
    const deadline = this.#deadline();
    await this.#raiseFence(deadline);
    return this.#use(
      async (runner, connection) => {
        if (this.#prove !== undefined && !this.#proven.has(connection)) {
          await this.#answerOf(this.#prove(runner), deadline);
          this.#proven.add(connection);
        }
        return task(runner, deadline, connection);
      },
      deadline,
      (session) => this.#fence.suspect(session),
    );
  }

  /**
   * Lends a connection to `task`, if one is free by `deadline`. A connection that breaks is dropped, and `broken` is called
   * with its session.
   */
  async #use<T>(
    task: (runner: QueryRunner, connection: object) => Promise<T>,
    deadline: number,
    broken?: (session: ServerSession) => void,
  ): Promise<T> {
    // The master, where there are replicas: they may lag behind what has been acknowledged.
    const runner = this.dataSource.createQueryRunner('master');
    let connection: object | undefined;
    let session: ServerSession | undefined;
    try {
      connection = await this.#connect(runner, deadline);
      this.#inUse.set(runner, connection);
      this.servers.socketOf(connection)?.ref();
      session = await this.#sessionOf(runner, connection, deadline);
      const result = await task(runner, connection);
      this.#inUse.delete(runner);
      await this.#giveBack(runner, connection);
      return result;
    } catch (error) {
      this.#inUse.delete(runner);
      if (answered(error)) {
        await this.#giveBack(runner, connection);
      } else {
        if (session !== undefined) broken?.(session);
        if (connection !== undefined) await this.servers.abandon(runner, connection, error);
      }
      throw error;
    }
  }

  /** A connection that nobody uses does not keep the process alive: an application that only waits for its end comes to it. */
  async #giveBack(runner: QueryRunner, connection: object | undefined): Promise<void> {
    if (connection !== undefined) this.servers.socketOf(connection)?.unref();
    await runner.release();
  }

  async #connect(runner: QueryRunner, deadline: number): Promise<object> {
    const connecting = runner.connect() as Promise<object>;
    try {
      return await this.#answerOf(connecting, deadline);
    } catch (error) {
      // One that comes all the same goes back.
      connecting.then(() => runner.release()).catch(() => undefined);
      throw error;
    }
  }

  async #sessionOf(runner: QueryRunner, connection: object, deadline: number): Promise<ServerSession> {
    let session = this.#sessions.get(connection);
    if (session === undefined) {
      session = await this.#answerOf(this.servers.begin(runner), deadline);
      this.#sessions.set(connection, session);
      this.#keepSocketOf(connection);
    }
    await this.#renew(runner, connection, deadline);
    return session;
  }

  async #renew(runner: QueryRunner, connection: object, deadline: number): Promise<void> {
    const { renewal } = this.servers;
    if (renewal === undefined) return;
    const now = systemClock.monotonic();
    const renewedAt = this.#renewedAt.get(connection);
    if (renewedAt !== undefined && now - renewedAt < renewal.everyMs) return;
    this.#renewedAt.set(connection, now);
    if (renewedAt !== undefined) await this.#answerOf(renewal.run(runner), deadline);
  }

  /** As long as it is open: the driver drops what was idle for long, and what broke, without a word. */
  #keepSocketOf(connection: object): void {
    const socket = this.servers.socketOf(connection);
    if (socket === undefined || socket.destroyed) return;
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#disconnected();
    });
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

  /** Gives how it ended: what `task` throws of its own is no fault of the connection. */
  async #transact<T>(
    runner: QueryRunner,
    task: (transaction: OpenTransaction) => Promise<T>,
  ): Promise<() => T> {
    let hasFailed = false;
    const told = async <A>(answer: Promise<A>): Promise<A> => {
      try {
        return await this.#answerOf(answer);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    };
    await told(runner.startTransaction());
    try {
      const result = await task({
        query: (statement) => told(this.#queryOne(runner, statement)),
        execute: (statement) => told(this.#executeOne(runner, statement)),
      });
      await told(runner.commitTransaction());
      return () => result;
    } catch (error) {
      // A connection that can't even roll back is broken, whatever the first error was.
      if (!hasFailed || answered(error)) await this.#answerOf(runner.rollbackTransaction());
      if (hasFailed) throw error;
      return () => {
        throw error;
      };
    }
  }

  #executeOne(runner: QueryRunner, statement: Statement): Promise<number> {
    const named = statement.name === undefined ? undefined : this.servers.executeNamed?.(runner, statement);
    return named ?? execute(runner, statement);
  }

  #queryOne(runner: QueryRunner, statement: Statement): Promise<unknown[]> {
    const named = statement.name === undefined ? undefined : this.servers.queryNamed?.(runner, statement);
    return named ?? query(runner, statement);
  }

  /** Each statement has its time, which begins when the one before it is answered; behind one that failed it has none. */
  async #answerAfter(previous: Promise<unknown>, answer: Promise<number>): Promise<number> {
    answer.catch(() => undefined);
    await previous;
    return this.#answerOf(answer);
  }

  /** Waits for an answer for a limited time. A connection that gives none is dropped like a broken one. */
  async #answerOf<T>(answer: Promise<T>, deadline = this.#deadline()): Promise<T> {
    let timer: CacheTimer | undefined;
    const timeUp = new Promise<never>((_resolve, reject) => {
      const timeLeft = Math.max(0, deadline - systemClock.monotonic());
      const giveUp = (): void => reject(this.#noAnswer('The server has not answered'));
      // The connection keeps the process alive; a closed one must not.
      timer = systemClock.setTimer(timeLeft, giveUp, false);
    });
    try {
      return await Promise.race([answer, timeUp]);
    } finally {
      timer?.cancel();
    }
  }

  #noAnswer(what: string): Error {
    return Object.assign(new Error(`${what} for ${this.#timeoutMs} ms.`), { code: 'NO_ANSWER' });
  }
}
