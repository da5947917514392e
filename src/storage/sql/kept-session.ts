import type { QueryRunner } from 'typeorm';
import { answered } from './answered.js';
import type { ServerSession, ServerSessions } from './server-sessions.js';

/** Waits for an answer of the server, for so many ms. */
export type Patience = <T>(answer: Promise<T>, ms: number) => Promise<T>;

/**
 * A session that lasts: its connection is in nobody else's hands until it is given back or breaks. It does not keep the
 * process alive.
 */
export class KeptSession {
  #isOver = false;

  constructor(
    readonly session: ServerSession,
    private readonly runner: QueryRunner,
    private readonly connection: object,
    private readonly servers: ServerSessions,
    private readonly patience: Patience,
    /** Called once when it is over, unless it was given back. */
    private readonly ended: () => void,
  ) {
    const socket = servers.socketOf(connection);
    socket?.unref();
    socket?.once('close', () => this.#end());
  }

  /** The same as {@link run}, and keeps the process alive meanwhile, since somebody waits. */
  async runAwaited<T>(task: (runner: QueryRunner) => Promise<T>, ms: number): Promise<T> {
    const socket = this.servers.socketOf(this.connection);
    socket?.ref();
    try {
      return await this.run(task, ms);
    } finally {
      socket?.unref();
    }
  }

  /** Runs `task`, which is to be over within `ms`: a session that gives no answer is ended. */
  async run<T>(task: (runner: QueryRunner) => Promise<T>, ms: number): Promise<T> {
    try {
      return await this.patience(task(this.runner), ms);
    } catch (error) {
      if (!answered(error)) {
        this.#end();
        await this.servers.abandon(this.runner, this.connection, error).catch(() => undefined);
      }
      throw error;
    }
  }

  /** Gives the connection back. */
  async release(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.runner.release();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.ended();
  }
}
