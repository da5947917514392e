import { Test, type TestingModule } from '@nestjs/testing';
import { Keyv as Keyv5 } from 'keyv';
import { Keyv as Keyv6 } from 'keyv-6';
import { CacheService } from 'nestjs-durable-cache';
import { DurableKeyvStore, keyvNamespace } from 'nestjs-durable-cache/keyv';
import { CacheTesting, CacheTestingModule } from 'nestjs-durable-cache/testing';

const entries = keyvNamespace({ name: 'entries' });
const LONG = 'k'.repeat(1000);

/** What both lines of Keyv have. */
interface EitherKeyv {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown, ttl?: number): Promise<boolean>;
  setMany(some: { key: string; value: unknown }[]): Promise<boolean[]>;
  delete(key: string): Promise<boolean>;
  clear(): Promise<void>;
  disconnect(): Promise<void>;
  on(event: string, listener: (error: unknown) => void): unknown;
}

const lines = {
  5: (store: DurableKeyvStore, namespace: string) => {
    const keyv = new Keyv5({ store, namespace });
    return { keyv: keyv as EitherKeyv, list: () => keyv.iterator?.(undefined) };
  },
  6: (store: DurableKeyvStore, namespace: string) => {
    const keyv = new Keyv6({ store, namespace });
    return { keyv: keyv as EitherKeyv, list: () => keyv.iterator() };
  },
};

describe.each(Object.entries(lines))('Keyv %s', (_line, newKeyv) => {
  let module: TestingModule;

  beforeEach(async () => {
    module = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot({ namespaces: [entries] })],
    }).compile();
    await module.init();
  });

  afterEach(() => module.close());

  const newStore = () => new DurableKeyvStore(module.get(CacheService).namespace(entries));

  it('has after a restart what it had before', async () => {
    const { keyv, list } = newKeyv(newStore(), 'a');
    expect(await keyv.set('short', { n: 1 })).toBe(true);
    expect(await keyv.setMany([{ key: LONG, value: 2 }])).toEqual([true]);
    await keyv.set('deleted', 3);
    expect(await keyv.delete('deleted')).toBe(true);
    await keyv.disconnect();
    await module.get(CacheTesting).restart();
    expect(await keyv.get('short')).toEqual({ n: 1 });
    expect(await keyv.get(LONG)).toBe(2);
    expect(await keyv.get('deleted')).toBeUndefined();
    const listed = new Map<unknown, unknown>();
    for await (const [key, value] of list() ?? []) listed.set(key, value);
    expect(listed).toEqual(
      new Map<unknown, unknown>([
        ['short', { n: 1 }],
        [LONG, 2],
      ]),
    );
  });

  it('clears its own namespace alone', async () => {
    const { keyv: a } = newKeyv(newStore(), 'a');
    const { keyv: b } = newKeyv(newStore(), 'b');
    for (const keyv of [a, b]) for (const key of ['short', LONG]) await keyv.set(key, 1);
    await a.clear();
    expect([await a.get('short'), await a.get(LONG)]).toEqual([undefined, undefined]);
    expect([await b.get('short'), await b.get(LONG)]).toEqual([1, 1]);
  });

  it('gives its time to live to the rows', async () => {
    const { keyv } = newKeyv(newStore(), 'a');
    const { clock, storage } = module.get(CacheTesting);
    await keyv.set('short', 1, 60_000);
    await keyv.set('long', 1);
    await clock.advance(11 * 60_000);
    expect(await storage.count('entries', 0)).toBe(1);
  });

  it('hears of what the cache refuses', async () => {
    const { keyv } = newKeyv(newStore(), 'a');
    const heard: unknown[] = [];
    keyv.on('error', (error) => void heard.push(error));
    expect(await keyv.set('a\0', 1)).toBe(false);
    expect(heard).toEqual([expect.objectContaining({ code: 'INVALID_KEY' })]);
  });
});
