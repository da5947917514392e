import {
  connectSeconds,
  ignored,
  ignoredBut,
  nothingBut,
  rulesFor,
  TLS_BESIDE,
  wholeNumber,
  type ParameterRules,
} from './url-parameters.js';

const PASSED = [
  'compress',
  'connectAttributes',
  'disableEval',
  'enableCleartextPlugin',
  'enableKeepAlive',
  'gracefulEnd',
  'idleTimeout',
  'insecureAuth',
  'keepAliveInitialDelay',
  'localAddress',
  'maxIdle',
  'maxPreparedStatements',
  'password1',
  'password2',
  'password3',
  'passwordSha1',
  'trace',
];

/** What mysql2 would take, and the cache relies on: how values come back, what a session is, how long anyone waits. */
export const MYSQL_SETTINGS_OF_THE_CACHE = [
  'bigNumberStrings',
  'charset',
  'charsetNumber',
  'dateStrings',
  'debug',
  'decimalNumbers',
  'flags',
  'jsonStrings',
  'multipleStatements',
  'namedPlaceholders',
  'nestTables',
  'queryFormat',
  'queueLimit',
  'resetOnRelease',
  'rowsAsArray',
  'stringifyObjects',
  'supportBigNumbers',
  'timezone',
  'typeCast',
  'waitForConnections',
] as const;

/** What other libraries, hosts and tools print into their URLs. */
const TUNING = [
  'acquireTimeout',
  'autoReconnect',
  'characterEncoding',
  'collation',
  'connectionLimit',
  'connection_limit',
  'pool_timeout',
  'reconnect',
  'serverTimezone',
  'serverVersion',
  'socket_timeout',
  'statement_cache_size',
  'useUnicode',
  'zeroDateTimeBehavior',
];
const TLS = [
  'requireSSL',
  'ssl-ca',
  'ssl-cert',
  'ssl-key',
  'ssl_ca',
  'sslaccept',
  'sslcert',
  'sslidentity',
  'sslpassword',
  'tls',
  'verifyServerCertificate',
];

const IN_FRONT = 'it belongs in front of the question mark, as in mysql://user:password@host:3306/database';
const SOCKET = 'write socketPath=/path/of/the/socket';

/** The parameters that mysql2 knows. What TLS is asked for is told by `mysqlTls`. */
export const MYSQL_PARAMETERS: ParameterRules = {
  ...rulesFor(PASSED, passed),
  ...rulesFor(MYSQL_SETTINGS_OF_THE_CACHE, ignored),
  ...rulesFor(TUNING, ignored),
  ...rulesFor(TLS, TLS_BESIDE),
  bigNumberStrings: ignoredBut(/^true$/),
  charset: ignoredBut(/^utf8mb4(_\w+)?$/i),
  dateStrings: ignoredBut(/^false$/),
  multipleStatements: ignoredBut(/^false$/),
  supportBigNumbers: ignoredBut(/^true$/),
  timezone: ignoredBut(/^(z|utc|[+ ]00:00)$/i),
  // It may ask for a connection of another kind.
  flags: 'the cache sets it itself for its own connections: leave it out',
  allowPublicKeyRetrieval: nothingBut(
    /^true$/,
    'where there is no TLS, mysql2 asks the server for its key: leave it out, and use TLS',
  ),
  connect_timeout: connectSeconds,
  connectTimeout: (value, options, name) => {
    options.connectTimeout = wholeNumber(name, value, 1);
  },
  socketPath: (value, options) => {
    options.socketPath = value;
  },
  socket: SOCKET,
  unix_socket: SOCKET,
  host: IN_FRONT,
  port: IN_FRONT,
  user: IN_FRONT,
  password: IN_FRONT,
  database: IN_FRONT,
};

/** As mysql2 reads its own URLs: JSON where it is some, else a text. */
function passed(value: string, { extra }: { extra: Record<string, unknown> }, name: string): void {
  try {
    extra[name] = JSON.parse(value);
  } catch {
    extra[name] = value;
  }
}
