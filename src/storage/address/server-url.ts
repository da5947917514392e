import { unsupported } from '../unsupported.js';
import { hidesCredentials, unencoded } from './unencoded.js';

/** What the URL of a server says, decoded; `undefined` for what it leaves out. */
export interface ServerUrl {
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** A name, an address (that of IPv6 without its brackets), or the path of a socket. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly database: string | undefined;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Scheme, credentials, host with port, database, parameters, fragment. `URL` takes no user without a host. */
const PARTS = /^([a-z][a-z\d+.-]*):\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?(#.*)?$/is;
const HOST_AND_PORT = /^(?:\[([^[\]]*)\]|([^:,[\]]*))(?::(\d*))?$/;
const MAX_PORT = 65_535;

/**
 * Takes a URL apart, in one way for all drivers: those that TypeORM hands it to differ in what they decode, and in what they
 * drop. Throws `UNSUPPORTED_STORAGE` for one that can't be told apart, without a word of it: anything in it may be a password.
 */
export function parseServerUrl(given: unknown, schemes: readonly string[]): ServerUrl {
  const url = trimmedUrl(given);
  const [, scheme = '', credentials = '', place = '', database = '', query = '', fragment] =
    PARTS.exec(url) ?? [];
  if (!schemes.includes(scheme.toLowerCase())) {
    const [first, ...others] = schemes.map((known) => `${known}://`);
    const known = others.length === 0 ? first : `${first} (or ${others.join(', ')})`;
    throw unsupported(
      `The storage's url is no address of a server of its type: it must be a text that begins with ${known}.`,
    );
  }
  if (fragment !== undefined || database.includes('@') || hidesCredentials(url)) throw unencoded();
  const [username, password] = splitAtFirst(credentials, ':');
  const { host, port } = hostAndPort(place);
  return {
    username: decoded(username),
    password: decoded(password),
    host: decoded(host),
    port,
    database: decoded(database),
    parameters: parametersOf(query),
  };
}

/** Without the blanks and line breaks that files and environments leave around it. */
export function trimmedUrl(url: unknown): string {
  return typeof url === 'string' ? url.trim() : '';
}

/** Refuses line breaks and the like inside a name: they would be shown as they are. */
export function refuseControlCharacters(part: unknown): void {
  if (typeof part !== 'string' || !/\p{Cc}/u.test(part)) return;
  throw unsupported(
    "The storage's address has a line break or another control character in it: look how it comes into the options, from a " +
      'file or an environment variable, and take the character out.',
  );
}

/** The refusal of more than one host, wherever they are named. */
export function refuseSeveralHosts(host: unknown): void {
  if (typeof host !== 'string' || !host.includes(',')) return;
  throw unsupported(
    'The storage names several hosts, and the drivers connect to one: name the one that takes writes, or an address that ' +
      'always leads there.',
  );
}

function hostAndPort(place: string): { host: string; port: number | undefined } {
  refuseSeveralHosts(place);
  const [match, bracketed, plain, digits = ''] = HOST_AND_PORT.exec(place) ?? [];
  if (match === undefined && /^[\da-f:.]+$/i.test(place)) {
    throw unsupported(
      "The storage's url has an IPv6 address without brackets: write it as in postgres://[::1]:5432/db.",
    );
  }
  const port = Number(digits);
  if (match === undefined || port > MAX_PORT) throw unencoded();
  return { host: bracketed ?? plain ?? '', port: port === 0 ? undefined : port };
}

function parametersOf(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (parameters.get(name) === value) continue;
    if (parameters.has(name)) throw unsupported("The storage's url has a parameter twice: keep one of them.");
    parameters.set(name, value);
  }
  return parameters;
}

function splitAtFirst(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    // A % that begins no escape. Whether it stands for itself nobody can tell: %41 may be an A.
    throw unencoded(cause);
  }
}
