import type { DataSourceOptions } from 'typeorm';
import { parseServerUrl } from './server-url.js';

/** Where a server and the database on it are: no user, no password. */
export interface ServerAddress {
  /** `undefined` for the one that the server has for the user. */
  readonly database: string | undefined;
  readonly schema: string | undefined;
  /** A name, an address, or the path of a socket (of its folder, on PostgreSQL). */
  readonly host: string;
  readonly port: number | undefined;
}

const PORTS: Readonly<Record<string, number>> = {
  postgres: 5432,
  cockroachdb: 26_257,
  mysql: 3306,
  mariadb: 3306,
  mssql: 1433,
  oracle: 1521,
};

/** Where options lead to: those of PostgreSQL, MySQL and MariaDB spelled out. */
export function serverAddressOf(options: DataSourceOptions): ServerAddress {
  const given = options as unknown as Readonly<Record<string, unknown>>;
  const url = text(given['url']);
  const parts = url === undefined ? undefined : parseServerUrl(url, [schemeOf(url)]);
  // What pg asks where nothing is said.
  const environment = options.type === 'postgres' ? process.env : {};
  const place =
    text(given['socketPath']) ?? parts?.host ?? text(given['host']) ?? text(environment['PGHOST']);
  const host = place ?? text(given['resourceArn']) ?? text(given['instanceId']) ?? 'localhost';
  const port = parts?.port ?? given['port'] ?? text(environment['PGPORT']) ?? PORTS[options.type];
  const isSocketFile = text(given['socketPath']) !== undefined;
  return {
    database:
      parts?.database ??
      text(given['database']) ??
      text(given['sid']) ??
      text(given['serviceName']) ??
      text(environment['PGDATABASE']),
    schema: text(given['schema']) ?? searchPathOf(given['extra']),
    host,
    port: isSocketFile || port === undefined ? undefined : Number(port),
  };
}

/** For logs and errors. */
export function describeAddress({ database, schema, host, port }: ServerAddress): string {
  const name = database ?? '(default database)';
  return `${name}${schema === undefined ? '' : ` (schema ${schema})`} at ${placeOf(host, port)}`;
}

function placeOf(host: string, port: number | undefined): string {
  if (port === undefined) return host;
  if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The first schema of a search path that the session's options set. */
function searchPathOf(extra: unknown): string | undefined {
  const options = text((extra as { options?: unknown } | undefined)?.options);
  return /search[_-]path=["']?([^\s,"'\\]+)/.exec(options ?? '')?.[1];
}

function schemeOf(url: string): string {
  return url.slice(0, Math.max(0, url.indexOf(':'))).toLowerCase();
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
