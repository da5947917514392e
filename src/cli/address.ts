import { CacheError } from '../core/cache-error.js';
import { hidesCredentials } from '../storage/address/unencoded.js';

/** What a text on the command line leads to. */
export type Address =
  | { readonly kind: 'server'; readonly type: 'postgres' | 'mysql' | 'mariadb'; readonly url: string }
  | { readonly kind: 'module'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string };

const SERVERS: Readonly<Record<string, 'postgres' | 'mysql' | 'mariadb'>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mariadb',
};

/** Says of a path that it is one, whatever is in it. */
const EXPLICIT = /^\.{1,2}[\\/]/;
const DRIVE = /^[a-z]:[\\/]/i;
const USE =
  'Use postgres://, mysql:// or mariadb://, the path of a SQLite file, or a module that exports a DataSource';

/**
 * Reads an address strictly: what could be a mistyped URL is never taken for a file, which would be made under a name with
 * a password in it. Throws `INVALID_OPTION` with the remedy, and without the text, which may hold credentials.
 */
export function readAddress(option: string, text: string): Address {
  if (text.trim() !== text) throw refused(option, 'begins or ends with a blank. Remove it');
  const [, scheme] = /^([a-z][a-z\d+.-]*):\/\//i.exec(text) ?? [];
  if (scheme !== undefined) return serverOf(option, scheme.toLowerCase(), text);
  if (!EXPLICIT.test(text) || text.includes('://')) refuseDisguised(option, text);
  return { kind: /\.[cm]?js$/i.test(text) ? 'module' : 'file', path: text };
}

function serverOf(option: string, scheme: string, url: string): Address {
  const type = SERVERS[scheme];
  if (type === undefined) {
    throw refused(
      option,
      scheme === 'file' || scheme.startsWith('sqlite')
        ? 'is a URL of a file. Give the path of the file itself'
        : `has a scheme that is none of a database with a cache in it. ${USE}`,
    );
  }
  if (!URL.canParse(url) || hidesCredentials(url) || isBroken(new URL(url))) {
    throw refused(
      option,
      'is no complete URL. Percent-encode special characters of user, password and database (encodeURIComponent), and check the rest',
    );
  }
  return { kind: 'server', type, url };
}

/** A URL that leads nowhere, or whose database has a name that another part of a URL seems to have slipped into. */
function isBroken({ hostname, pathname, search }: URL): boolean {
  const database = pathname.slice(1);
  return /[/:]/.test(database) || (hostname === '' && search === '' && database === '');
}

/** What is neither a URL nor plainly a path. */
function refuseDisguised(option: string, text: string): void {
  if (text === ':memory:') throw refused(option, 'is a database in memory, which no other process can see');
  const path = text.replace(DRIVE, '/');
  const isUrl =
    path.includes('://') ||
    /^['"\s]*(?:postgres(?:ql)?|mysql|mariadb|jdbc|sqlite|file)\W*(?:[:;]|[\\/]{2})/i.test(path);
  // `host=… password=…`, as libpq and ADO have it.
  const isList = /(?:^|[\s;])(?:host|server|user(?: id)?|uid|dbname|database|password|pwd)\s*=/i.test(path);
  // `user:password@host/…`, `user@host/…`, `host:port/…`. A relative path that looks like these says so by its first character.
  const hasCredentials = path.startsWith('/') ? /^\/\/|:.*@/s.test(path) : /:|^[^\\/]*@/.test(path);
  if (!isUrl && !isList && !hasCredentials) return;
  throw refused(
    option,
    `looks like an address of a server, but is no URL. ${USE}; begin a path with ./ or ../ where its name has a colon or an @`,
  );
}

function refused(option: string, what: string): CacheError {
  return new CacheError('INVALID_OPTION', `--${option} ${what}.`, { option });
}
