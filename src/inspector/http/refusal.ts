import { HttpException } from '@nestjs/common';
import { isCacheError, type CacheErrorCode } from '../../core/cache-error.js';

/** Why the inspector does not do what it is asked for: told to whoever asks. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** As the page gets it. */
export interface RefusalBody {
  readonly code: string;
  readonly message: string;
}

const STATUSES: Partial<Record<CacheErrorCode, number>> = {
  INVALID_KEY: 400,
  INVALID_VALUE: 400,
  INVALID_OPTION: 400,
  ENTRY_REFUSED: 400,
  UNKNOWN_NAMESPACE: 404,
  UNREADABLE_ENTRY: 409,
  CONFLICT: 409,
};
/** Everything else that the cache fails at: the database is away, or the cache has stopped. */
const UNAVAILABLE = 503;

const CODES: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  413: 'TOO_LARGE',
  415: 'NOT_JSON',
  429: 'TOO_MANY_REQUESTS',
};

/** What is said of an error; `undefined` for one that nobody has foreseen, of which nothing is said. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  // The messages of the cache hold no value.
  if (isCacheError(error)) return new Refusal(STATUSES[error.code] ?? UNAVAILABLE, error.code, error.message);
  if (!(error instanceof HttpException)) return undefined;
  const status = error.getStatus();
  return new Refusal(status, CODES[status] ?? 'REFUSED', error.message);
}
