import { Test } from '@nestjs/testing';
import { installedDrivers } from './installed-drivers.js';
import {
  CacheModule,
  CacheService,
  CachePersistenceLevel,
  defineNamespace,
  json,
  stringKey,
} from 'nestjs-durable-cache';

const MINUTE = 60_000;

const levels = Object.values(CachePersistenceLevel).map((persistence) =>
  defineNamespace({ name: persistence, key: stringKey(), value: json<number>(), persistence, ttlMs: MINUTE }),
);

describe('a test with fake timers', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it.each(installedDrivers)(
    'with %s waits for none of the cache, and decides when an entry expires',
    async (type) => {
      const module = await Test.createTestingModule({
        imports: [CacheModule.forRoot({ storage: { type, database: ':memory:' }, namespaces: levels })],
      }).compile();
      await module.init();
      for (const level of levels) {
        const entries = module.get(CacheService).namespace(level);
        await entries.set('a', 1);
        await entries.update('a', (count) => (count ?? 0) + 1);
        await entries.flush();
        vi.advanceTimersByTime(MINUTE - 1);
        expect(await entries.get('a')).toBe(2);
        vi.advanceTimersByTime(1);
        expect(await entries.get('a')).toBeUndefined();
      }
      await module.close();
    },
  );
});
