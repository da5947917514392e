import { ThrottlerModule, getStorageToken, type ThrottlerStorage } from '@nestjs/throttler';
import { Test } from '@nestjs/testing';
import { CacheModule, CachePersistenceLevel, CacheService, InMemoryStorage } from 'nestjs-durable-cache';
import { DurableThrottlerStorage, throttlerNamespace } from 'nestjs-durable-cache/throttler';

const hits = throttlerNamespace({ name: 'hits', persistence: CachePersistenceLevel.ON_CHANGE });

describe('rate limits', () => {
  it('are counted in the cache', async () => {
    const module = await Test.createTestingModule({
      imports: [
        CacheModule.forRoot({ storage: new InMemoryStorage(), namespaces: [hits] }),
        ThrottlerModule.forRootAsync({
          inject: [CacheService],
          useFactory: (cache: CacheService) => ({
            throttlers: [{ ttl: 60_000, limit: 1 }],
            storage: new DurableThrottlerStorage(cache.namespace(hits)),
          }),
        }),
      ],
    }).compile();
    const storage = module.get<ThrottlerStorage>(getStorageToken());
    expect(await storage.increment('a', 60_000, 1, 60_000, 'default')).toMatchObject({ isBlocked: false });
    expect(await storage.increment('a', 60_000, 1, 60_000, 'default')).toMatchObject({ isBlocked: true });
    await module.close();
  });
});
