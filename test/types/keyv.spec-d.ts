import type { CacheManagerOptions } from '@nestjs/cache-manager';
import { Keyv, type KeyvOptions, type KeyvStoreAdapter } from 'keyv';
import { describe, expectTypeOf, it } from 'vitest';
import { CachePersistenceLevel, json, type NamespaceCache, type NamespaceOf } from '../../src/index.js';
import { DurableKeyvStore, keyvNamespace } from '../../src/integrations/keyv/index.js';

const responses = keyvNamespace({ name: 'responses' });
declare const entries: NamespaceOf<typeof responses>;

describe('the types of a store for Keyv', () => {
  it('are what Keyv asks of a store', () => {
    const store = new DurableKeyvStore(entries);
    expectTypeOf(store).toExtend<KeyvStoreAdapter>();
    expectTypeOf(new Keyv(store)).toExtend<Keyv>();
    expectTypeOf<{ store: DurableKeyvStore }>().toExtend<KeyvOptions>();
    expectTypeOf<{ stores: DurableKeyvStore[] }>().toExtend<CacheManagerOptions>();
  });

  it('take a namespace that keyvNamespace() declares, and no other', () => {
    const numbers = {} as NamespaceCache<string, number>;
    // @ts-expect-error Its values are none that Keyv hands over.
    expectTypeOf(new DurableKeyvStore(numbers)).toExtend<DurableKeyvStore>();
    // @ts-expect-error It is not in use.
    expectTypeOf(new DurableKeyvStore(responses)).toExtend<DurableKeyvStore>();
  });

  it('of its namespace take the options of one, without codecs', () => {
    const { ON_SHUTDOWN: persistence } = CachePersistenceLevel;
    keyvNamespace({ name: 'a', persistence, maxEntries: 5, maxBytes: 5, ttlMs: null, onConflict: 'theirs' });
    // @ts-expect-error What is stored follows from Keyv.
    keyvNamespace({ name: 'a', value: json<string>() });
    // @ts-expect-error It needs a name.
    keyvNamespace({});
  });
});
