import type { DataSourceOptions } from 'typeorm';

/** Where a server and the database on it are: no user, no password. */
export interface ServerAddress {
  readonly database: string;
  /** `127.0.0.1:5432`, or the folder of a socket. */
  readonly host: string;
}

const PORTS: Readonly<Record<string, number>> = { postgres: 5432, mysql: 3306, mariadb: 3306 };

export function serverAddressOf(options: DataSourceOptions): ServerAddress {
  const given = options as {
    url?: unknown;
    host?: unknown;
    port?: unknown;
    database?: unknown;
    socketPath?: unknown;
  };
  const url = typeof given.url === 'string' && URL.canParse(given.url) ? new URL(given.url) : undefined;
  const database = decode(url?.pathname.slice(1)) ?? text(given.database) ?? 'default';
  const socket = text(given.socketPath) ?? url?.searchParams.get('host');
  const host = socket ?? decode(url?.hostname) ?? text(given.host) ?? 'localhost';
  if (host.startsWith('/')) return { database, host };
  const port = text(url?.port) ?? text(given.port) ?? PORTS[options.type];
  return { database, host: port === undefined ? host : `${host}:${port}` };
}

/**
 * Whether what should be user and password of a URL has been taken for something else: a `/`, `#` or `?` in a password
 * ends the part that they are in, and what is left of them would be shown as a database's name.
 */
export function hidesCredentials(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { username, pathname, hash, search } = new URL(address);
  if (username !== '') return false;
  const hasPath = pathname !== '' && pathname !== '/';
  // A parameter may hold one: after its name.
  const inSearch = hasPath ? /^[^=@]*@/.test(search) : search.includes('@');
  return inSearch || `${pathname}${hash}`.includes('@');
}

function text(value: unknown): string | undefined {
  return typeof value === 'number' || (typeof value === 'string' && value !== '') ? String(value) : undefined;
}

function decode(part: string | undefined): string | undefined {
  if (part === undefined || part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
