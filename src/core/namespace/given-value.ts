import { CacheError } from '../cache-error.js';
import { abandon, isThenable } from '../values/thenable.js';

/** Throws `INVALID_VALUE` for what is no value on any level. */
export function assertValue(namespace: string, value: unknown): void {
  if (value === undefined)
    throw noValue(namespace, 'undefined is no value. Use null for "nothing", or delete the key.');
  if (!isPromise(namespace, value)) return;
  abandon(value);
  throw noValue(namespace, 'a promise is no value. Await it first.');
}

export function noValue(namespace: string, reason: string, cause?: unknown): CacheError {
  return new CacheError('INVALID_VALUE', `Namespace '${namespace}': ${reason}`, { namespace, cause });
}

/** Throws for what can't be looked at: no promise could be resolved with it. */
function isPromise(namespace: string, value: unknown): value is PromiseLike<unknown> {
  try {
    return isThenable(value);
  } catch (cause) {
    throw noValue(namespace, "the value's property 'then' throws. Store plain data.", cause);
  }
}
