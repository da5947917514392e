import type { DataSourceOptions } from 'typeorm';
import { unsupported } from '../unsupported.js';
import { refuseSeveralHosts } from './server-url.js';
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
export function spelledOut<T extends ServerOptions>(given: T): T {
  const isPostgres = given.type === 'postgres';
  const main = masterOf(given);
  refuseOtherNames(main, isPostgres);
  const { connectionString, uri, ...extra } = { ...(main['extra'] as Given | undefined) };
  if (uri !== undefined) throw unsupported("The storage's extra has a uri: give it as url, beside extra.");
  const url = (isPostgres ? connectionString : undefined) ?? main['url'];
  refuseMissingUrl(main, extra, url);
  const fromUrl = optionsOf(url, isPostgres ? POSTGRES_URLS : MYSQL_URLS);
  const fromExtra = Object.fromEntries(Object.entries(PLACE).map(([name, own]) => [name, extra[own]]));
  // Whose word is the last is the driver's way with pg, TypeORM's with mysql2.
  const sources: readonly Given[] = isPostgres
    ? [{ ...fromUrl }, fromExtra, main]
    : [fromExtra, { ...fromUrl }, main];
  const place = placeOf(sources, isPostgres);
  const ssl = tlsOf(extra['ssl'] ?? main['ssl'], fromUrl.ssl, isPostgres);
  for (const name of [...Object.values(PLACE), 'ssl']) delete extra[name];
  const { url: _url, ...rest } = main;
  return { ...rest, ...place, ssl, ...settingsOf(fromUrl, rest, extra, isPostgres) } as unknown as T;
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
  for (const name of Object.keys(PLACE)) delete others[name];
  // Named beside replication it is TypeORM's to ignore, on PostgreSQL; named in the master, on MySQL.
  return { ...others, ...master, ssl: master['ssl'] ?? rest['ssl'] };
}

/** The first that says something, for each part. */
function placeOf(sources: readonly Given[], isPostgres: boolean): Given {
  const said = (name: string): unknown =>
    sources
      .map((source) => source[name])
      .find((value) => value !== undefined && value !== null && value !== '');
  const place: Record<string, unknown> = {};
  for (const name of Object.keys(PLACE)) place[name] = said(name);
  refuseSeveralHosts(place['host']);
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
    ...(connectTimeout === undefined ? {} : { [timeout]: connectTimeout }),
    ...(isPostgres && applicationName !== undefined ? { applicationName } : {}),
    extra: isPostgres ? { ...extra, ...url.extra } : { ...url.extra, ...extra },
  };
}

/** Names that other libraries have for it, which TypeORM would drop. */
function refuseOtherNames(main: Given, isPostgres: boolean): void {
  if (main['user'] !== undefined && main['username'] === undefined) {
    throw unsupported('The storage has a user, which TypeORM calls username: rename it.');
  }
  if (isPostgres && main['socketPath'] !== undefined) {
    throw unsupported(
      "PostgreSQL's socket is named by its folder, as the host: host: '/var/run/postgresql'.",
    );
  }
}

/** An environment variable that is not set would lead to whatever server there is on this machine. */
function refuseMissingUrl(main: Given, extra: Given, url: unknown): void {
  if (!('url' in main) || (url !== undefined && url !== null && url !== '')) return;
  const names = ['host', 'database', 'socketPath'];
  if (names.some((name) => main[name] !== undefined || extra[name] !== undefined)) return;
  throw unsupported(
    "The storage's url is empty: set the environment variable that it comes from, or give host and database.",
  );
}
