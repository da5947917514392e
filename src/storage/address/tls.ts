import { isDeepStrictEqual } from 'node:util';
import { unsupported } from '../unsupported.js';
import { MYSQL_PROFILES } from './mysql-tls.js';

/** The TLS that a connection gets, of what is given beside the URL and what the URL asks for. */
export function tlsOf(
  beside: unknown,
  byUrl: boolean | object | string | undefined,
  isPostgres: boolean,
): boolean | object | string | undefined {
  const given = typeof beside === 'string' ? spoken(beside, isPostgres) : (beside ?? undefined);
  const ssl = byUrl === undefined ? given : agreed(given, byUrl);
  if (isPostgres) return ssl;
  // mysql2 takes no true, and writes into the object it is given.
  if (ssl === true) return {};
  if (typeof ssl === 'object') return { ...ssl };
  return ssl === false ? undefined : ssl;
}

/** A text, as environment variables give it: drivers take any for a yes, or for the name of something. */
function spoken(given: string, isPostgres: boolean): boolean | object | string | undefined {
  const text = given.trim();
  if (text === '') return undefined;
  if (/^(?:true|1)$/i.test(text)) return true;
  if (/^(?:false|0)$/i.test(text)) return false;
  if (isPostgres && text === 'no-verify') return { rejectUnauthorized: false };
  if (!isPostgres && MYSQL_PROFILES.includes(text)) return text;
  throw unsupported(
    `The storage's ssl must be true, false${isPostgres ? '' : `, '${MYSQL_PROFILES.join("', '")}'`} or an object of TLS options, as in ` +
      "ssl: { ca: readFileSync('ca.pem', 'utf8') }.",
  );
}

/** Where both say something and one of them would be lost, nobody knows what was meant. */
function agreed(
  beside: boolean | object | string | undefined,
  byUrl: boolean | object | string,
): boolean | object | string {
  if (beside === undefined) return byUrl;
  const isOn = Boolean(beside);
  // One that only says yes leaves the rest to the other.
  if (isDeepStrictEqual(beside, byUrl) || (isOn && byUrl === true)) return beside;
  if (isOn === Boolean(byUrl) && typeof beside === 'boolean') return byUrl;
  throw unsupported(
    "The storage's url and its ssl both say how TLS is to be used, and the driver would heed one of them: keep one, as " +
      "in ssl: { ca: readFileSync('ca.pem', 'utf8') } and a url without ssl parameters.",
  );
}
