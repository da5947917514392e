import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { QueryRunner } from 'typeorm';
import type { Statement } from '../sql/statement.js';
import { IDLE_TIMEOUT_S, LOCK_TIMEOUT_S } from '../sql/lock-timeout.js';
import type { ServerSession, ServerSessions } from '../sql/server-sessions.js';

/** How often the server looks whether the client of a running statement is still there, ms. PostgreSQL 14 and newer. */
const CLIENT_CHECK_MS = 1000;
/** Statements on their way at once. */
const IN_FLIGHT = 2;

/** How long the plans of prepared statements are used, ms: a few of them are made anew in less than a thousandth of that. */
const PLANS_LAST_MS = 5000;

/** When the session began, as a number: how the server writes a time as text is a setting of sessions, users and databases. */
export const MARK = '(extract(epoch FROM backend_start) * 1000000)::bigint::text';

/**
 * Identifies the session, and turns sorting off: a page of a load comes in the order of the primary key. Without statistics
 * the planner may expect less than a page of rows, and would read and sort the rest of the namespace. And it makes the server
 * refuse what policies would filter: rows that they hide would be neither found nor deleted, without an error.
 *
 * For conditional writes it turns off all joins but loops: a small table would be read as a whole, and its rows locked in
 * whatever order they lie, not in that of their keys. READ COMMITTED, whatever the default is: an UPDATE that has waited for a
 * row compares what it has become.
 */
const WHO = `
  SELECT pid AS "id", ${MARK} AS "mark",
    set_config('lock_timeout', '${LOCK_TIMEOUT_S}s', false), set_config('enable_sort', 'off', false),
    set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false),
    set_config('row_security', 'off', false), set_config('default_transaction_isolation', 'read committed', false),
    set_config('idle_in_transaction_session_timeout', '${IDLE_TIMEOUT_S}s', false)
  FROM pg_stat_activity WHERE pid = pg_backend_pid()`;

/** Settings that not every version and platform has. */
const OPTIONAL = [
  // A second line of defence behind the fence.
  ['client_connection_check_interval', `${CLIENT_CHECK_MS}`],
  // Keys with another collation make the server sort a page after all, which looks expensive enough to trigger JIT.
  ['jit', 'off'],
];

/** A connection of `pg`, as far as it is used here. */
interface PgClient {
  /** Whether it sends statements before those ahead are answered. Older versions don't know it. */
  readonly pipeline?: boolean;
  /** The session's process, as the server announced it when the connection began. */
  readonly processID?: number | null;
  query(statement: {
    name: string;
    text: string;
    values: unknown[];
  }): Promise<{ rowCount: number | null; rows: unknown[] }>;
}

/** PostgreSQL's backends. */
export const postgresSessions: ServerSessions = {
  // A client without pipelining would only queue it, with a warning.
  inFlight: (connection) => ((connection as PgClient).pipeline === true ? IN_FLIGHT : 1),

  /**
   * A session may end as soon as it began, when the driver's pool no longer listens and TypeORM does not listen yet. An error
   * without a listener would end the process. The next statement on the connection reports it.
   */
  guard({ driver }) {
    const { master } = driver as { master?: EventEmitter };
    master?.on('connect', (client: EventEmitter) => client.on('error', () => undefined));
  },

  async begin(runner) {
    const [session] = (await runner.query(WHO)) as [ServerSession];
    for (const [name, value] of OPTIONAL) {
      const set = 'SELECT set_config(name, $2, false) FROM pg_settings WHERE name = $1';
      await runner.query(set, [name, value]).catch(() => undefined);
    }
    return { id: session.id, mark: session.mark };
  },

  // What was planned for a small table would stay when that has grown, until the server analyses it.
  renewal: {
    everyMs: PLANS_LAST_MS,
    async run(runner) {
      await runner.query('DISCARD PLANS').catch(() => undefined);
    },
  },

  isDirect: (connection, { id }) => (connection as PgClient).processID === id,

  async identify(runner) {
    const [session] = (await runner.query('SELECT pg_backend_pid() AS "id"')) as [{ id: number }];
    return session.id;
  },

  async end(runner, { id, mark }) {
    // A backend leaves this view after its transaction has been rolled back.
    const left = (await runner.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND ${MARK} = $2`,
      [id, mark],
    )) as unknown[];
    return left.length === 0;
  },

  async executeNamed(runner, statement) {
    return (await sendNamed(runner, statement)).rowCount ?? 0;
  },

  async queryNamed(runner, statement) {
    return (await sendNamed(runner, statement)).rows;
  },

  async abandon(runner, connection, cause) {
    // TypeORM's public release() would give the connection back to the pool.
    const { releasePostgresConnection } = runner as QueryRunner & {
      releasePostgresConnection?: (error: unknown) => Promise<void>;
    };
    if (releasePostgresConnection === undefined) await runner.release();
    else await releasePostgresConnection.call(runner, cause ?? true);
    // With statements ahead, the driver would wait for their answers before it says goodbye.
    socketOf(connection)?.destroy();
  },

  socketOf,
};

/** TypeORM's query() has no way to name a statement, and the server plans it anew each time. */
async function sendNamed(
  runner: QueryRunner,
  { name, sql, parameters }: Statement,
): ReturnType<PgClient['query']> {
  const client = (await runner.connect()) as PgClient;
  return client.query({ name: `durable-cache ${name}`, text: sql, values: parameters });
}

/** pg-native shows none. */
function socketOf(connection: object): Socket | undefined {
  return (connection as { connection?: { stream?: Socket } }).connection?.stream;
}
