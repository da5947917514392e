import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CachePersistenceLevel, type NamespaceCache } from '../../src/index.js';
import { namespaceOf } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';

/** So many that there are several pages. */
const BEGINNINGS = ['a', 'b', '😀', '\uffff'];
const KEYS = Array.from({ length: 400 }, (_, i) => `${BEGINNINGS[i % 4]}${i}`);
const inByteOrder = (keys: Iterable<string>): string[] =>
  [...keys].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));

type Change =
  | { readonly do: 'set'; readonly at: number }
  | { readonly do: 'delete'; readonly at: number }
  | { readonly do: 'rename'; readonly at: number; readonly to: number }
  | { readonly do: 'flush' | 'clear' };

const at = fc.nat({ max: KEYS.length - 1 });
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('set' as const), at }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('delete' as const), at }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rename' as const), at, to: at }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
);
const prefix = fc.constantFrom('', 'a', 'b1', '😀', '\uffff', '😀2', 'none');

/** What is there, and what was there at any time since {@link follow}. */
class Model {
  readonly now = new Map<string, number>();
  #throughout = new Set<string>();
  #shown = new Map<string, Set<number>>();

  follow(): void {
    this.#throughout = new Set(this.now.keys());
    this.#shown = new Map([...this.now].map(([key, value]) => [key, new Set([value])]));
  }

  set(key: string, value: number): void {
    this.now.set(key, value);
    this.#shown.set(key, (this.#shown.get(key) ?? new Set()).add(value));
  }

  delete(key: string): void {
    this.now.delete(key);
    this.#throughout.delete(key);
  }

  /** The keys that were not absent at any time. */
  throughout(begin: string): string[] {
    return inByteOrder([...this.#throughout].filter((key) => key.startsWith(begin)));
  }

  wasShown(key: string, value: number): boolean {
    return this.#shown.get(key)?.has(value) === true;
  }
}

async function make(
  cache: NamespaceCache<string, number>,
  model: Model,
  made: Change,
  value: number,
): Promise<void> {
  const key = 'at' in made ? (KEYS[made.at] as string) : '';
  switch (made.do) {
    case 'set':
      model.set(key, value);
      await cache.set(key, value);
      break;
    case 'delete':
      model.delete(key);
      await cache.delete(key);
      break;
    case 'rename': {
      const to = KEYS[made.to] as string;
      const moved = model.now.get(key);
      if (moved !== undefined && key !== to) {
        model.set(to, moved);
        model.delete(key);
      }
      await cache.rename(key, to);
      break;
    }
    case 'flush':
      await cache.flush();
      break;
    case 'clear':
      for (const one of model.now.keys()) model.delete(one);
      await cache.clear();
      break;
  }
}

describe.each([CachePersistenceLevel.ON_CHANGE, CachePersistenceLevel.ON_SHUTDOWN])(
  'a scan at level %s',
  (level) => {
    it('gives what was there throughout exactly once, in order, while its reader and others write', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            maxEntries: fc.constantFrom(1, 50, 1000),
            before: fc.array(change, { maxLength: 30 }),
            during: fc.array(change, { minLength: 1, maxLength: 60 }),
            prefix,
            reverse: fc.boolean(),
            isAwaited: fc.boolean(),
          }),
          async ({ maxEntries, before, during, prefix: begin, reverse, isAwaited }) => {
            const world = new EngineWorld({ checkpointIntervalMs: false });
            const cache = await world.register(namespaceOf<number>(level, { maxEntries }));
            const model = new Model();
            for (const key of KEYS) if (key.length % 3 !== 0) await make(cache, model, setOf(key), 0);
            for (const [i, made] of before.entries()) await make(cache, model, made, 1 + i);
            model.follow();
            const changes = [...during];
            const given: [string, number][] = [];
            const calls: Promise<void>[] = [];
            for await (const [key, value] of cache.scan({ prefix: begin, reverse })) {
              given.push([key, value]);
              const made = changes.pop();
              if (made === undefined) continue;
              const call = make(cache, model, made, 1000 + changes.length);
              calls.push(call);
              if (isAwaited) await call;
            }
            await Promise.all(calls);
            const keys = given.map(([key]) => key);
            const sorted = inByteOrder(new Set(keys));
            expect(keys).toEqual(reverse ? sorted.toReversed() : sorted);
            expect(keys.every((key) => key.startsWith(begin))).toBe(true);
            expect(keys).toEqual(expect.arrayContaining(model.throughout(begin)));
            for (const [key, value] of given) expect(model.wasShown(key, value)).toBe(true);
            expect(await cache.count()).toBe(model.now.size);
            const all: [string, number][] = [];
            for await (const [key, value] of cache) all.push([key, value]);
            expect(all).toEqual(inByteOrder(model.now.keys()).map((key) => [key, model.now.get(key)]));
          },
        ),
        { numRuns: 60 },
      );
    });
  },
);

function setOf(key: string): Change {
  return { do: 'set', at: KEYS.indexOf(key) };
}
