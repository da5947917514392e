import { unsupported } from '../unsupported.js';
import { unencoded } from './unencoded.js';

/** What a URL says of a connection, besides who connects where. `extra` is for the driver. */
export interface UrlOptions {
  host?: string;
  port?: number;
  username?: string;
  password?: string;
  database?: string;
  schema?: string;
  socketPath?: string;
  /** False for none, true for TLS with what is given beside the URL. */
  ssl?: boolean | object | string;
  /** Ms. */
  connectTimeout?: number;
  applicationName?: string;
  /** Where nothing else names the application. */
  fallbackApplicationName?: string;
  readonly extra: Record<string, unknown>;
  /** What can be named of the parameters that do nothing: they tune what cache and driver do in their own way. */
  readonly ignored: string[];
}

/** What a parameter means, or what to do instead of giving it. */
export type ParameterRule = ((value: string, options: UrlOptions, name: string) => void) | string;
export type ParameterRules = Readonly<Record<string, ParameterRule>>;

/** Names of parameters that say where, or how safely, to connect: without them it would be elsewhere, or less safe. */
const WHERE_OR_HOW_SAFELY =
  /ssl|tls|cert|crl|cipher|secur|encrypt|verif|trust|auth|krb|gss|pass|user|role|host|addr|sock|proxy|path|schema|database|publickey|key(file|store)|(^|[-_.])(ca|db|dsn|key|pem|port|server|service)($|[-_.])/i;
const TLS = /ssl|tls|cert|crl|(^|[-_.])(ca|key|pem)($|[-_.])/i;

/** Throws for the value of a parameter, without showing it. */
export function invalidParameter(name: string, remedy: string): never {
  throw unsupported(
    `The parameter '${name}' of the storage's url has a value that can't be heeded: ${remedy}.`,
  );
}

/** Does with each parameter what the rules say of it, and ignores one that they don't know where that is safe. */
export function applyParameters(
  parameters: ReadonlyMap<string, string>,
  rules: ParameterRules,
  options: UrlOptions,
): void {
  let unknown = 0;
  for (const [name, value] of parameters) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      refuseUnsafe(name, parameters);
      unknown += 1;
    } else if (typeof rule === 'string') {
      throw unsupported(
        `The storage's url has the parameter '${name}', which can't be heeded there: ${rule}.`,
      );
    } else {
      rule(value, options, name);
    }
  }
  if (unknown > 0) options.ignored.push(`${unknown} that neither cache nor driver knows`);
}

/** Never names it: it may be a part of a password. */
function refuseUnsafe(name: string, parameters: ReadonlyMap<string, string>): void {
  // A ? in a password makes parameters of the rest of it, host and all.
  const isTorn = [...parameters].flat().some((part) => part.includes('@'));
  if (isTorn || !/^[\w.-]{1,64}$/.test(name)) throw unencoded();
  if (!WHERE_OR_HOW_SAFELY.test(name)) return;
  const place = [...parameters.keys()].indexOf(name) + 1;
  throw unsupported(
    `The storage's url has a parameter that neither cache nor driver knows (number ${place}, of ${name.length} characters), and ` +
      `that looks as if it said where, or how safely, to connect: ${TLS.test(name) ? TLS_BESIDE : BESIDE}.`,
  );
}

export const TLS_BESIDE = "give TLS beside the url, as in ssl: { ca: readFileSync('ca.pem', 'utf8') }";
const BESIDE = 'leave it out, or give what it asks for as an option beside the url';

/** For what only tunes, and is done in another way. */
export const ignored: ParameterRule = (_value, options, name) => {
  options.ignored.push(name);
};

/** The same, but for values that ask for what is done anyway. */
export function ignoredBut(done: RegExp): ParameterRule {
  return (value, options, name) => {
    if (!done.test(value)) options.ignored.push(name);
  };
}

/** For what must not be lost, where it asks for anything else than what is done anyway. */
export function nothingBut(done: RegExp, remedy: string): ParameterRule {
  return (value, _options, name) => {
    if (!done.test(value)) invalidParameter(name, remedy);
  };
}

export function rulesFor(names: readonly string[], rule: ParameterRule): ParameterRules {
  return Object.fromEntries(names.map((name) => [name, rule]));
}

/** How long to wait for a connection, given in seconds. 0 means for ever, which the cache never does. */
export const connectSeconds: ParameterRule = (value, options, name) => {
  const seconds = wholeNumber(name, value);
  if (seconds === 0) options.ignored.push(name);
  else options.connectTimeout = seconds * 1000;
};

/** A whole number of at least `least`. */
export function wholeNumber(name: string, value: string, least = 0): number {
  const number = Number(value);
  if (/^\d{1,9}$/.test(value) && number >= least) return number;
  return invalidParameter(name, `it must be a whole number from ${least} on`);
}
