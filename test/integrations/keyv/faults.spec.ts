import { Test, type TestingModule } from '@nestjs/testing';
import { Keyv } from 'keyv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CacheService, type CachePersistenceLevel, type NamespaceCache } from '../../../src/index.js';
import { DurableKeyvStore, keyvNamespace, type KeyvItem } from '../../../src/integrations/keyv/index.js';
import { writeChanges } from '../../../src/testing/contract/changes.js';
import { CacheTesting, CacheTestingModule, StorageFault } from '../../../src/testing/index.js';
import { errorWith, ON_CHANGE, ON_SHUTDOWN } from '../../support/definitions.js';
import { NestLog } from '../../support/nest-app.js';

const NAME = 'responses';
const DEFAULT_TTL_MS = 5000;
/** A little more than the time between two purges of expired rows. */
const PURGE_MS = 10 * 60_000 + 1;

let module: TestingModule;
let testing: CacheTesting;
let entries: NamespaceCache<string, KeyvItem>;
/** What the Keyv of this test has emitted as `error`. */
let heard: unknown[];

async function start(persistence: CachePersistenceLevel, ttlMs?: number): Promise<void> {
  const definition = keyvNamespace({ name: NAME, persistence, ttlMs, maxEntries: 1 });
  module = await Test.createTestingModule({
    imports: [CacheTestingModule.forRoot({ namespaces: [definition], chatNamespaces: false })],
  })
    .setLogger(new NestLog())
    .compile();
  await module.init();
  testing = module.get(CacheTesting);
  entries = module.get(CacheService).namespace(definition);
}

function newKeyv(throwOnErrors = false): Keyv {
  const keyv = new Keyv({ store: new DurableKeyvStore(entries), throwOnErrors });
  heard = [];
  keyv.on('error', (error) => void heard.push(error));
  return keyv;
}

/** All rows there are, expired ones too. */
const rows = (): Promise<number> => testing.storage.count(NAME, 0);

afterEach(async () => {
  testing.storage.heal();
  await module.close();
});

describe('the time to live that Keyv gives', () => {
  beforeEach(() => start(ON_CHANGE, DEFAULT_TTL_MS));

  it('is that of the row, which is purged when it is over', async () => {
    const keyv = newKeyv();
    await keyv.set('short', 1, 1000);
    await keyv.set('long', 1, 3_600_000);
    expect(await entries.ttl('keyv:short')).toBe(1000);
    await testing.clock.advance(PURGE_MS);
    expect(await keyv.has(['short', 'long'])).toEqual([false, true]);
    expect(await rows()).toBe(1);
  });

  it('is that of each entry where Keyv sets several', async () => {
    await newKeyv().setMany([
      { key: 'a', value: 1, ttl: 1000 },
      { key: 'b', value: 2, ttl: 2000 },
    ]);
    expect([await entries.ttl('keyv:a'), await entries.ttl('keyv:b')]).toEqual([1000, 2000]);
  });

  it.each([
    ['that of Keyv itself', 1000, undefined, 1000],
    ['a fraction, which is rounded up', undefined, 0.5, 1],
    ['that of the namespace where Keyv has none', undefined, undefined, DEFAULT_TTL_MS],
    ['that of the namespace for 0, which is none to Keyv', undefined, 0, DEFAULT_TTL_MS],
    ['no end for Infinity', undefined, Infinity, null],
    ['no end for more than a date can hold', undefined, 1e16, null],
    ['no end for any number above that', undefined, Number.MAX_VALUE, null],
  ])('may be %s', async (_what, ofKeyv, ttl, expected) => {
    const keyv = newKeyv();
    keyv.ttl = ofKeyv;
    await keyv.set('a', 1, ttl);
    expect(await entries.ttl('keyv:a')).toBe(expected);
  });

  it('removes the entry where it is over already', async () => {
    const keyv = newKeyv();
    await keyv.set('a', 1);
    expect(await keyv.set('a', 2, -1)).toBe(true);
    expect(await rows()).toBe(0);
  });

  it.each(['1h', NaN])('is refused where it is no number of milliseconds: %s', async (ttl) => {
    const keyv = newKeyv();
    expect(await keyv.set('a', 1, ttl as never)).toBe(false);
    expect(heard).toEqual([errorWith('INVALID_OPTION')]);
    expect(await rows()).toBe(0);
  });
});

describe('what the cache refuses', () => {
  beforeEach(() => start(ON_CHANGE));

  it.each([
    ['a key', 'INVALID_KEY', (keyv: Keyv) => keyv.set('a\0', 1)],
    ['an entry that the database refuses', 'ENTRY_REFUSED', (keyv: Keyv) => keyv.set('a', 1)],
    [
      'several of them',
      'ENTRY_REFUSED',
      async (keyv: Keyv) => (await keyv.setMany([{ key: 'a', value: 1 }]))[0],
    ],
    ['a removal', 'ENTRY_REFUSED', (keyv: Keyv) => keyv.delete('before')],
    ['several of those', 'ENTRY_REFUSED', (keyv: Keyv) => keyv.delete(['before'])],
  ])(
    'is answered with false and emitted once, or rejects with throwOnErrors: %s',
    async (_what, code, write) => {
      await newKeyv().set('before', 'stays');
      testing.storage.failWrites(Infinity, new StorageFault('permanent'));
      expect(await write(newKeyv())).toBe(false);
      expect(heard).toEqual([errorWith(code)]);
      await expect(write(newKeyv(true))).rejects.toThrow(errorWith(code));
      testing.storage.heal();
      expect(await newKeyv().get(['before', 'a'])).toEqual(['stays', undefined]);
    },
  );

  it('leaves the others of setMany stored, which Keyv answers with false for all', async () => {
    const keyv = newKeyv();
    const set = keyv.setMany([
      { key: '\0', value: 1 },
      { key: 'fine', value: 2 },
    ]);
    expect(await set).toEqual([false, false]);
    expect(await keyv.get('fine')).toBe(2);
  });

  it('is everything after the stop of the application', async () => {
    const keyv = newKeyv();
    await module.close();
    expect(await keyv.set('a', 1)).toBe(false);
    expect(heard).toEqual([errorWith('CACHE_CLOSED')]);
  });
});

describe('while the database is away', () => {
  it('a write of ON_CHANGE fails when writeTimeoutMs is over, and readers see what was there', async () => {
    await start(ON_CHANGE);
    const keyv = newKeyv();
    await keyv.set('a', 'old');
    testing.storage.failWrites(Infinity);
    expect(await testing.clock.advanceUntil(keyv.set('a', 'new'))).toBe(false);
    expect(heard).toEqual([errorWith('WRITE_FAILED')]);
    expect(await keyv.get('a')).toBe('old');
  });

  it('so does clear, which then clears nothing', async () => {
    await start(ON_CHANGE);
    const keyv = newKeyv();
    await keyv.set('a', 1);
    testing.storage.failWrites(Infinity);
    await testing.clock.advanceUntil(keyv.clear());
    expect(heard).toEqual([errorWith('WRITE_FAILED')]);
    expect(await keyv.get('a')).toBe(1);
  });

  it('a write of ON_SHUTDOWN is done in memory, and in the database when that is back', async () => {
    await start(ON_SHUTDOWN);
    const keyv = newKeyv();
    testing.storage.failWrites(Infinity);
    expect(await keyv.set('a', 1)).toBe(true);
    expect(await keyv.get('a')).toBe(1);
    testing.storage.heal();
    await testing.restart();
    expect(await keyv.get('a')).toBe(1);
    expect(heard).toEqual([]);
  });

  describe('a read', () => {
    beforeEach(async () => {
      await start(ON_CHANGE);
      // Memory holds the last one alone.
      for (const key of ['evicted', 'held']) await newKeyv().set(key, key);
      testing.storage.failReads(Infinity);
    });

    it('is answered from memory where the entry is there', async () => {
      expect(await newKeyv().get('held')).toBe('held');
      expect(heard).toEqual([]);
    });

    it('looks like a miss to Keyv, is emitted, and rejects with throwOnErrors', async () => {
      expect(await newKeyv().get('evicted')).toBeUndefined();
      expect(heard).toEqual([errorWith('READ_FAILED')]);
      await expect(newKeyv(true).get('evicted')).rejects.toThrow(errorWith('READ_FAILED'));
    });

    it.each([
      ['getMany', (keyv: Keyv) => keyv.get(['evicted'])],
      ['getRaw', (keyv: Keyv) => keyv.getRaw('evicted')],
      ['has', (keyv: Keyv) => keyv.has('evicted')],
      ['hasMany', (keyv: Keyv) => keyv.has(['evicted'])],
      ['the iterator', (keyv: Keyv) => keyv.iterator?.(undefined).next()],
    ])('rejects by %s', async (_what, read) => {
      await expect(read(newKeyv())).rejects.toThrow(errorWith('READ_FAILED'));
    });

    it('rejects without Keyv, and ends no process where nobody listens', async () => {
      const store = new DurableKeyvStore(entries);
      await expect(store.get('keyv:evicted')).rejects.toThrow(errorWith('READ_FAILED'));
    });
  });
});

describe('a row that is none of a Keyv store', () => {
  it('is not taken for an entry, and stays until it is replaced', async () => {
    await start(ON_CHANGE);
    const puts = [{ key: 'keyv:a', value: '"text"', expiresAt: null }];
    await writeChanges(testing.storage, [{ namespace: NAME, puts }], testing.clock.now());
    await testing.restart();
    const keyv = newKeyv(true);
    await expect(keyv.get('a')).rejects.toThrow(errorWith('UNREADABLE_ENTRY'));
    await keyv.set('a', 1);
    expect(await keyv.get('a')).toBe(1);
  });
});

describe('the options of keyvNamespace', () => {
  it('are those of a namespace, with its defaults', async () => {
    await start(ON_CHANGE);
    expect(keyvNamespace({ name: 'a' })).toMatchObject({
      persistence: ON_CHANGE,
      maxEntries: 1000,
      ttlMs: undefined,
    });
    const tuned = {
      persistence: ON_SHUTDOWN,
      maxEntries: 5,
      maxBytes: 100,
      ttlMs: 1000,
      onConflict: 'theirs',
    } as const;
    expect(keyvNamespace({ name: 'b', ...tuned })).toMatchObject(tuned);
  });

  it.each([
    ['key', { name: 'a', key: {} }],
    ['value', { name: 'a', value: {} }],
    ['values', { name: 'a', values: 'copied' }],
    ['size', { name: 'a', size: 5 }],
    ['name', undefined],
    ['maxEntries', { name: 'a', maxEntries: 0 }],
  ])('are refused where %s is wrong', (option, options) => {
    const refused = expect.objectContaining({ code: 'INVALID_OPTION', option }) as Error;
    expect(() => keyvNamespace(options as never)).toThrow(refused);
  });
});
