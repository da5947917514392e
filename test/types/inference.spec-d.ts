import { describe, expectTypeOf, it } from 'vitest';
import {
  bigintKey,
  CacheModule,
  CachePersistenceLevel,
  defineNamespace,
  json,
  numberKey,
  rich,
  stringKey,
  tupleKey,
  type CacheService,
  type ChatInfo,
  type Conflict,
  type ConflictMerge,
  type ConflictRule,
  type Immutable,
  type KeyCodec,
  type KeyOf,
  type KeyPrefix,
  type NamespaceCache,
  type NamespaceDefinition,
  type NamespaceOf,
  type ValueOf,
} from '../../src/index.js';

interface Session {
  userId: number;
  roles: string[];
  seen: Date;
}

const sessions = defineNamespace({ name: 'sessions', key: stringKey(), value: rich<Session>() });
const drafts = defineNamespace({
  name: 'drafts',
  key: numberKey(),
  value: rich<Session>(),
  values: 'copied',
});
declare const cache: NamespaceCache<string, Session>;
declare const service: CacheService;

describe('types', () => {
  it('of keys follow from their codecs', () => {
    expectTypeOf(stringKey()).toEqualTypeOf<KeyCodec<string>>();
    expectTypeOf(numberKey()).toEqualTypeOf<KeyCodec<number>>();
    expectTypeOf(bigintKey()).toEqualTypeOf<KeyCodec<bigint>>();
    expectTypeOf(tupleKey(numberKey(), stringKey())).toEqualTypeOf<KeyCodec<readonly [number, string]>>();
  });

  it('of a namespace follow from its definition', () => {
    expectTypeOf(sessions).toEqualTypeOf<NamespaceDefinition<string, Session>>();
    expectTypeOf(service.namespace(sessions)).toEqualTypeOf<NamespaceCache<string, Session>>();
    const pairs = defineNamespace({
      name: 'p',
      key: tupleKey(numberKey(), numberKey()),
      value: json<number>(),
    });
    expectTypeOf(service.namespace(pairs)).toEqualTypeOf<NamespaceCache<readonly [number, number], number>>();
    // @ts-expect-error: a number is no key of this namespace
    void service.namespace(sessions).get(1);
    // @ts-expect-error: a tuple of one is no pair
    void service.namespace(pairs).get([1]);
    void service.namespace(pairs).get([1, 2]);
    // @ts-expect-error: the value has another shape
    void service.namespace(sessions).set('a', { userId: 'x' });
  });

  it('of prefixes follow from those of keys', () => {
    expectTypeOf<KeyPrefix<readonly [number, string]>>().toEqualTypeOf<
      readonly [number, string] | readonly [number] | readonly []
    >();
    expectTypeOf<KeyPrefix<string>>().toEqualTypeOf<string>();
    expectTypeOf<KeyPrefix<number>>().toBeNever();
    expectTypeOf<KeyPrefix<bigint>>().toBeNever();
    const pairs = service.namespace(
      defineNamespace({ name: 'p', key: tupleKey(numberKey(), stringKey()), value: json<number>() }),
    );
    for (const prefix of [[], [1], [1, 'a']] as const) void pairs.scan({ prefix });
    // @ts-expect-error: not the first element
    void pairs.scan({ prefix: ['a'] });
    // @ts-expect-error: longer than a key
    void pairs.scan({ prefix: [1, 'a', 2] });
    // @ts-expect-error: no array
    void cache.scan({ prefix: ['a'] });
    const numbers = service.namespace(
      defineNamespace({ name: 'n', key: numberKey(), value: json<string>() }),
    );
    // @ts-expect-error: numbers have no prefix
    void numbers.scan({ prefix: 1 });
    expectTypeOf(pairs.scan()).toEqualTypeOf<AsyncIterableIterator<[readonly [number, string], number]>>();
  });

  it('of numbers alone have something to increment', () => {
    const counters = defineNamespace({ name: 'c', key: stringKey(), value: json<number>() });
    expectTypeOf(service.namespace(counters).increment('a', 2)).resolves.toEqualTypeOf<number>();
    // @ts-expect-error: a session is no number
    void cache.increment('a');
    const maybe = defineNamespace({ name: 'm', key: stringKey(), value: json<number | null>() });
    // @ts-expect-error: null is no number
    void service.namespace(maybe).increment('a');
    const few = defineNamespace({ name: 'f', key: stringKey(), value: json<1 | 2>() });
    // @ts-expect-error: 1 and 2 are all there is, and their sum is 3
    void service.namespace(few).increment('a');
    const copied = defineNamespace({ name: 'f', key: stringKey(), value: json<1 | 2>(), values: 'copied' });
    // @ts-expect-error: as above
    void service.namespace(copied).increment('a');
    const metres = defineNamespace({ name: 'b', key: stringKey(), value: json<number & { of: 'metre' }>() });
    // @ts-expect-error: a sum has no brand
    void service.namespace(metres).increment('a');
    // @ts-expect-error: 1 is to be added as a number
    void service.namespace(counters).increment('a', '1');
  });

  it('of operations on one entry follow from the value', () => {
    expectTypeOf(cache.take('a')).resolves.toEqualTypeOf<Immutable<Session> | undefined>();
    expectTypeOf(cache.refresh('a')).resolves.toEqualTypeOf<Immutable<Session> | undefined>();
    expectTypeOf(cache.setIfAbsent('a', { userId: 1, roles: [], seen: new Date() })).resolves.toBeBoolean();
    expectTypeOf(cache.ttl('a')).resolves.toEqualTypeOf<number | null | undefined>();
    void cache.touch('a', { ttlMs: null });
    // @ts-expect-error: a touch needs a time to live
    void cache.touch('a', {});
    // @ts-expect-error: a time to live is given by its name
    void cache.set('a', { userId: 1, roles: [], seen: new Date() }, 5000);
  });

  it('of what is read are readonly at every depth', async () => {
    const session = await cache.get('a');
    expectTypeOf(session).toEqualTypeOf<Immutable<Session> | undefined>();
    if (session === undefined) return;
    // @ts-expect-error: a snapshot
    session.userId = 2;
    // @ts-expect-error: a snapshot
    session.roles.push('admin');
  });

  it('take what was read back in, and what is mutable', async () => {
    const mutable: Session = { userId: 1, roles: ['a'], seen: new Date() };
    void cache.set('a', mutable);
    const read = await cache.get('a');
    if (read !== undefined) void cache.set('b', read);
    void cache.update('a', (current) => ({ ...(current ?? mutable), userId: 2 }));
    // @ts-expect-error: the waiting belongs before the update
    void cache.update('a', async () => mutable);
    expectTypeOf(cache.getOrLoad('a', async () => mutable)).resolves.toEqualTypeOf<Immutable<Session>>();
  });

  it('of what is read are V itself where each reader gets a copy', async () => {
    const copies = service.namespace(drafts);
    expectTypeOf(copies).toEqualTypeOf<NamespaceCache<number, Session, Session>>();
    expectTypeOf(copies).toEqualTypeOf<NamespaceOf<typeof drafts>>();
    const session = await copies.get(1);
    expectTypeOf(session).toEqualTypeOf<Session | undefined>();
    session?.roles.push('admin');
    expectTypeOf(copies.getMany([1])).resolves.toEqualTypeOf<(Session | undefined)[]>();
    expectTypeOf([...copies.values()]).toEqualTypeOf<Session[]>();
    void copies.update(1, (current) => {
      current?.roles.push('admin');
      return current ?? { userId: 1, roles: [], seen: new Date() };
    });
    const read = await cache.get('a');
    if (read !== undefined) void copies.set(1, read);
    // @ts-expect-error: no mode
    defineNamespace({ name: 'x', key: stringKey(), value: json<number>(), values: 'cloned' });
  });

  it('follow from a definition, for constructors and functions', () => {
    expectTypeOf<NamespaceOf<typeof sessions>>().toEqualTypeOf<NamespaceCache<string, Session>>();
    expectTypeOf<KeyOf<typeof sessions>>().toEqualTypeOf<string>();
    expectTypeOf<ValueOf<typeof sessions>>().toEqualTypeOf<Session>();
    expectTypeOf<KeyOf<typeof drafts>>().toEqualTypeOf<number>();
    expectTypeOf<ValueOf<typeof drafts>>().toEqualTypeOf<Session>();
    const named = { ...sessions, name: 'named' };
    expectTypeOf<ValueOf<typeof named>>().toEqualTypeOf<Session>();
    // @ts-expect-error: no definition
    expectTypeOf<ValueOf<string>>().toBeNever();
    const frozen = defineNamespace({
      name: 'f',
      key: stringKey(),
      value: json<number[]>(),
      values: 'frozen',
    });
    expectTypeOf<NamespaceOf<typeof frozen>>().toEqualTypeOf<NamespaceCache<string, number[]>>();
  });

  it('of binary data stay what they are', () => {
    expectTypeOf<Immutable<{ bytes: Buffer; of: Uint8Array }>>().toEqualTypeOf<{
      readonly bytes: Buffer;
      readonly of: Uint8Array;
    }>();
  });

  it('of user state follow from the fallback', () => {
    expectTypeOf(service.getUserState(1, 'step', 0)).toEqualTypeOf<number>();
    expectTypeOf(service.getUserState<string>(1, 'step')).toEqualTypeOf<string | undefined>();
    expectTypeOf(service.getChatInfo(1)).resolves.toEqualTypeOf<Immutable<ChatInfo> | undefined>();
  });

  it('of options refuse what is unknown', () => {
    // @ts-expect-error: a misspelt option
    CacheModule.forRoot({ checkpointInterval: 1 });
    CacheModule.forRoot({ storage: undefined, namespaces: [sessions], checkpointIntervalMs: false });
    CacheModule.forFeature([sessions, drafts]);
    CacheModule.forRootAsync({
      inject: ['CONFIG'],
      useFactory: (config: { path: string }) => ({ storage: { type: 'sqlite', database: config.path } }),
    });
  });

  it('of a merge follow from the value codec', () => {
    const shared = defineNamespace({
      name: 'shared',
      key: stringKey(),
      value: rich<Session>(),
      persistence: CachePersistenceLevel.ON_SHUTDOWN,
      onConflict: (conflict) => {
        expectTypeOf(conflict).toEqualTypeOf<Conflict<Session>>();
        expectTypeOf(conflict.base).toEqualTypeOf<Immutable<Session> | undefined>();
        return conflict.mine ?? conflict.theirs;
      },
    });
    expectTypeOf(shared).toEqualTypeOf<NamespaceDefinition<string, Session>>();
    expectTypeOf(shared.onConflict).toEqualTypeOf<ConflictRule<Session>>();
    // It may give what readers get, and what they set.
    const merge: ConflictMerge<Session> = ({ theirs }) =>
      theirs ?? { userId: 1, roles: [], seen: new Date() };
    expectTypeOf(merge).returns.toEqualTypeOf<Immutable<Session> | undefined>();
    defineNamespace({ name: 'x', key: stringKey(), value: json<number>(), onConflict: 'theirs' });
    // @ts-expect-error: a merge gives a value of the namespace
    defineNamespace({ name: 'x', key: stringKey(), value: json<number>(), onConflict: () => 'one' });
    // @ts-expect-error: there is no such rule
    defineNamespace({ name: 'x', key: stringKey(), value: json<number>(), onConflict: 'ours' });
    // Whatever its values are, it is a definition.
    const some: readonly NamespaceDefinition[] = [shared];
    void some;
    // @ts-expect-error: it belongs to the definition
    void CacheModule.forRoot({ overrides: { shared: { onConflict: 'theirs' } } });
  });
});
