import { basicCode } from './driver-error.js';

/** The step that a start has reached. */
export type OpenStep = 'connecting' | 'migrating' | 'using';

const CHECK_CREDENTIALS = 'Check user and password of the storage.';
const START_SERVER = 'Start the server, or correct host and port of the storage.';
const START_SOCKET =
  "Start the server, or correct the path of its socket: that of the folder on PostgreSQL (host: '/var/run/postgresql'), that " +
  'of the file on MySQL and MariaDB (socketPath).';
const TRUST = "The server's certificate is not trusted: give its authority in ssl: { ca }.";
const NO_TLS =
  'The server offers no TLS: switch it on there, or leave ssl and its parameters out of the storage.';
const ASK_FOR_TLS = "Set ssl, as in ssl: { ca: readFileSync('ca.pem', 'utf8') }.";
const RENEW = "The server's certificate is not valid now: renew it, or set the clock of this machine.";
const NO_RIGHTS_ON_TABLES =
  'The tables are there, and the user has no rights on them: grant it SELECT, INSERT, UPDATE and DELETE on cache_storage, ' +
  'cache_migrations, cache_identity, cache_instances and cache_changes.';
const READ_ONLY = 'The server takes no writes now: name the primary, or switch its read-only mode off.';
const TOO_MANY =
  'The server has no connection left: the cache needs four (poolSize and one more) for each process. Raise its limit, or end others.';
const MISSING_TABLE = 'The table is missing: set migrationsRun to true, or run cacheMigrations before.';
const SHORT_KEYS =
  'The key of the table has more bytes than its row format takes: run ALTER TABLE cache_storage ROW_FORMAT=DYNAMIC, and start again.';
const LOCKED =
  'Another instance is migrating the table, or another session has locked it: start again when it is done.';
const FOREIGN_KEY =
  'A foreign key uses columns of the table that have to change: drop it (ALTER TABLE … DROP FOREIGN KEY), start once, and make it ' +
  'again on columns of the new types.';
const STATEMENT_LOG =
  'The server logs statements, which it refuses for the isolation level of the cache (READ COMMITTED): set binlog_format to ROW or MIXED.';
const DISK_FULL = 'The disk of the database is full: make room on it, and start again.';
const ADDRESS_NOT_ALLOWED = 'Let the server take connections from this host.';

const REMEDIES: Readonly<Record<string, string>> = {
  SQLITE_NOTADB:
    'The file is not a SQLite database and was left as it is: set another path in storage.database.',
  SQLITE_READONLY: 'Give the process write permission to the file and its folder.',
  SQLITE_CANTOPEN: 'Give the process permission to the file and its folder.',
  SQLITE_BUSY: 'Another process holds a lock on it: end that process, or start again when it is done.',
  SQLITE_FULL: DISK_FULL,
  SQLITE_CORRUPT: 'The file is damaged: restore it from a backup, or set another path.',
  '28P01': CHECK_CREDENTIALS,
  '28000': `${CHECK_CREDENTIALS} A server that asks for TLS says the same of a connection without: set ssl.`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: TRUST,
  UNABLE_TO_GET_ISSUER_CERT: TRUST,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: TRUST,
  SELF_SIGNED_CERT_IN_CHAIN: TRUST,
  DEPTH_ZERO_SELF_SIGNED_CERT: TRUST,
  HANDSHAKE_SSL_ERROR: TRUST,
  HANDSHAKE_NO_SSL_SUPPORT: NO_TLS,
  CERT_HAS_EXPIRED: RENEW,
  CERT_NOT_YET_VALID: RENEW,
  ERR_TLS_CERT_ALTNAME_INVALID: "Connect by the name that is in the server's certificate.",
  ER_SECURE_TRANSPORT_REQUIRED: `The server takes connections with TLS alone. ${ASK_FOR_TLS}`,
  '3D000': 'Create the database, or correct its name.',
  '3F000':
    'Create the schema (CREATE SCHEMA) and grant the user USAGE and CREATE on it, or correct the schema of the storage.',
  '25006': READ_ONLY,
  '0A000':
    'A view, a rule, a policy, a trigger or a generated column uses columns of the table that have to change: drop it, start ' +
    'once, and make it again.',
  '57014':
    'The server has ended a statement: leave statement_timeout out of the url and the options of the storage, or raise it for the user.',
  '42P07': NO_RIGHTS_ON_TABLES,
  '53300': TOO_MANY,
  '53100': DISK_FULL,
  '57P03': 'The server is starting or stopping: start again when it is up.',
  '55P03': LOCKED,
  ER_LOCK_WAIT_TIMEOUT: LOCKED,
  NO_ANSWER: 'The server took the connection and does not answer: see what holds it up, and start again.',
  '42P01': MISSING_TABLE,
  ER_ACCESS_DENIED_ERROR: `${CHECK_CREDENTIALS} A user who may connect with TLS alone is told the same without: set ssl.`,
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: CHECK_CREDENTIALS,
  ER_DBACCESS_DENIED_ERROR: 'Create the database or correct its name, and grant the user access to it.',
  ER_BAD_DB_ERROR: 'Create the database, or correct its name.',
  ER_NO_SUCH_TABLE: MISSING_TABLE,
  ER_TABLE_EXISTS_ERROR: NO_RIGHTS_ON_TABLES,
  ER_INDEX_COLUMN_TOO_LONG: SHORT_KEYS,
  ER_TOO_LONG_KEY: SHORT_KEYS,
  ER_FK_COLUMN_CANNOT_CHANGE: FOREIGN_KEY,
  ER_FK_COLUMN_CANNOT_CHANGE_CHILD: FOREIGN_KEY,
  ER_FK_COLUMN_NOT_NULL: FOREIGN_KEY,
  ER_OPTION_PREVENTS_STATEMENT: READ_ONLY,
  ER_BINLOG_STMT_MODE_AND_ROW_ENGINE: STATEMENT_LOG,
  ER_DISK_FULL: DISK_FULL,
  ER_RECORD_FILE_FULL: DISK_FULL,
  ER_CON_COUNT_ERROR: TOO_MANY,
  ER_TOO_MANY_USER_CONNECTIONS: TOO_MANY,
  ER_USER_LIMIT_REACHED: TOO_MANY,
  ER_HOST_NOT_PRIVILEGED: ADDRESS_NOT_ALLOWED,
  ER_HOST_IS_BLOCKED: ADDRESS_NOT_ALLOWED,
  ECONNREFUSED: START_SERVER,
  ECONNRESET: START_SERVER,
  ENOTFOUND: START_SERVER,
  EAI_AGAIN: START_SERVER,
  EHOSTUNREACH: START_SERVER,
  ENETUNREACH: START_SERVER,
  ETIMEDOUT: START_SERVER,
  PROTOCOL_CONNECTION_LOST: START_SERVER,
  ENOENT: START_SOCKET,
  ENOTDIR: START_SOCKET,
  ENOTSOCK: START_SOCKET,
  EACCES: "Give the process permission to the server's socket and its folder.",
};

const MAY_NOT_MIGRATE =
  'The user may not make or change the tables: grant it the right to create tables there, and let it own cache_storage, ' +
  'cache_migrations, cache_identity, cache_instances and cache_changes where they exist (ALTER TABLE … OWNER TO); or run ' +
  'cacheMigrations yourself as a user who may (migrationsRun: false).';
const MAY_NOT_ALTER =
  'Grant the user SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX and REFERENCES on the database, or run cacheMigrations yourself ' +
  'as a user who may (migrationsRun: false).';
const MAY_NOT_USE =
  'Grant the user SELECT, INSERT, UPDATE and DELETE on cache_storage, and SELECT on cache_migrations and cache_identity; where ' +
  'several instances share them, SELECT, INSERT, UPDATE and DELETE on cache_instances and cache_changes, too.';

/** Codes that report a missing right without naming it. */
const RIGHTS: Readonly<Record<string, Readonly<Record<OpenStep, string>>>> = {
  '42501': { connecting: CHECK_CREDENTIALS, migrating: MAY_NOT_MIGRATE, using: MAY_NOT_USE },
  ER_TABLEACCESS_DENIED_ERROR: {
    connecting: CHECK_CREDENTIALS,
    migrating: MAY_NOT_ALTER,
    using: MAY_NOT_USE,
  },
  ER_COLUMNACCESS_DENIED_ERROR: {
    connecting: CHECK_CREDENTIALS,
    migrating: MAY_NOT_ALTER,
    using: MAY_NOT_USE,
  },
};

/** Driver messages that come without a code. */
const BY_MESSAGE: readonly (readonly [RegExp, string])[] = [
  [/does not support SSL/i, NO_TLS],
  [/client password must be a/i, `The server asks for a password. ${CHECK_CREDENTIALS}`],
  [
    /row-level security/i,
    "Row-level security holds for the cache's user: its policies may hide rows from it, or refuse them. Let the user pass them " +
      '(ALTER ROLE … BYPASSRLS), or disable them (ALTER TABLE cache_storage DISABLE ROW LEVEL SECURITY).',
  ],
  [/timeout expired|connection timeout|Connection terminated/i, START_SERVER],
];

/** What to do about a database that could not be opened: by the driver's code, and by what was being done. */
export function remedyFor(code: string | undefined, message: string, step: OpenStep): string {
  const byMessage = BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1];
  if (byMessage !== undefined) return byMessage;
  if (code === undefined) return 'See the cause.';
  return RIGHTS[code]?.[step] ?? REMEDIES[code] ?? REMEDIES[basicCode(code)] ?? 'See the cause.';
}
