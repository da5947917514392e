import type { DataSourceOptions } from 'typeorm';
import { CACHE_MIGRATIONS_TABLE } from '../../migrations/index.js';
import { refuseUnspeakable } from './address/schema-name.js';
import { parseServerUrl, refuseControlCharacters, trimmedUrl } from './address/server-url.js';
import { CACHE_TABLE } from './cache-storage.entity.js';
import { folderError, isEphemeral } from './sqlite/file.js';
import { unsupported } from './unsupported.js';

const ADDRESS = /^\s*[a-z][a-z\d+.-]+:\/\//i;

/** Types whose `url` TypeORM takes apart; those of the others the cache does itself. */
const TYPEORM_URLS: ReadonlySet<string> = new Set(['cockroachdb', 'mssql', 'oracle', 'sap']);

/** Throws `UNSUPPORTED_STORAGE`, with the remedy, for options that can't serve whatever else they say. */
export function refuseUnusable(given: DataSourceOptions, isOwn: boolean): void {
  if (typeof given.type !== 'string') {
    throw unsupported(
      "`storage` needs a type, as in { type: 'better-sqlite3', database: 'data/cache.sqlite' } or { type: 'postgres', url }. " +
        'An object of your own has to implement all of CacheStorageAdapter.',
    );
  }
  if (given.type === 'mongodb') {
    throw unsupported(
      "The cache does not run on 'mongodb': it needs a SQL database. Leave storage out for a SQLite file " +
        '(npm install better-sqlite3), or give an object that implements CacheStorageAdapter.',
    );
  }
  if (isOwn) refuseIgnored(given);
  if ('schema' in given) refuseUnspeakable(given.schema);
  if (given.type === 'sqlite' || given.type === 'better-sqlite3') refuseUnusableFile(given, isOwn);
  else if (TYPEORM_URLS.has(given.type)) refuseParameters(given);
}

/** What would seem to keep the rows of two applications apart, and does not. */
function refuseIgnored({ type, entityPrefix, ...rest }: DataSourceOptions): void {
  if (entityPrefix !== undefined && entityPrefix !== '') {
    throw unsupported(
      `The tables of the cache have no entityPrefix: they are ${CACHE_TABLE} and ${CACHE_MIGRATIONS_TABLE}. Leave it out. ` +
        'Applications that share a server take a schema each (PostgreSQL) or a database each.',
    );
  }
  const { schema } = rest as { schema?: unknown };
  if ((type === 'mysql' || type === 'mariadb') && schema !== undefined && schema !== '') {
    throw unsupported(
      `A storage of type '${type}' has no schema: on MySQL and MariaDB that is the database. Give the name as database, and leave ` +
        'schema out.',
    );
  }
}

function refuseUnusableFile({ type, database }: { type: string; database: unknown }, isOwn: boolean): void {
  const example = `storage: { type: '${type}', database: 'data/cache.sqlite' }`;
  if (typeof database !== 'string' || database === '') {
    throw unsupported(
      `A storage of type '${type}' needs the path of its file as database, as in ${example}.`,
    );
  }
  if (ADDRESS.test(database)) {
    throw unsupported(
      `The database of a storage of type '${type}' is the path of a file, and not an address: write ${example}, or give the ` +
        "address as url of its own type, as in { type: 'postgres', url }.",
    );
  }
  // Nothing is left of the slash where the path is resolved.
  if (/[\\/]$/.test(database)) throw folderError(database);
  if (!isOwn && isEphemeral(database)) {
    throw unsupported(
      'The DataSource given as storage is an in-memory SQLite database, which no second connection can see. ' +
        "Give the cache a file of its own (storage: { type: 'better-sqlite3', database: 'data/cache.sqlite' }, or type: 'sqlite' with sqlite3), " +
        'or new InMemoryStorage() in tests.',
    );
  }
}

/** Of the URLs of other databases TypeORM takes host, user and name alone. */
function refuseParameters(given: DataSourceOptions): void {
  const url = trimmedUrl((given as { url?: unknown }).url);
  if (url === '') return;
  refuseControlCharacters(url);
  const { parameters } = parseServerUrl(url, [url.slice(0, Math.max(0, url.indexOf(':'))).toLowerCase()]);
  if (parameters.size === 0) return;
  throw unsupported(
    `TypeORM drops the parameters of a url of type '${given.type}': leave them out, and give what they ask for as options ` +
      'beside the url (TLS as ssl, for one).',
  );
}
