const CHECK_CREDENTIALS = 'Check user and password of the storage.';
const START_SERVER = 'Start the server, or correct host and port of the storage.';
const TRUST = "The server's certificate is not trusted: give its authority in ssl: { ca }.";

const REMEDIES: Readonly<Record<string, string>> = {
  SQLITE_NOTADB:
    'The file is not a SQLite database and was left as it is: set another path in storage.database.',
  SQLITE_READONLY: 'Give the process write permission to the file and its folder.',
  SQLITE_CANTOPEN: 'Give the process permission to the file and its folder.',
  SQLITE_BUSY: 'Another process holds a lock on it: end that process, or start again when it is done.',
  SQLITE_CORRUPT: 'The file is damaged: restore it from a backup, or set another path.',
  '28P01': CHECK_CREDENTIALS,
  '28000': `${CHECK_CREDENTIALS} A server that asks for TLS says the same of a connection without: set ssl.`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: TRUST,
  SELF_SIGNED_CERT_IN_CHAIN: TRUST,
  DEPTH_ZERO_SELF_SIGNED_CERT: TRUST,
  HANDSHAKE_SSL_ERROR: TRUST,
  ERR_TLS_CERT_ALTNAME_INVALID: "Connect by the name that is in the server's certificate.",
  '3D000': 'Create the database, or correct its name.',
  '42501':
    'Grant the user the right to create tables, or run cacheMigrations yourself (migrationsRun: false).',
  '55P03':
    'Another instance is migrating the table, or another session has locked it: start again when it is done.',
  '42P01': 'The table is missing: set migrationsRun to true, or run cacheMigrations before.',
  ER_ACCESS_DENIED_ERROR: CHECK_CREDENTIALS,
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: CHECK_CREDENTIALS,
  ER_DBACCESS_DENIED_ERROR: 'Grant the user access to the database.',
  ER_BAD_DB_ERROR: 'Create the database, or correct its name.',
  ER_NO_SUCH_TABLE: 'The table is missing: set migrationsRun to true, or run cacheMigrations before.',
  ECONNREFUSED: START_SERVER,
  ENOTFOUND: START_SERVER,
  EHOSTUNREACH: START_SERVER,
  ETIMEDOUT: START_SERVER,
};

/** What to do about a database that could not be opened, by the driver's code. */
export function remedyFor(code: string | undefined): string {
  return REMEDIES[code ?? ''] ?? REMEDIES[code?.split('_', 2).join('_') ?? ''] ?? 'See the cause.';
}
