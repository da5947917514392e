import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { DataSource } from 'typeorm';
import { isCacheError } from '../../core/cache-error.js';
import { sleep, systemClock } from '../../core/clock.js';
import type { BackplaneConnect, BackplaneLink, LinkRequest } from '../../core/sharing/backplane-link.js';
import { DatabaseError, driverErrorOf, withoutQuotes } from '../driver-error.js';
import { doubleQuoted } from '../sql/quoted-name.js';
import { sharedSessionsError } from '../sql/pooled-sessions.js';

/** A connection of `pg`, as far as it is used here. */
interface PgClient extends EventEmitter {
  /** The session's process, as the server announced it when the connection began; pg-native does not know it. */
  readonly processID?: number | null;
  /** pg-native shows none. */
  readonly connection?: { readonly stream?: Socket };
  connect(): Promise<unknown>;
  query(query: string | NamedQuery): Promise<{ readonly rows: unknown[] }>;
  end(): Promise<void>;
}

/** A statement that the server keeps prepared for its session. */
interface NamedQuery {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The driver's pool of TypeORM's connections. */
interface PgPool {
  readonly Client: new (options: unknown) => PgClient;
  readonly options: unknown;
}

interface PgNotification {
  readonly channel: string;
  readonly payload?: string;
}

/** A session that waits for messages is idle by nature. Not every version has the setting. */
const STAY = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'";
/** Comes with each commit: to plan it takes as long as to send the message. */
const NOTIFY = { name: 'durable-cache notify', text: 'SELECT pg_notify($1, $2)' };
/** How long a text counts as being sent, ms: one for each commit would cost a busy writer a fifth of its speed. */
const SEND_MS = 1;
const WHO = 'SELECT pg_backend_pid() AS "id"';

/**
 * Makes connections for messages as the driver's pool makes its own: to the same server, with the same credentials and the
 * same TLS. They are no part of the pool: a session that listens must not be lent to anyone.
 */
export function messageLinks(dataSource: DataSource): BackplaneConnect {
  return async (request) => {
    const { master } = dataSource.driver as unknown as { master: PgPool };
    return PostgresLink.connect(() => new master.Client(master.options), request);
  };
}

/**
 * LISTEN and NOTIFY on a session of its own. Each NOTIFY is a transaction of its own, which writes no data and waits for no disk;
 * there is one in a millisecond at most.
 */
class PostgresLink implements BackplaneLink {
  private constructor(private readonly client: PgClient) {}

  static async connect(newClient: () => PgClient, request: LinkRequest): Promise<PostgresLink> {
    const client = newClient();
    client.on('error', (error) => request.onEnd(readable(error)));
    client.on('end', () => request.onEnd(new Error('The connection ended.')));
    client.on('notification', ({ channel, payload }: PgNotification) =>
      request.onMessage(channel, payload ?? ''),
    );
    const link = new PostgresLink(client);
    request.signal.addEventListener('abort', () => void link.close());
    try {
      await client.connect();
      client.connection?.stream?.unref();
      await link.#assertOwnSession(newClient);
      await client.query(STAY);
      return link;
    } catch (error) {
      await link.close();
      throw readable(error);
    }
  }

  async subscribe(channel: string): Promise<void> {
    await this.#query(`LISTEN ${doubleQuoted(channel)}`);
  }

  async publish(channel: string, text: string): Promise<void> {
    // What is to be sent meanwhile goes together.
    await Promise.all([this.#query({ ...NOTIFY, values: [channel, text] }), sleep(systemClock, SEND_MS)]);
  }

  async close(): Promise<void> {
    // A server that is silent would not answer a farewell; one that is not sees the end of the connection.
    if (this.client.connection?.stream === undefined) await this.client.end();
    else this.client.connection.stream.destroy();
  }

  /** Rejects where a pooler is in between, and lends its sessions to whoever has a transaction. */
  async #assertOwnSession(newClient: () => PgClient): Promise<void> {
    const id = await this.#session();
    // A pooler announces a process of its own. It may be one that gives a session to each client for all its time.
    if (this.client.processID === id) return;
    const other = newClient();
    other.on('error', () => undefined);
    try {
      await other.connect();
      // Takes a session for as long as this one is asked again: of those free, the one used last.
      await other.query('BEGIN');
      const { rows } = await other.query(WHO);
      const taken = (rows as [{ id: number }])[0].id;
      if (taken === id || (await this.#session()) !== id) throw sharedSessionsError();
    } finally {
      await new PostgresLink(other).close();
    }
  }

  async #session(): Promise<number> {
    const { rows } = await this.client.query(WHO);
    return (rows as [{ id: number }])[0].id;
  }

  async #query(query: string | NamedQuery): Promise<void> {
    try {
      await this.client.query(query);
    } catch (error) {
      throw readable(error);
    }
  }
}

/** What may leave: the driver's errors may carry statements, with what is sent. */
function readable(error: unknown): Error {
  if (isCacheError(error)) return error;
  const { message, code } = driverErrorOf(error);
  return new DatabaseError(withoutQuotes(message), code, 'transient');
}
