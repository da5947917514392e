import { beforeEach, describe, expect, it, vi } from 'vitest';
import { CacheError, isCacheError } from '../../src/index.js';
import { errorWith, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';

type Package = typeof import('../../src/index.js');

interface Draft {
  tags: string[];
}

let other: Package;

/** As npm nests a copy under a library that wants another version of it. */
beforeEach(async () => {
  vi.resetModules();
  other = await import('../../src/index.js');
});

describe.each([ON_CHANGE, ON_SHUTDOWN])(
  'a namespace that another copy of the package defined (%s)',
  (level) => {
    it('gives each reader a copy where it says so', async () => {
      const definition = other.defineNamespace({
        name: 'drafts',
        key: other.stringKey(),
        value: other.json<Draft>(),
        values: 'copied',
        persistence: level,
      });
      const cache = await new EngineWorld().register(definition);
      await cache.set('a', { tags: [] });
      const read = await cache.get('a');
      read?.tags.push('mine');
      expect(await cache.get('a')).toEqual({ tags: [] });
      const changed = await cache.update('a', (draft = { tags: [] }) => {
        draft.tags.push('new');
        return draft;
      });
      expect(changed).toEqual({ tags: ['new'] });
      await cache.flush();
    });

    it('says what is wrong with a value or a key, and what to do', async () => {
      const definition = other.defineNamespace({
        name: 'visits',
        key: other.numberKey(),
        value: other.json(),
        persistence: level,
      });
      const cache = await new EngineWorld().register(definition);
      const visit = cache.set(1, { at: new Date(0) });
      await expect(visit).rejects.toThrow(errorWith('INVALID_VALUE'));
      await expect(visit).rejects.toThrow(/^Namespace 'visits': value\.at is a Date: use rich<T>\(\)/);
      const broken = cache.set(NaN, 1);
      await expect(broken).rejects.toThrow(errorWith('INVALID_KEY'));
      await expect(broken).rejects.not.toThrow(/could not encode/);
    });
  },
);

describe('isCacheError', () => {
  it('is true for an error of another copy of the package, by its code too', () => {
    const error = new other.CacheError('WRITE_FAILED', 'The database is away.');
    expect(error).not.toBeInstanceOf(CacheError);
    expect(isCacheError(error)).toBe(true);
    expect(isCacheError(error, 'WRITE_FAILED')).toBe(true);
    expect(isCacheError(error, 'READ_FAILED')).toBe(false);
    expect(other.isCacheError(new CacheError('READ_FAILED', 'The database is away.'))).toBe(true);
  });

  it('is false for what only looks like one', () => {
    const alike = Object.assign(new Error('x'), { name: 'CacheError', code: 'WRITE_FAILED' });
    for (const error of [alike, CacheError, null, undefined, 'CacheError'])
      expect(isCacheError(error)).toBe(false);
  });
});
