import { beforeEach, describe, expect, it } from 'vitest';
import {
  CachePersistenceLevel,
  defineNamespace,
  json,
  rich,
  stringKey,
  type NamespaceCache,
  type NamespaceDefinition,
  type ValueCodec,
  type ValueMode,
} from '../../../src/index.js';
import { errorWith, MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN } from '../../support/definitions.js';
import { EngineWorld } from '../../support/engine-world.js';
import { settle } from '../../support/fake-clock.js';

interface Draft {
  title: string;
  tags: string[];
  at?: Date;
}

function drafts(
  persistence: CachePersistenceLevel,
  values: ValueMode,
  value: ValueCodec<Draft>,
): NamespaceDefinition<string, Draft, 'copied'> {
  // As 'copied', which lets the tests try to change what they read.
  return defineNamespace({
    name: 'drafts',
    key: stringKey(),
    value,
    persistence,
    values: values as 'copied',
  });
}

const given = (): Draft => ({ title: 'one', tags: ['a'] });
const CODECS: [string, ValueCodec<Draft>][] = [
  ['json', json<Draft>({ unchecked: true })],
  ['rich', rich<Draft>()],
];
const PERSISTED = [ON_CHANGE, ON_SHUTDOWN];

describe.each(PERSISTED)('values that each reader gets a copy of (%s)', (level) => {
  describe.each(CODECS)('with %s()', (_name, codec) => {
    const definition = drafts(level, 'copied', codec);
    let world: EngineWorld;
    let cache: NamespaceCache<string, Draft, Draft>;

    beforeEach(async () => {
      world = new EngineWorld();
      cache = await world.register(definition);
      await cache.set('a', given());
    });

    it('change nothing but themselves, whichever way they were read', async () => {
      const reads: (() => Promise<Draft | undefined> | Draft | undefined)[] = [
        () => cache.get('a'),
        () => cache.getIfPresent('a'),
        async () => (await cache.getMany(['a', 'a']))[1],
        () => cache.getOrLoad('a', given),
        () => [...cache.values()][0],
        () => [...cache.entries()][0]?.[1],
        () => [...cache][0]?.[1],
      ];
      for (const read of reads) {
        const copy = await read();
        copy?.tags.push('changed');
        if (copy !== undefined) copy.title = 'changed';
        for (const again of reads) expect(await again()).toEqual(given());
      }
      await cache.flush();
      world.crash();
      expect(await (await world.register(definition)).get('a')).toEqual(given());
    });

    it('are copies of what was set, and not of what becomes of that', async () => {
      const object = given();
      const write = cache.set('b', object);
      object.tags.push('later');
      await write;
      object.tags.push('later still');
      expect(await cache.get('b')).toEqual(given());
    });

    it('may be changed by an updater, and what it gives is stored', async () => {
      const updated = await cache.update('a', (current) => {
        current?.tags.push('b');
        return current ?? given();
      });
      expect(updated.tags).toEqual(['a', 'b']);
      updated.tags.push('mine alone');
      expect(await cache.get('a')).toEqual({ title: 'one', tags: ['a', 'b'] });
      await world.restart();
      expect(await (await world.register(definition)).get('a')).toEqual({ title: 'one', tags: ['a', 'b'] });
    });

    it('of an updater that throws change nothing', async () => {
      const failing = cache.update('a', (current) => {
        current?.tags.push('b');
        throw new RangeError('mine');
      });
      await expect(failing).rejects.toThrow('mine');
      expect(await cache.get('a')).toEqual(given());
    });

    it('reach each of the updates that are folded together', async () => {
      const results = await Promise.all(
        ['b', 'c', 'd'].map((tag) =>
          cache.update('a', (current) => {
            current?.tags.push(tag);
            return current ?? given();
          }),
        ),
      );
      expect(results.map(({ tags }) => tags.join(''))).toEqual(['ab', 'abc', 'abcd']);
      expect((await cache.get('a'))?.tags).toEqual(['a', 'b', 'c', 'd']);
    });

    it('are not shared by those who wait for one load', async () => {
      const loaded = given();
      const loader = async (): Promise<Draft> => {
        await settle(1);
        return loaded;
      };
      const [first, second, third] = await Promise.all(
        Array.from({ length: 3 }, async () => {
          const copy = await cache.getOrLoad('b', loader);
          // At once: before the next one gets theirs.
          copy.tags.push('changed');
          return copy;
        }),
      );
      expect(first).toEqual({ title: 'one', tags: ['a', 'changed'] });
      expect([second, third]).toEqual([first, first]);
      expect(loaded).toEqual(given());
      expect(await cache.get('b')).toEqual(given());
    });

    it('are not shared by those who wait for one read of the database', async () => {
      await cache.flush();
      world.crash();
      const again = await world.register({ ...definition, maxEntries: 1 });
      await again.set('other', given());
      const [first, second] = await Promise.all([again.get('a'), again.get('a')]);
      first?.tags.push('changed');
      expect(second).toEqual(given());
    });

    it('come back when they were evicted before they were written', async () => {
      world = new EngineWorld();
      const small = await world.register(
        defineNamespace({
          name: 'small',
          key: stringKey(),
          value: codec,
          persistence: level,
          values: 'copied',
          maxEntries: 1,
        }),
      );
      await small.set('a', given());
      await small.set('b', given());
      (await small.get('a'))?.tags.push('changed');
      expect(await small.get('a')).toEqual(given());
    });
  });
});

describe.each(PERSISTED)('values that all readers share (%s)', (level) => {
  it.each(CODECS)('can not be changed, with %s()', async (_name, codec) => {
    const world = new EngineWorld();
    const cache = await world.register(drafts(level, 'frozen', codec));
    await cache.set('a', given());
    const read = await cache.get('a');
    expect(() => read?.tags.push('changed')).toThrow(TypeError);
    expect(await cache.get('a')).toBe(read);
    const inPlace = cache.update('a', (current) => Object.assign(current as Draft, { title: 'changed' }));
    await expect(inPlace).rejects.toThrow(TypeError);
    expect(await cache.get('a')).toEqual(given());
  });

  it('are made anew for each reader where a Date in them can be changed, and frozen besides', async () => {
    const world = new EngineWorld();
    const cache = await world.register(drafts(level, 'frozen', rich<Draft>()));
    await cache.set('a', { at: new Date(0), ...given() });
    const read = await cache.get('a');
    read?.at?.setTime(1);
    expect((await cache.get('a'))?.at).toEqual(new Date(0));
    expect(() => read?.tags.push('changed')).toThrow(TypeError);
    const loads = await Promise.all(
      [1, 2].map(() => cache.getOrLoad('b', () => ({ at: new Date(0), ...given() }))),
    );
    loads[0]?.at?.setTime(1);
    expect(loads[1]?.at).toEqual(new Date(0));
  });
});

describe.each(['frozen', 'copied'] as const)('values in memory alone (%s)', (values) => {
  const inMemory = (maxBytes: number) =>
    new EngineWorld().register(
      defineNamespace({
        name: 'm',
        key: stringKey(),
        value: json(),
        persistence: MEMORY_ONLY,
        values,
        maxBytes,
      }),
    );

  it('are the very objects that were set, whatever they are', async () => {
    const cache = await inMemory(10_000);
    const objects = [
      new Date(0),
      new Map([[1, { at: new Date(0) }]]),
      () => 1,
      new (class Session {
        close(): void {}
      })(),
      { at: NaN },
    ];
    for (const object of objects) {
      await cache.set('a', object);
      expect(await cache.get('a')).toBe(object);
      expect(await cache.update('a', (current) => current)).toBe(object);
      expect(await cache.getOrLoad('a', () => 1)).toBe(object);
    }
    const loaded = { at: new Date(0) };
    expect(await Promise.all([1, 2].map(() => cache.getOrLoad('b', () => loaded)))).toEqual([loaded, loaded]);
    expect(await cache.getOrLoad('b', () => 1)).toBe(loaded);
  });

  it('are refused where maxBytes bounds them and nobody can tell their size', async () => {
    const cache = await inMemory(100);
    await expect(cache.set('a', 1n)).rejects.toThrow(errorWith('INVALID_VALUE'));
    await expect(cache.set('a', 1n)).rejects.toThrow(/Leave maxBytes out/);
  });
});

describe('how values are read', () => {
  it('is frozen or copied, said by the definition alone', () => {
    const options = { name: 'x', key: stringKey(), value: json<number>() };
    expect(defineNamespace(options).values).toBe('frozen');
    expect(() => defineNamespace({ ...options, values: 'cloned' as never })).toThrow(
      errorWith('INVALID_OPTION'),
    );
  });

  it.each(Object.values(CachePersistenceLevel))(
    'is the same before and after a restart (%s)',
    async (level) => {
      if (level === MEMORY_ONLY) return;
      for (const values of ['frozen', 'copied'] as const) {
        const world = new EngineWorld();
        const definition = defineNamespace({
          name: 'r',
          key: stringKey(),
          value: rich(),
          persistence: level,
          values,
        });
        const value = {
          at: new Date(0),
          by: new Map([['k', [undefined, -0, NaN]]]),
          bytes: Buffer.from('x'),
          list: [1],
        };
        const cache = await world.register(definition);
        await cache.set('a', value);
        const before = await cache.get('a');
        await world.restart();
        const after = await (await world.register(definition)).get('a');
        expect(before).toStrictEqual(value);
        expect(after).toStrictEqual(value);
        expect(Object.isFrozen(after)).toBe(Object.isFrozen(before));
      }
    },
  );
});
