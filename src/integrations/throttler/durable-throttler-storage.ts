import type { ThrottlerStorage } from '@nestjs/throttler';
import type { NamespaceCache } from '../../index.js';
import { countHit, type CountedHit, type Hit, type HitOutcome } from './count-hit.js';
import { assertHit } from './hit-check.js';
import { HitEntries } from './hit-entries.js';
import { endOf, type HitRecord } from './hit-record.js';
import { joined, withSeenWindow } from './joined-records.js';
import { isOfDatabase, Outage } from './outage.js';
import { OwnRecords, type OwnRecord } from './own-records.js';
import {
  STORAGE,
  resolveStorageOptions,
  type ResolvedStorageOptions,
  type ThrottlerStorageOptions,
} from './storage-options.js';
import { storedKeyOf } from './stored-key.js';
import { HIT_RECORDS } from './throttler-namespace.js';

/**
 * A storage of `@nestjs/throttler` on a namespace of the cache. It counts as the library's own does; where that keeps its counts, for how
 * long, and who shares them, is the namespace's to say.
 */
export class DurableThrottlerStorage implements ThrottlerStorage {
  readonly #entries: HitEntries;
  readonly #own: OwnRecords;
  readonly #options: ResolvedStorageOptions;
  readonly #outage = new Outage();

  /** `hits` is what `CacheService.namespace()` gives for a definition of `throttlerNamespace()`. Throws `INVALID_OPTION`. */
  constructor(hits: NamespaceCache<string, HitRecord>, options: ThrottlerStorageOptions = {}) {
    if (!HIT_RECORDS.isOn(hits?.definition?.value))
      throw STORAGE.refusal(
        'hits',
        'takes a namespace that throttlerNamespace() declares, in use: new DurableThrottlerStorage(cache.namespace(hits)).',
      );
    this.#entries = new HitEntries(hits);
    this.#own = new OwnRecords(hits.definition.maxEntries);
    this.#options = resolveStorageOptions(options);
  }

  /**
   * Counts a hit; `ttl` and `blockDuration` in milliseconds, what it gives in seconds. Rejects with `WRITE_FAILED` or `READ_FAILED` while
   * the database is away, unless `whenUnavailable` is `'allow'`, with `INVALID_KEY` for a key that is neither text nor a number, and with
   * `INVALID_OPTION` for a `ttl`, `limit` or `blockDuration` that is no number, such as text from the environment.
   */
  async increment(
    key: string,
    ttl: number,
    limit: number,
    blockDuration: number,
    throttlerName: string,
  ): Promise<HitOutcome> {
    const hit: Hit = { ttl, limit, blockDuration, throttlerName, at: this.#options.clock.now() };
    assertHit(hit);
    const storedKey = storedKeyOf(key);
    const refused = this.#refusedByMemory(storedKey, hit);
    if (refused !== undefined) return refused;
    if (this.#outage.isOn) return this.#countForItself(storedKey, hit);
    try {
      return await this.#count(storedKey, hit);
    } catch (error) {
      if (!isOfDatabase(error)) throw error;
      return this.#withoutEntry(storedKey, hit, error);
    }
  }

  /**
   * Forgets the hits and the block of a key, as `increment` was given it: the guard passes what `generateKey` returns. Gives whether there
   * were any. Rejects as a write does where the namespace is persisted, and with `INVALID_KEY`.
   */
  async reset(key: string): Promise<boolean> {
    const storedKey = storedKeyOf(key);
    const wasThere = await this.#entries.delete(storedKey);
    return this.#own.delete(storedKey) || wasThere;
  }

  /**
   * What is told of a hit that is not counted, as memory knows. Blocks end with time alone, and hits stop to count with time alone, so a record
   * that others have added to since refuses it, too.
   */
  #refusedByMemory(key: string, hit: Hit): HitOutcome | undefined {
    const known = this.#entries.known(key);
    if (known === undefined) return undefined;
    const seen = this.#own.get(key);
    const window = seen?.isUnwritten === true ? undefined : seen?.record;
    const { record, outcome, isCounted } = countHit(withSeenWindow(known, window, hit.at), hit);
    if (isCounted) return undefined;
    this.#own.refused(key, record);
    return outcome;
  }

  /** Counts a hit in the entry, with what this instance has counted for itself. */
  async #count(key: string, hit: Hit): Promise<HitOutcome> {
    let own: OwnRecord | undefined;
    let counted: CountedHit | undefined;
    await this.#entries.update(key, hit.at, Math.max(hit.ttl, hit.blockDuration), (current) => {
      own = this.#own.get(key);
      const join = own?.isUnwritten === true ? joined : withSeenWindow;
      counted = countHit(join(current, own?.record, hit.at), hit);
      return counted.isCounted || own?.isUnwritten === true ? counted.record : undefined;
    });
    const { record, outcome, isCounted } = counted as unknown as CountedHit;
    if (isCounted || own?.isUnwritten === true) this.#own.written(key, own);
    if (outcome.isBlocked) this.#own.refused(key, record);
    if (!isCounted && own?.isUnwritten !== true) this.#entries.remember(key);
    return outcome;
  }

  /** What becomes of a hit that could not be counted in the entry because of `error`. */
  #withoutEntry(key: string, hit: Hit, error: unknown): HitOutcome {
    if (this.#options.whenUnavailable === 'allow') {
      this.#outage.begin();
      return this.#countForItself(key, hit);
    }
    const { outcome, isCounted } = countHit(this.#lastKnown(key, hit.at), hit);
    if (isCounted) throw error;
    return outcome;
  }

  /** Counts a hit for this instance alone, and tries behind it to write what it has counted so. */
  #countForItself(key: string, hit: Hit): HitOutcome {
    const { record, outcome, isCounted } = countHit(this.#lastKnown(key, hit.at), hit);
    if (isCounted) {
      this.#own.set(key, { record, isUnwritten: true });
      this.#outage.tryAgain(() => this.#write(key, hit.at, record));
    } else this.#own.refused(key, record);
    return outcome;
  }

  #lastKnown(key: string, at: number): HitRecord | undefined {
    return joined(this.#entries.known(key), this.#own.get(key)?.record, at);
  }

  /** Writes what this instance has counted for itself: `record`, or what that has become meanwhile. */
  async #write(key: string, at: number, record: HitRecord): Promise<void> {
    let own: OwnRecord | undefined;
    await this.#entries.update(key, at, endOf(record) - at, (current) => {
      own = this.#own.get(key);
      return joined(current, own?.isUnwritten === true ? own.record : record, at);
    });
    this.#own.written(key, own);
  }
}
