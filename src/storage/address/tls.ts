import { isDeepStrictEqual } from 'node:util';
import { unsupported } from '../unsupported.js';

/** The TLS that a connection gets, of what is given beside the URL and what the URL asks for. */
export function tlsOf(
  beside: unknown,
  byUrl: boolean | object | string | undefined,
  isPostgres: boolean,
): boolean | object | string | undefined {
  const given = (beside ?? undefined) as boolean | object | string | undefined;
  const ssl = byUrl === undefined ? given : agreed(given, byUrl);
  if (isPostgres) return ssl;
  // mysql2 takes no true, and writes into the object it is given.
  if (ssl === true) return {};
  if (typeof ssl === 'object') return { ...ssl };
  return ssl === false ? undefined : ssl;
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
