import type { EventEmitter } from 'node:events';
import { Store } from 'express-session';

/** What express-session's own `Store` does. Requests and sessions have the types that the application gives them. */
export interface ExpressStore extends EventEmitter {
  /* oxlint-disable typescript/no-explicit-any -- requests and sessions of Express and Fastify alike are assignable to it */
  /** Gives a request a new session in place of its own, which is destroyed. */
  regenerate(request: any, callback: (error?: unknown) => void): void;
  /** The session of an id, with its methods. */
  load(sid: string, callback: (error: unknown, session?: any) => void): void;
  /** Makes a session with methods of what `get` gave. */
  createSession(request: any, session: any): any;
  /* oxlint-enable typescript/no-explicit-any */
}

/**
 * express-session's own class. Typed here, so that the types of this package name none of `@types/express-session`: an
 * application on Fastify has them not, and one on Express may have those of another Express.
 */
export const ExpressStore = Store as unknown as new () => ExpressStore;
