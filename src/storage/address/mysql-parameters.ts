import { wholeNumber, type ParameterRule, type ParameterRules } from './url-parameters.js';

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

const IN_FRONT = 'it belongs in front of the question mark, as in mysql://user:password@host:3306/database';
const SOCKET = 'write socketPath=/path/of/the/socket';

/** The parameters that mysql2 knows. What TLS is asked for is told by `mysqlTls`. */
export const MYSQL_PARAMETERS: ParameterRules = {
  ...Object.fromEntries(PASSED.map((name) => [name, passed])),
  ...Object.fromEntries(
    MYSQL_SETTINGS_OF_THE_CACHE.map((name): [string, ParameterRule] => [
      name,
      'the cache sets it itself for its own connections: leave it out',
    ]),
  ),
  connectTimeout: (value, options, name) => {
    options.connectTimeout = wholeNumber(name, value, 1);
  },
  socketPath: (value, options) => {
    options.socketPath = value;
  },
  socket: SOCKET,
  unix_socket: SOCKET,
  connectionLimit: 'give poolSize beside the url',
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
