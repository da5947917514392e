import { driverErrorOf } from '../driver-error.js';

/** SQLSTATEs with which a server ends a connection: connection exceptions, and MariaDB's 'connection was killed'. */
const CONNECTION_OVER = /^(?:08|70100)/;

/** Errors of a server that no longer takes writes: a new connection may find its successor. */
const READ_ONLY = new Set(['25006', 'ER_OPTION_PREVENTS_STATEMENT', 'ER_READ_ONLY_MODE']);

/** The session has lost a statement that the driver takes for prepared: another one begins without any. */
const UNPREPARED = new Set(['26000', 'ER_UNKNOWN_STMT_HANDLER']);

/** Whether `error` is the server's answer, after which the connection is as good as before. */
export function answered(error: unknown): boolean {
  const { code = '', sqlState, fatal } = driverErrorOf(error);
  if (READ_ONLY.has(code) || UNPREPARED.has(code)) return false;
  return sqlState !== undefined && !fatal && !CONNECTION_OVER.test(sqlState);
}
