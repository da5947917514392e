import type { DataSourceOptions } from 'typeorm';
import { unsupported } from '../unsupported.js';
import { refuseUnspeakable } from './schema-name.js';
import { refuseControlCharacters, refuseSeveralHosts, trimmedUrl } from './server-url.js';
import { tlsOf } from './tls.js';
import { MYSQL_URLS, optionsOf, POSTGRES_URLS } from './url-options.js';
import type { UrlOptions } from './url-parameters.js';

type ServerOptions = Extract<DataSourceOptions, { type: 'postgres' | 'mysql' | 'mariadb' }>;
type Given = Readonly<Record<string, unknown>>;

/** Who connects where, by TypeORM's names, with the driver's for it where that differs. */
const PLACE = {
  host: 'host',
  port: 'port',
  username: 'user',
  password: 'password',
  database: 'database',
  socketPath: 'socketPath',
} as const;

/**
 * The options of a server with everything said in one place and by one name: no `url`, which TypeORM reads in one way and
 * the drivers in another, no `replication`, and nothing in `extra` that names place, user or TLS anew. Throws
 * `UNSUPPORTED_STORAGE` for what would be lost.
 */
export function spelledOut<T extends ServerOptions>(given: T): { options: T; warnings: readonly string[] } {
  const isPostgres = given.type === 'postgres';
  const main = masterOf(given);
  refuseOtherNames(main, isPostgres);
  const { connectionString, uri, ...extra } = { ...(main['extra'] as Given | undefined) };
  if (isSaid(uri)) throw unsupported("The storage's extra has a uri: give it as url, beside extra.");
  const url = [isPostgres ? connectionString : undefined, main['url']].find(isSaid);
  refuseMissingUrl(main, extra, url);
  const fromUrl = optionsOf(url, isPostgres ? POSTGRES_URLS : MYSQL_URLS);
  const fromExtra = Object.fromEntries(Object.entries(PLACE).map(([name, own]) => [name, extra[own]]));
  // Whose word is the last is the driver's way with pg, TypeORM's with mysql2.
  const sources: readonly Given[] = isPostgres
    ? [{ ...fromUrl }, fromExtra, main]
    : [fromExtra, { ...fromUrl }, main];
  const place = placeOf(sources, isPostgres);
  const ssl = tlsOf([extra['ssl'], main['ssl']].find(isSaid), fromUrl.ssl, isPostgres);
  for (const name of [...Object.values(PLACE), 'ssl']) delete extra[name];
  const { url: _url, ...rest } = main;
  const options = { ...rest, ...place, ssl, ...settingsOf(fromUrl, rest, extra, isPostgres) };
  return { options: options as unknown as T, warnings: warningsOf(fromUrl.ignored) };
}

/** Only the master: replicas may lag behind what has been acknowledged. */
function masterOf(given: ServerOptions): Given {
  const { replication, ...rest } = given as unknown as Given;
  if (replication === undefined || replication === null) return rest;
  const { master } = replication as { master?: Given };
  if (typeof master !== 'object' || master === null) {
    throw unsupported("The storage's replication names no master: the cache connects to that alone.");
  }
  const { url: _url, ...others } = rest as Record<string, unknown>;
  for (const name of namedByMaster(master)) delete others[name];
  // Named beside replication it is TypeORM's to ignore, on PostgreSQL; named in the master, on MySQL.
  return { ...others, ...master, ssl: [master['ssl'], rest['ssl']].find(isSaid) };
}

/** What to leave out of what stands beside replication. A password is that of its user, and a host has its own port. */
function namedByMaster(master: Given): readonly string[] {
  const hasUrl = isSaid(master['url']);
  const hasPlace = hasUrl || isSaid(master['host']) || isSaid(master['socketPath']);
  const hasUser = isSaid(master['username']) || /^[^/]*\/\/[^/?#]*@/.test(trimmedUrl(master['url']));
  return [
    ...(hasPlace ? ['host', 'socketPath'] : []),
    ...(hasUrl ? ['port'] : []),
    ...(hasUser ? ['username', 'password'] : []),
  ];
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && (typeof value !== 'string' || value.trim() !== '');
}

function warningsOf(ignored: readonly string[]): readonly string[] {
  if (ignored.length === 0) return [];
  return [
    `The storage's url has parameters that do nothing here, and were ignored: ${ignored.join(', ')}. ` +
      'Leave them out; what can be set instead is in docs/databases.md.',
  ];
}

/** The first that says something, for each part. */
function placeOf(sources: readonly Given[], isPostgres: boolean): Given {
  const said = (name: string): unknown =>
    sources
      .map((source) => source[name])
      .find((value) => value !== undefined && value !== null && value !== '');
  const place: Record<string, unknown> = {};
  for (const name of Object.keys(PLACE)) place[name] = said(name);
  for (const name of ['host', 'socketPath', 'username', 'database']) refuseControlCharacters(place[name]);
  refuseSeveralHosts(place['host']);
  refuseNoPort(place['port']);
  const { host } = place;
  if (typeof host === 'string') place['host'] = host.replace(/^\[(.+)\]$/, '$1');
  if (!isPostgres && typeof host === 'string' && host.startsWith('/')) {
    place['socketPath'] ??= host;
    delete place['host'];
  }
  if (!isPostgres && place['database'] === undefined) {
    throw unsupported(
      'The storage names no database: give its name in the url (mysql://host/database) or as database.',
    );
  }
  return Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined));
}

/** A driver would say what is wrong with it, or take the server's default. */
function refuseNoPort(port: unknown): void {
  if (port === undefined) return;
  const isNumber = typeof port === 'number' || (typeof port === 'string' && /^\d+$/.test(port.trim()));
  if (isNumber && Number.isInteger(Number(port)) && Number(port) >= 1 && Number(port) <= 65_535) return;
  throw unsupported(
    "The storage's port must be a whole number from 1 to 65535. Leave it out for the server's usual one.",
  );
}

/** What the URL says besides, under the names that the server's options and its driver have for it. */
function settingsOf(
  url: UrlOptions,
  rest: Given,
  extra: Record<string, unknown>,
  isPostgres: boolean,
): Given {
  const { connectTimeout } = url;
  const applicationName = url.applicationName ?? rest['applicationName'] ?? url.fallbackApplicationName;
  if (url.applicationName !== undefined) delete extra['application_name'];
  const timeout = isPostgres ? 'connectTimeoutMS' : 'connectTimeout';
  return {
    ...schemaOf(url.schema, rest['schema']),
    ...(connectTimeout === undefined ? {} : { [timeout]: connectTimeout }),
    ...(isPostgres && applicationName !== undefined ? { applicationName } : {}),
    extra: isPostgres ? { ...extra, ...url.extra } : { ...url.extra, ...extra },
  };
}

function schemaOf(byUrl: string | undefined, beside: unknown): Given {
  if (!isSaid(byUrl) || byUrl === beside) return {};
  if (isSaid(beside)) {
    throw unsupported("The storage's url names another schema than stands beside it: keep one of them.");
  }
  refuseUnspeakable(byUrl);
  return { schema: byUrl };
}

/** Names that other libraries have for it, which TypeORM would drop. */
function refuseOtherNames(main: Given, isPostgres: boolean): void {
  if (isSaid(main['user']) && !isSaid(main['username'])) {
    throw unsupported('The storage has a user, which TypeORM calls username: rename it.');
  }
  if (isPostgres && isSaid(main['socketPath'])) {
    throw unsupported(
      "PostgreSQL's socket is named by its folder, as the host: host: '/var/run/postgresql'.",
    );
  }
}

/** An environment variable that is not set would lead to whatever server there is on this machine. */
function refuseMissingUrl(main: Given, extra: Given, url: unknown): void {
  if (!('url' in main) || isSaid(url)) return;
  const names = ['host', 'database', 'socketPath'];
  if (names.some((name) => isSaid(main[name]) || isSaid(extra[name]))) return;
  throw unsupported(
    "The storage's url is empty: set the environment variable that it comes from, or give host and database.",
  );
}
