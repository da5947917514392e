import type { Socket } from 'node:net';
import type { DataSource, QueryRunner } from 'typeorm';
import type { Statement } from './statement.js';

/** The identity of a connection on the server. */
export interface ServerSession {
  readonly id: number;
  /** Distinguishes it from a later session with the same id. */
  readonly mark: string;
}

/** How sessions of a server begin and end. */
export interface ServerSessions {
  /**
   * How many statements of a transaction may be on their way at once on the driver's connection, 1 by default: the server
   * need not wait for the next one. More only where a transaction takes nothing but its end after an error.
   */
  inFlight?(connection: object): number;
  /** Makes sure that an idle connection which breaks ends only itself. */
  guard?(dataSource: DataSource): void;
  /** Sets a new session up, whatever the server's defaults are, and asks who it is. */
  begin(runner: QueryRunner): Promise<ServerSession>;
  /** What a session needs now and then. It runs before the next use, outside of transactions. */
  readonly renewal?: { readonly everyMs: number; run(runner: QueryRunner): Promise<void> };
  /** Whether the driver knows the session that answers: a pooler announces one of its own. */
  readonly isDirect?: (connection: object, session: ServerSession) => boolean;
  /** The number of the session that answers now. */
  readonly identify?: (runner: QueryRunner) => Promise<number>;
  /** Ends another session of ours if it is still there. Returns whether it is gone, with all it was about to do. */
  end(runner: QueryRunner, session: ServerSession): Promise<boolean>;
  /** Executes a statement that has a name, kept prepared by the session; returns how many rows it changed. */
  executeNamed?(runner: QueryRunner, statement: Statement): Promise<number>;
  /** The same for one that gives rows. */
  queryNamed?(runner: QueryRunner, statement: Statement): Promise<unknown[]>;
  /** Drops the driver's connection at once, without telling the server. */
  abandon(runner: QueryRunner, connection: object, cause: unknown): Promise<void>;
  /** The socket of a driver's connection, where it is known. */
  socketOf(connection: object): Socket | undefined;
}
