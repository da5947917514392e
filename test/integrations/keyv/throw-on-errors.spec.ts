import { CACHE_MANAGER, CacheModule as HttpCacheModule } from '@nestjs/cache-manager';
import { Test, type TestingModule } from '@nestjs/testing';
import type { Cache } from 'cache-manager';
import { Keyv } from 'keyv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getNamespaceToken, type NamespaceOf } from '../../../src/index.js';
import { DurableKeyvStore, keyvNamespace } from '../../../src/integrations/keyv/index.js';
import { CacheTesting, CacheTestingModule } from '../../../src/testing/index.js';
import { errorWith } from '../../support/definitions.js';
import { NestLog } from '../../support/nest-app.js';

// Memory holds one entry alone.
const responses = keyvNamespace({ name: 'responses', maxEntries: 1 });

let module: TestingModule;
let testing: CacheTesting;
let cache: Cache;
/** What Keyv has emitted as `error`. */
let heard: unknown[];

async function start(throwOnErrors: boolean): Promise<void> {
  heard = [];
  module = await Test.createTestingModule({
    imports: [
      CacheTestingModule.forRoot({ namespaces: [responses], chatNamespaces: false }),
      HttpCacheModule.registerAsync({
        isGlobal: true,
        inject: [getNamespaceToken(responses)],
        useFactory(entries: NamespaceOf<typeof responses>) {
          const keyv = new Keyv({ store: new DurableKeyvStore(entries), throwOnErrors });
          keyv.on('error', (error) => void heard.push(error));
          return { stores: [keyv], ttl: 300_000 };
        },
      }),
    ],
  })
    .setLogger(new NestLog())
    .compile();
  await module.init();
  testing = module.get(CacheTesting);
  cache = module.get(CACHE_MANAGER);
  await cache.set('evicted', 1);
  await cache.set('price', 1);
}

afterEach(async () => {
  testing.storage.heal();
  await module.close();
});

const WRITES: [string, () => Promise<unknown>][] = [
  ['set', () => cache.set('price', 2)],
  ['mset', () => cache.mset([{ key: 'price', value: 2 }])],
  ['del', () => cache.del('price')],
  ['mdel', () => cache.mdel(['price'])],
  ['clear', () => cache.clear()],
  ['wrap', () => cache.wrap('other', () => 2)],
];

const READS: [string, () => Promise<unknown>, unknown][] = [
  ['get', () => cache.get('evicted'), undefined],
  ['mget', () => cache.mget(['evicted']), [undefined]],
];

describe('CACHE_MANAGER over a Keyv with throwOnErrors, while the database is away', () => {
  beforeEach(() => start(true));

  it.each(WRITES)('rejects by %s, once heard, and leaves things as they were', async (_method, write) => {
    testing.storage.failWrites(Infinity);
    await expect(testing.clock.advanceUntil(write())).rejects.toThrow(errorWith('WRITE_FAILED'));
    expect(heard).toEqual([errorWith('WRITE_FAILED')]);
    expect(await cache.get('price')).toBe(1);
  });

  it.each(READS)('has a miss by %s, once heard', async (_method, read, miss) => {
    testing.storage.failReads(Infinity);
    expect(await read()).toEqual(miss);
    expect(heard).toEqual([errorWith('READ_FAILED')]);
  });
});

describe('CACHE_MANAGER over a Keyv without it, while the database is away', () => {
  beforeEach(() => start(false));

  it.each(WRITES)('takes %s for done, which Keyv alone tells', async (_method, write) => {
    testing.storage.failWrites(Infinity);
    await testing.clock.advanceUntil(write());
    expect(heard).toEqual([errorWith('WRITE_FAILED')]);
    expect(await cache.get('price')).toBe(1);
  });
});
