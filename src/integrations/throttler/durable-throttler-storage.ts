import type { ThrottlerStorage } from '@nestjs/throttler';
import type { NamespaceCache } from '../../index.js';
import { countHit, type CountedHit, type Hit, type HitOutcome } from './count-hit.js';
import { FailOpen } from './fail-open.js';
import { endOf, type HitRecord } from './hit-record.js';
import {
  invalid,
  resolveStorageOptions,
  type ResolvedStorageOptions,
  type ThrottlerStorageOptions,
} from './storage-options.js';
import { storedKeyOf } from './stored-key.js';

/** An entry that is kept for longer is kept for ever: databases and dates end not far beyond. 31 thousand years. */
const LONGEST_MS = 1e15;

/**
 * A storage of `@nestjs/throttler` on a namespace of the cache. It counts as the library's own does; where that keeps its counts, for how
 * long, and who shares them, is the namespace's to say.
 */
export class DurableThrottlerStorage implements ThrottlerStorage {
  readonly #hits: NamespaceCache<string, HitRecord>;
  readonly #options: ResolvedStorageOptions;
  readonly #failOpen = new FailOpen();

  /** `hits` is what `CacheService.namespace()` gives for a definition of `throttlerNamespace()`. Throws `INVALID_OPTION`. */
  constructor(hits: NamespaceCache<string, HitRecord>, options: ThrottlerStorageOptions = {}) {
    if (typeof hits?.update !== 'function')
      throw invalid('hits', 'takes a namespace in use: new DurableThrottlerStorage(cache.namespace(hits)).');
    this.#hits = hits;
    this.#options = resolveStorageOptions(options);
  }

  /**
   * Counts a hit; `ttl` and `blockDuration` in milliseconds, what it gives in seconds. Rejects with `WRITE_FAILED` or `READ_FAILED` while
   * the database is away, unless `whenUnavailable` is `'allow'`, and with `INVALID_KEY` for a key that is neither text nor a number.
   */
  async increment(
    key: string,
    ttl: number,
    limit: number,
    blockDuration: number,
    throttlerName: string,
  ): Promise<HitOutcome> {
    const { whenUnavailable, clock } = this.#options;
    const hit: Hit = { ttl, limit, blockDuration, throttlerName, at: clock.now() };
    const storedKey = storedKeyOf(key);
    const refused = this.#refused(storedKey, hit);
    if (refused !== undefined) return refused;
    const count = (): Promise<HitOutcome> => this.#count(storedKey, hit);
    return whenUnavailable === 'allow' ? this.#failOpen.run(count, uncounted(hit)) : count();
  }

  /**
   * Forgets the hits and the block of a key, as `increment` was given it: the guard passes what `generateKey` returns. Gives whether there
   * were any. Rejects as a write does where the namespace is persisted, and with `INVALID_KEY`.
   */
  async reset(key: string): Promise<boolean> {
    return this.#hits.delete(storedKeyOf(key));
  }

  /**
   * What is told of a hit that changes nothing, as memory knows: whoever is blocked and goes on all the same writes nothing. A block ends
   * with time alone, so an old record is no wrong one.
   */
  #refused(key: string, hit: Hit): HitOutcome | undefined {
    const known = this.#hits.getIfPresent(key);
    if (known === undefined) return undefined;
    const { record, outcome } = countHit(known, hit);
    return record === known ? outcome : undefined;
  }

  async #count(key: string, hit: Hit): Promise<HitOutcome> {
    let keptMs = Math.max(hit.ttl, hit.blockDuration, 1);
    for (;;) {
      const counted = await this.#update(key, hit, keptMs);
      if ('outcome' in counted) return counted.outcome;
      keptMs = counted.neededMs;
    }
  }

  /** Gives for how long the entry must be kept where that is longer than `ttlMs`: a throttler with another window may share the key. */
  async #update(key: string, hit: Hit, ttlMs: number): Promise<CountedHit | TooShort> {
    let counted: CountedHit | undefined;
    const count = (current: HitRecord | undefined): HitRecord => {
      counted = countHit(current, hit);
      const neededMs = endOf(counted.record) - hit.at;
      if (neededMs > ttlMs) throw new TooShort(neededMs);
      return counted.record;
    };
    try {
      await this.#hits.update(key, count, { ttlMs: ttlMs > LONGEST_MS ? null : Math.ceil(ttlMs) });
      return counted as unknown as CountedHit;
    } catch (error) {
      if (error instanceof TooShort) return error;
      throw error;
    }
  }
}

/** What an updater throws to leave things as they are. */
class TooShort extends Error {
  constructor(readonly neededMs: number) {
    super('The entry must be kept for longer.');
  }
}

/** As after a first hit that is not there. */
function uncounted({ ttl }: Hit): HitOutcome {
  return { totalHits: 0, timeToExpire: Math.ceil(ttl / 1000), isBlocked: false, timeToBlockExpire: 0 };
}
