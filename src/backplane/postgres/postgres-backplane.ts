import { CacheError } from '../../core/cache-error.js';
import type { Backplane } from '../../core/sharing/backplane.js';
import { LinkedBackplane } from '../../core/sharing/linked-backplane.js';

/**
 * A backplane that is the cache's own PostgreSQL: `NOTIFY` after each commit, on one connection beside those of the pool, made
 * with the options of the storage. Make one for each cache. With a storage on another database it fails to open with
 * `INVALID_OPTION`.
 */
export function postgresBackplane(): Backplane {
  return new LinkedBackplane({
    name: "PostgreSQL's NOTIFY",
    connect: (request) => {
      if (request.database !== undefined) return request.database(request);
      throw new CacheError(
        'INVALID_OPTION',
        'postgresBackplane() sends its messages through the database of the cache, and that is not PostgreSQL. Leave it out, ' +
          'or take redisBackplane() of nestjs-durable-cache/redis.',
        { option: 'backplane' },
      );
    },
  });
}
