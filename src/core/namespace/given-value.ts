import { CacheError } from '../cache-error.js';
import { abandon, isThenable } from '../values/thenable.js';

/** Throws `INVALID_VALUE` for what is no value on any level. */
export function assertValue(namespace: string, value: unknown): void {
  if (value === undefined)
    throw noValue(namespace, 'undefined is no value. Use null for "nothing", or delete the key.');
  if (!isThenable(value)) return;
  abandon(value);
  throw noValue(namespace, 'a promise is no value. Await it first.');
}

export function noValue(namespace: string, reason: string): CacheError {
  return new CacheError('INVALID_VALUE', `Namespace '${namespace}': ${reason}`, { namespace });
}
