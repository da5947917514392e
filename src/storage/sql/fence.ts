import type { QueryRunner } from 'typeorm';
import { sleep, systemClock } from '../../core/clock.js';
import type { ServerSession, ServerSessions } from './server-sessions.js';

const LOOK_EVERY_MS = 20;
const GIVE_UP_AFTER_MS = 5000;

/**
 * Keeps a write whose outcome is unknown from happening later. When a connection breaks in the middle of a write, its
 * session may live on in the server, wait for a lock with the old values, and overwrite newer ones later. So before
 * anything else is written, the fence ends that session: by then it has committed, or never will.
 */
export class Fence {
  readonly #suspects = new Set<ServerSession>();

  constructor(private readonly sessions: ServerSessions) {}

  /** The connection of `session` broke in the middle of a write. */
  suspect(session: ServerSession): void {
    this.#suspects.add(session);
  }

  /** Ends every suspect, each on a connection from `use`. Rejects while there is none. */
  async raise(use: (task: (runner: QueryRunner) => Promise<void>) => Promise<void>): Promise<void> {
    for (const session of this.#suspects) {
      await use((runner) => this.#end(runner, session));
      this.#suspects.delete(session);
    }
  }

  async #end(runner: QueryRunner, session: ServerSession): Promise<void> {
    const deadline = systemClock.monotonic() + GIVE_UP_AFTER_MS;
    while (!(await this.sessions.end(runner, session))) {
      if (systemClock.monotonic() > deadline) {
        throw Object.assign(
          new Error(
            `The server does not end session ${session.id}, whose connection broke in the middle of a write.`,
          ),
          { code: 'OLD_SESSION_ALIVE' },
        );
      }
      await sleep(systemClock, LOOK_EVERY_MS);
    }
  }
}
