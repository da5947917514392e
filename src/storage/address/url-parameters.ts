import { unsupported } from '../unsupported.js';
import { unencoded } from './unencoded.js';

/** What a URL says of a connection, besides who connects where. `extra` is for the driver. */
export interface UrlOptions {
  host?: string;
  port?: number;
  username?: string;
  password?: string;
  database?: string;
  socketPath?: string;
  /** False for none, true for TLS with what is given beside the URL. */
  ssl?: boolean | object | string;
  /** Ms. */
  connectTimeout?: number;
  applicationName?: string;
  /** Where nothing else names the application. */
  fallbackApplicationName?: string;
  readonly extra: Record<string, unknown>;
}

/** What a parameter means, or what to do instead of giving it. */
export type ParameterRule = ((value: string, options: UrlOptions, name: string) => void) | string;
export type ParameterRules = Readonly<Record<string, ParameterRule>>;

/** Throws for the value of a parameter, without showing it. */
export function invalidParameter(name: string, remedy: string): never {
  throw unsupported(
    `The parameter '${name}' of the storage's url has a value that can't be heeded: ${remedy}.`,
  );
}

/** Does with each parameter what the rules say of it. One that they don't know would be lost, so it is refused. */
export function applyParameters(
  parameters: ReadonlyMap<string, string>,
  rules: ParameterRules,
  options: UrlOptions,
): void {
  for (const [name, value] of parameters) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) throw unknown(name, parameters);
    if (typeof rule === 'string') {
      throw unsupported(
        `The storage's url has the parameter '${name}', which can't be heeded there: ${rule}.`,
      );
    }
    rule(value, options, name);
  }
}

function unknown(name: string, parameters: ReadonlyMap<string, string>): Error {
  // A ? in a password makes parameters of the rest of it, host and all.
  const isTorn = [...parameters].flat().some((part) => part.includes('@'));
  if (isTorn || !/^[\w.-]{1,64}$/.test(name)) return unencoded();
  const instead = /ssl|tls/i.test(name)
    ? "give TLS beside the url, as in ssl: { ca: readFileSync('ca.pem', 'utf8') }"
    : 'leave it out, or give what it asks for as an option beside the url';
  return unsupported(
    `The storage's url has a parameter '${name}' that neither cache nor driver knows: ${instead}.`,
  );
}

/** A whole number of at least `least`. */
export function wholeNumber(name: string, value: string, least = 0): number {
  const number = Number(value);
  if (/^\d{1,9}$/.test(value) && number >= least) return number;
  return invalidParameter(name, `it must be a whole number from ${least} on`);
}
