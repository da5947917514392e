import { ThrottlerStorageService } from '@nestjs/throttler';
import fc from 'fast-check';
import type { INestApplicationContext } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CacheModule, CachePersistenceLevel, CacheService, InMemoryStorage } from '../../../src/index.js';
import { DurableThrottlerStorage, throttlerNamespace } from '../../../src/integrations/throttler/index.js';
import { TestClock } from '../../../src/testing/index.js';
import { startApp } from '../../support/nest-app.js';

interface Limits {
  readonly ttl: number;
  readonly limit: number;
  readonly blockDuration: number;
}

interface GivenHit {
  readonly afterMs: number;
  readonly key: number;
  readonly name: string;
}

const NAMES = ['default', 'long', '__proto__'];
const RUNS = 300;

const limitsFrom = (least: number) =>
  fc.record({
    ttl: fc.integer({ min: 1, max: 5000 }),
    limit: fc.integer({ min: least, max: 4 }),
    blockDuration: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 8000 })),
  });
const aHit = fc.record({
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3000 })),
  key: fc.integer({ min: 0, max: 1 }),
  name: fc.constantFrom(...NAMES),
});

/** Windows and blocks that nobody sees the end of. */
const LONG_MS = [Infinity, 1e300, 1e20, 1e18, Number.MAX_SAFE_INTEGER, 1e15, 1e12];

describe.each(Object.values(CachePersistenceLevel))('counts of a namespace on %s', (persistence) => {
  let app: INestApplicationContext;
  let ours: DurableThrottlerStorage;
  let clock: TestClock;
  let runs = 0;

  beforeAll(async () => {
    clock = new TestClock();
    vi.useFakeTimers({ toFake: ['Date'], now: clock.now() });
    const hits = throttlerNamespace({ name: 'hits', persistence });
    const storage = new InMemoryStorage();
    app = await startApp([
      CacheModule.forRoot({ storage, clock, namespaces: [hits], checkpointIntervalMs: false }),
    ]);
    ours = new DurableThrottlerStorage(app.get(CacheService).namespace(hits), { clock });
  });

  afterAll(async () => {
    vi.useRealTimers();
    await app.close();
  });

  /** Counts the same hits in the library's own storage, and expects the same answers. */
  async function expectEqual(hits: readonly (GivenHit & Limits)[], isSwept: boolean): Promise<void> {
    const theirs = new ThrottlerStorageService();
    runs += 1;
    for (const { afterMs, key, name, ttl, limit, blockDuration } of hits) {
      await clock.advance(afterMs);
      vi.setSystemTime(clock.now());
      // What it does every minute.
      if (isSwept) (Reflect.get(theirs, 'evictIdleRecords') as () => void).call(theirs);
      const expected = await theirs.increment(`${key}`, ttl, limit, blockDuration, name);
      const counted = await ours.increment(`${runs}-${key}`, ttl, limit, blockDuration, name);
      // Of a key that is not blocked it says how long ago a block has ended, or that there was none in 1970.
      const timeToBlockExpire = expected.isBlocked ? expected.timeToBlockExpire : 0;
      expect(counted).toEqual({ ...expected, timeToBlockExpire });
    }
    theirs.onApplicationShutdown();
  }

  it('are those of the storage of @nestjs/throttler, whatever the limits of each hit', async () => {
    const hits = fc.array(fc.tuple(aHit, limitsFrom(0)), { maxLength: 25 });
    const property = fc.asyncProperty(hits, (given) =>
      expectEqual(
        given.map(([hit, limits]) => ({ ...hit, ...limits })),
        true,
      ),
    );
    await fc.assert(property, { numRuns: RUNS });
  });

  it('are the same also where that has not swept yet, with limits as applications have them', async () => {
    const limits = fc.tuple(limitsFrom(1), limitsFrom(1), limitsFrom(1));
    const property = fc.asyncProperty(fc.array(aHit, { maxLength: 25 }), limits, (given, ofNames) =>
      expectEqual(
        // A key for each throttler, as the guard makes them.
        given.map((hit) => ({
          ...hit,
          key: hit.key + 2 * NAMES.indexOf(hit.name),
          ...(ofNames[NAMES.indexOf(hit.name)] as Limits),
        })),
        false,
      ),
    );
    await fc.assert(property, { numRuns: RUNS });
  });

  it.each(LONG_MS)(
    'are the same where windows or blocks last %d ms, or half a millisecond',
    async (longMs) => {
      const times = fc.constantFrom(longMs, 1000, 0.5);
      const limits = fc.record({
        ttl: times,
        limit: fc.constantFrom(1, 2, Infinity),
        blockDuration: fc.oneof(times, fc.constant(0)),
      });
      const hits = fc.array(fc.tuple(aHit, limits), { maxLength: 12 });
      const property = fc.asyncProperty(hits, (given) =>
        expectEqual(
          given.map(([hit, limit]) => ({ ...hit, ...limit })),
          true,
        ),
      );
      await fc.assert(property, { numRuns: 40 });
    },
  );
});
