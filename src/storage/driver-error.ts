import type { StorageFailure } from '../core/storage-adapter.js';

/** The fields of driver errors. */
export interface DriverError {
  /** The driver's code: `SQLITE_BUSY`, `40P01`, `ER_DUP_ENTRY`, `ECONNRESET`. */
  readonly code: string | undefined;
  /** The SQLSTATE of an answer of the server. */
  readonly sqlState: string | undefined;
  /** Whether the driver says that the connection is unusable. */
  readonly fatal: boolean;
  readonly message: string;
}

/** An error of the database or the driver, without the statements, values and credentials that TypeORM and drivers add. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';

  constructor(
    message: string,
    /** The driver's code, such as `SQLITE_BUSY`, `40P01` or `ECONNRESET`. */
    readonly code: string | undefined,
    readonly failure: StorageFailure,
    /** Whether a write that threw it was rolled back for sure. */
    readonly isUndone = false,
  ) {
    super(message);
  }
}

/** A code of SQLite without its extension: `SQLITE_CONSTRAINT` of `SQLITE_CONSTRAINT_NOTNULL`, which only better-sqlite3 gives. */
export function basicCode(code: string): string {
  return code.split('_', 2).join('_');
}

const SQLSTATE = /^[0-9A-Z]{5}$/;
/** Names of the cache's own, which an error may quote. */
const OWN_NAMES = new Set([
  'cache_storage',
  'cache_migrations',
  'cache_identity',
  'cache_instances',
  'cache_changes',
  'namespace',
  'key',
  'value',
  'updated_at',
  'expires_at',
  'version',
]);
const MAX_MESSAGE_LENGTH = 300;

/** What a driver has thrown, without TypeORM's wrapping. */
export function unwrapped(error: unknown): unknown {
  return (error as { readonly driverError?: unknown } | null | undefined)?.driverError ?? error;
}

/** Reads the error of any driver, under TypeORM's wrapping. */
export function driverErrorOf(error: unknown): DriverError {
  const inner = (unwrapped(error) ?? {}) as {
    code?: unknown;
    sqlState?: unknown;
    fatal?: unknown;
    message?: unknown;
    severity?: unknown;
    errors?: unknown;
  };
  // A host with several addresses: Node gathers what each of them said.
  const [first] = Array.isArray(inner.errors) ? (inner.errors as unknown[]) : [];
  if (first !== undefined && (inner.message === undefined || inner.message === ''))
    return driverErrorOf(first);
  const code = typeof inner.code === 'string' ? inner.code : undefined;
  // PostgreSQL's code is the SQLSTATE, and only the server's answers have a severity.
  const fromPostgres = inner.severity !== undefined && code !== undefined && SQLSTATE.test(code);
  const sqlState = fromPostgres ? code : typeof inner.sqlState === 'string' ? inner.sqlState : undefined;
  return {
    code,
    sqlState: sqlState === undefined || !SQLSTATE.test(sqlState) ? undefined : sqlState,
    fatal: inner.fatal === true || inner.severity === 'FATAL' || inner.severity === 'PANIC',
    message: typeof inner.message === 'string' ? inner.message : String(error),
  };
}

/**
 * Sentences of servers that quote a name, and nothing after it that they did not write themselves. They can be read without the
 * name, which may hold quotes, or be a password in the wrong place.
 */
const ABOUT_A_NAME: readonly (readonly [RegExp, string])[] = [
  [/^(database|role) ".*" does not exist$/s, 'the $1 does not exist'],
  [/^password authentication failed for user ".*"$/s, 'password authentication failed'],
  [/^Unknown database '.*'$/s, 'unknown database'],
  [/^Access denied for user '.*(\(using password: (?:YES|NO)\))$/s, 'access denied $1'],
];

/** An opening quote with what follows it. An apostrophe follows a letter. */
const QUOTED = /(?<![\p{L}\p{N}])(?:'([^']*)'|"([^"]*)"|['"])/gu;
/** Before a name, and never before a value. */
const BEFORE_NAME = /\b(?:column|field|relation|table)\s+$/i;

/**
 * The message up to the first thing it quotes that is no name of the cache's: MySQL quotes values and pieces of the
 * statement, PostgreSQL values. The end of a value is unknown, since it may hold quotes, and a message may be cut short.
 * A sentence about a user or a database stays whole but for the name.
 */
export function withoutQuotes(message: string): string {
  for (const [sentence, nameless] of ABOUT_A_NAME)
    if (sentence.test(message)) return message.replace(sentence, nameless);
  const text = message.slice(0, firstForeign(message));
  if (text.length > MAX_MESSAGE_LENGTH) return `${text.slice(0, MAX_MESSAGE_LENGTH)}…`;
  return text.length < message.length ? `${text}…` : text;
}

function firstForeign(message: string): number {
  for (const { 0: quoted, 1: single, 2: double, index } of message.matchAll(QUOTED)) {
    const isName = OWN_NAMES.has(single ?? double ?? '') && BEFORE_NAME.test(message.slice(0, index));
    if (!isName || quoted.length === 1) return index;
  }
  return message.length;
}
