import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeOfText, textOfPlace } from '../../../src/core/inspection/place.js';
import { keysBehind } from '../../../src/core/inspection/keys-behind.js';
import type { EntryInspection, InspectedPage } from '../../../src/core/inspection/entry-inspection.js';
import { compareStored } from '../../../src/core/keys/key-order.js';
import { EVERY_KEY, keysFrom } from '../../../src/core/keys/key-range.js';
import { KeySpace } from '../../../src/core/keys/key-space.js';
import { stringKey } from '../../../src/index.js';
import { errorWith, MEMORY_ONLY, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../../support/definitions.js';
import { EngineWorld } from '../../support/engine-world.js';
import { FakeClock } from '../../support/fake-clock.js';
import { InstancesWorld } from '../../support/instances-world.js';

/** All pages, each place carried as text. */
async function pagesOf(entries: EntryInspection, limit: number, range = EVERY_KEY): Promise<InspectedPage[]> {
  const pages: InspectedPage[] = [];
  let after: string | undefined;
  do {
    const page = await entries.page({
      range,
      limit,
      after: after === undefined ? undefined : placeOfText(after),
    });
    pages.push(page);
    after = page.next && textOfPlace(page.next);
  } while (after !== undefined);
  return pages;
}

const keyOf = fc.string({
  unit: fc.constantFrom('a', 'b', 'é', '😀', '\uFFFD', ':'),
  minLength: 1,
  maxLength: 4,
});

describe('pages of all there is', () => {
  it.each([MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN])(
    'have each entry once, in order, whatever is dirty and however long they are: %s',
    async (level) => {
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(keyOf, { maxLength: 40 }),
          fc.uniqueArray(keyOf, { maxLength: 40 }),
          fc.uniqueArray(keyOf, { maxLength: 10 }),
          fc.integer({ min: 1, max: 12 }),
          fc.string({ unit: fc.constantFrom('a', 'b', '😀'), maxLength: 2 }),
          fc.boolean(),
          async (stored, unwritten, deleted, limit, prefix, isSmall) => {
            const world = new EngineWorld();
            // Memory that is too small has what is dirty written.
            const maxEntries = isSmall && level !== MEMORY_ONLY ? 5 : 1000;
            const definition = namespaceOf<number>(level, { name: 'n', maxEntries });
            const cache = await world.register(definition);
            await cache.setMany(stored.map((key) => [key, 1]));
            await cache.flush();
            await cache.setMany(unwritten.map((key) => [key, 2]));
            await cache.deleteMany(deleted);
            const { entries } = world.engine.inspection.namespace('n');
            const pages = await pagesOf(entries, limit, keysFrom(prefix));
            const expected = [...new Set([...stored, ...unwritten])]
              .filter((key) => !deleted.includes(key) && key.startsWith(prefix))
              .sort(compareStored);
            const found = pages.flatMap((page) => page.entries);
            expect(found.map(({ key }) => key)).toEqual(expected);
            expect(found.map(({ text }) => text)).toEqual(
              expected.map((key) => (unwritten.includes(key) ? '2' : '1')),
            );
            expect(pages.every((page) => page.entries.length <= limit)).toBe(true);
            if (maxEntries < 1000) return;
            expect(found.filter(({ isDirty }) => isDirty).map(({ key }) => key)).toEqual(
              level === ON_SHUTDOWN ? expected.filter((key) => unwritten.includes(key)) : [],
            );
          },
        ),
        { numRuns: 40 },
      );
    },
  );
});

describe('of a namespace that others write to, what was shown', () => {
  const ways = ['page', 'entry'] as const;

  it.each(ways)('is what memory has from then on, before anyone has told of it: by %s', async (way) => {
    const world = new InstancesWorld();
    const one = await world.start();
    const other = await world.start();
    await one.cache.set('a', 'old');
    await other.cache.set('a', 'new');
    // Time stands still: nobody has looked what others have changed.
    expect(one.cache.getIfPresent('a')).toBe('old');
    const { entries } = one.engine.inspection.namespace('settings');
    const shown =
      way === 'entry'
        ? await entries.entry('a')
        : (await entries.page({ range: EVERY_KEY, after: undefined, limit: 1 })).entries[0];
    expect(shown).toMatchObject({ text: '"new"', isDirty: false });
    expect(await one.cache.get('a')).toBe('new');
  });
});

describe('a place between pages', () => {
  it.each([
    ['none', undefined],
    ['a text', 'k'],
    ['a number', 12],
    ['bytes', Buffer.from([0, 255])],
  ])('comes back as it was, with %s as its cursor', (_what, cursor) => {
    expect(placeOfText(textOfPlace({ key: 'ключ\n"', cursor }))).toEqual({ key: 'ключ\n"', cursor });
  });

  it.each([
    '',
    'x',
    'bnVsbA',
    Buffer.from('["k"').toString('base64url'),
    Buffer.from('[1,null]').toString('base64url'),
    Buffer.from('["k",{}]').toString('base64url'),
    Buffer.from('["k",true]').toString('base64url'),
  ])('is refused where it is none: "%s"', (text) => {
    expect(() => placeOfText(text)).toThrow(errorWith('INVALID_OPTION'));
  });
});

describe('the next of a hundred thousand keys', () => {
  it('are found, with turns of the event loop for others meanwhile', async () => {
    const clock = new FakeClock();
    let turns = 0;
    const immediate = clock.immediate.bind(clock);
    clock.immediate = (task) => {
      turns += 1;
      immediate(task);
    };
    const all = Array.from({ length: 100_000 }, (_, i) => `k${(i * 7919) % 100_000}`);
    const options = {
      keys: new KeySpace<unknown>('n', stringKey()),
      clock,
      range: keysFrom('k'),
      limit: 3,
    };
    const { found, isAll } = await keysBehind(all, { ...options, after: 'k5' });
    expect(found.map(({ text }) => text)).toEqual(['k50', 'k500', 'k5000']);
    expect(isAll).toBe(false);
    expect(turns).toBe(20);
    expect(await keysBehind(all, { ...options, after: 'k99998' })).toMatchObject({
      found: [{ text: 'k99999' }],
      isAll: true,
    });
  });
});
