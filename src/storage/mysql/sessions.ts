import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { QueryRunner } from 'typeorm';
import type { Statement } from '../sql/statement.js';
import { driverErrorOf } from '../driver-error.js';
import { execute } from '../sql/execute.js';
import { IDLE_TIMEOUT_S, LOCK_TIMEOUT_S } from '../sql/lock-timeout.js';
import type { ServerSession, ServerSessions } from '../sql/server-sessions.js';

/** The server's default, bytes, until the server was asked. */
const DEFAULT_PACKET = 16 * 2 ** 20;

/** What a server says before it has done anything. */
const UNPREPARABLE = new Set([
  // The limit is shared by all sessions of the server.
  'ER_MAX_PREPARED_STMT_COUNT_REACHED',
  // Older ones take blocks as text alone.
  'ER_UNSUPPORTED_PS',
]);

/** A connection of `mysql2`, as far as it is used here. */
interface Mysql2Connection {
  execute(
    sql: string,
    parameters: unknown[],
    done: (error: Error | null, result: { affectedRows: number }) => void,
  ): void;
}

/**
 * Connections of MySQL and MariaDB. A restarted server reuses their ids, so each session holds a named lock of its own. The
 * holder of the lock is the session; when nobody holds it, the session is gone.
 */
export class MysqlSessions implements ServerSessions {
  /** The server's max_allowed_packet, bytes. */
  maxPacket = DEFAULT_PACKET;
  /** Whether the server takes blocks of statements outside of procedures (`BEGIN NOT ATOMIC`), as MariaDB does. */
  takesBlocks = false;

  async begin(runner: QueryRunner): Promise<ServerSession> {
    // autocommit: a statement on its own is to be committed. sql_mode: values that don't fit are refused, not cut short,
    // and a backslash escapes, as mysql2 takes for granted.
    await runner.query(
      "SET SESSION autocommit = 1, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', " +
        `time_zone = '+00:00', innodb_lock_wait_timeout = ${LOCK_TIMEOUT_S}, lock_wait_timeout = ${LOCK_TIMEOUT_S}`,
    );
    // Each statement sees what was committed before it, and locks the rows that it names and no gaps between them: writers of
    // different rows don't wait for each other. In REPEATABLE READ (the default) MariaDB 11.6 also refuses a lock on a row that
    // another session has changed since the transaction began. A statement of its own: the variable has two names.
    await runner.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    const mark = `durable-cache:${randomUUID()}`;
    const [session] = (await runner.query(
      'SELECT GET_LOCK(?, 0) AS `held`, CONNECTION_ID() AS `id`, @@max_allowed_packet AS `packet`, VERSION() AS `version`',
      [mark],
    )) as [{ id: number | string; packet: number | string; version: string }];
    this.maxPacket = Number(session.packet);
    this.takesBlocks = /mariadb/i.test(session.version);
    // MySQL has no such limit.
    if (this.takesBlocks) await runner.query(`SET SESSION idle_transaction_timeout = ${IDLE_TIMEOUT_S}`);
    return { id: Number(session.id), mark };
  }

  async end(runner: QueryRunner, { mark }: ServerSession): Promise<boolean> {
    const [holder] = (await runner.query('SELECT IS_USED_LOCK(?) AS `id`', [mark])) as [
      { id: number | string | null },
    ];
    if (holder.id === null) return true;
    // It may end by itself in between; the next look shows that.
    await runner.query(`KILL CONNECTION ${Number(holder.id)}`).catch(() => undefined);
    return false;
  }

  /** By the binary protocol: the server need not parse the values, and mysql2 need not escape them. */
  async executeNamed(runner: QueryRunner, statement: Statement): Promise<number> {
    const connection = (await runner.connect()) as Partial<Mysql2Connection>;
    // TypeORM takes the package mysql where that is installed, which has no such protocol.
    if (connection.execute === undefined) return execute(runner, statement);
    const { execute: send } = connection;
    try {
      return await new Promise((resolve, reject) => {
        send.call(connection, statement.sql, statement.parameters, (error, result) => {
          if (error === null) resolve(result.affectedRows);
          else reject(error);
        });
      });
    } catch (error) {
      if (!UNPREPARABLE.has(driverErrorOf(error).code ?? '')) throw error;
      return execute(runner, statement);
    }
  }

  async abandon(runner: QueryRunner, connection: object): Promise<void> {
    (connection as { destroy?: () => void }).destroy?.();
    // destroy() says goodbye to the server, and waits for the reply.
    this.socketOf(connection)?.destroy();
    await runner.release();
  }

  socketOf(connection: object): Socket | undefined {
    return (connection as { stream?: Socket }).stream;
  }
}
