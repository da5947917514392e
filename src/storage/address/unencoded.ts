import type { CacheError } from '../../core/cache-error.js';
import { unsupported } from '../unsupported.js';

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

/** The refusal of such a URL, which quotes nothing of it. */
export function unencoded(cause?: unknown): CacheError {
  return unsupported(
    "The storage's url can't be taken apart: percent-encode special characters of user, password and database " +
      '(encodeURIComponent; a % is %25), or give username and password beside the url.',
    cause,
  );
}
