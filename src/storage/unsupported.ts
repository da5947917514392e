import { CacheError } from '../core/cache-error.js';

/** The refusal of a `storage` that the cache can't run on as it is configured. The message must hold no credentials. */
export function unsupported(message: string, cause?: unknown): CacheError {
  return new CacheError('UNSUPPORTED_STORAGE', message, { option: 'storage', cause });
}
