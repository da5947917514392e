import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { CACHE_OPTIONS, CacheService, type CacheHealth, type CacheModuleOptions } from '../../index.js';
import {
  INDICATOR,
  resolveHealthOptions,
  type CacheHealthOptions,
  type ResolvedHealthOptions,
} from './cache-health-options.js';

/** What a check says beside `status`: what `CacheService.health()` has found, whose own status is `health`. */
export interface CacheHealthDetails extends Omit<CacheHealth, 'status'> {
  readonly health: CacheHealth['status'];
}

/** The part of terminus that makes results: version 11 knows no `degraded`. */
interface Verdicts<Key extends string> {
  up(details: Record<string, unknown>): HealthIndicatorResult<Key>;
  degraded?(details: Record<string, unknown>): HealthIndicatorResult<Key>;
  down(details: Record<string, unknown>): HealthIndicatorResult<Key>;
}

/**
 * The cache as a health indicator of `@nestjs/terminus`, for a readiness probe. A provider of the module that imports
 * `TerminusModule`.
 */
@Injectable()
export class DurableCacheHealthIndicator {
  constructor(
    private readonly cache: CacheService,
    private readonly indicators: HealthIndicatorService,
    private readonly modules: ModuleRef,
  ) {}

  /**
   * Asks `CacheService.health()`. `down` where writes have been failing, the database has not answered, or other instances have not been
   * seen for longer than the options say, and at once where the cache has been stopped or another process has taken its table over.
   * Other trouble is `degraded`, which terminus 12 counts as healthy, and `up` with terminus 11, which does not know it.
   *
   * Takes 800 ms at most. Rejects with `INVALID_OPTION` for an option that is unknown or out of range.
   */
  async check<const Key extends string>(
    key: Key,
    options: CacheHealthOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    if (typeof key !== 'string' || key === '')
      throw INDICATOR.refusal('key', "takes the name of the result: check('cache').");
    const limits = resolveHealthOptions(options);
    const { status, ...found } = await this.cache.health();
    const details = { health: status, ...found } satisfies CacheHealthDetails;
    const verdicts: Verdicts<Key> = this.indicators.check(key);
    if (this.#isDown({ status, ...found }, limits)) return verdicts.down(details);
    if (status === 'up' || verdicts.degraded === undefined) return verdicts.up(details);
    return verdicts.degraded(details);
  }

  #isDown({ status, failingSince, unconfirmedSince }: CacheHealth, limits: ResolvedHealthOptions): boolean {
    // Nothing fails, and still it is down: it has been stopped, or taken over. That does not pass.
    if (status === 'down' && failingSince === undefined) return true;
    const now = this.#now();
    return (
      now - (failingSince ?? Infinity) >= limits.maxFailingMs ||
      now - (unconfirmedSince ?? Infinity) >= limits.maxUnconfirmedMs ||
      this.#oldestUnwrittenMs() > limits.maxUnwrittenMs
    );
  }

  /** The wall clock of the cache: that of the machine unless a test gives another. */
  #now(): number {
    const options = this.modules.get<CacheModuleOptions>(CACHE_OPTIONS, { strict: false });
    return options.clock?.now() ?? Date.now();
  }

  /** An entry that the database refuses may wait for ever, and the database is well. */
  #oldestUnwrittenMs(): number {
    const waiting = this.cache.namespaces().filter(({ stats }) => stats.refused === 0);
    return Math.max(0, ...waiting.map(({ stats }) => stats.oldestUnwrittenMs));
  }
}
