import { beforeEach, describe, expect, it, vi } from 'vitest';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import {
  CachePersistenceLevel,
  defineNamespace,
  json,
  stringKey,
  type NamespaceOf,
} from '../../src/index.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { standIn } from '../../src/testing/stand-in.js';
import { ChaosStorage } from '../support/chaos-storage.js';
import { FakeClock } from '../support/fake-clock.js';
import { RecordingLogger } from '../support/recording-logger.js';

const counters = defineNamespace({
  name: 'counters',
  key: stringKey(),
  value: json<number>(),
  persistence: CachePersistenceLevel.ON_CHANGE,
});

type Counters = NamespaceOf<typeof counters>;

/** One of the processes, and its way to the table. */
interface Process extends Pick<Counters, keyof Counters> {
  readonly storage: ChaosStorage;
}

describe('where several processes write to one table', () => {
  let clock: FakeClock;
  let rows: InMemoryStorage;
  let one: Process;
  let other: Process;

  /** A process with a memory of its own, which nobody tells of the others' writes. */
  async function start(): Promise<Process> {
    const storage = new ChaosStorage(rows);
    const context = { clock, logger: new RecordingLogger(), random: () => 0.5 };
    const engine = new CacheEngine(() => storage, resolveEngineOptions({ instances: 'many' }), {}, context);
    const cache = await engine.register(counters);
    return standIn<Process>(() => cache as unknown as Process, { storage });
  }

  beforeEach(async () => {
    clock = new FakeClock();
    rows = new InMemoryStorage();
    one = await start();
    other = await start();
  });

  const row = async (key: string): Promise<number | undefined> => {
    const [found] = await rows.read('counters', [key]);
    return found === undefined ? undefined : (JSON.parse(found.value) as number);
  };

  it('no update is lost, whichever makes it', async () => {
    await one.set('a', 0);
    const results: number[] = [];
    for (let i = 0; i < 50; i += 1) {
      results.push(...(await Promise.all([one.increment('a'), other.increment('a'), one.increment('a')])));
    }
    expect(await row('a')).toBe(150);
    expect(new Set(results).size).toBe(150);
  });

  it('an updater is not run more than twice for one conflict', async () => {
    await other.set('a', 1);
    await one.set('a', 10);
    const seen: (number | undefined)[] = [];
    await other.update('a', (value = 0) => {
      seen.push(value);
      return value + 1;
    });
    expect(seen).toEqual([1, 10]);
    expect(await row('a')).toBe(11);
  });

  describe('after a conflict', () => {
    /** An updater that says which values it has been run on. */
    const counting = (seen: (number | undefined)[]) => (value: number | undefined) => {
      seen.push(value);
      return (value ?? 0) + 1;
    };

    beforeEach(async () => {
      await other.set('a', 1);
      await one.set('a', 10);
      await other.increment('a');
    });

    it('an updater that comes again at once is run on the row itself, and no second time', async () => {
      for (const value of [20, 30, 40]) {
        await one.set('a', value);
        const seen: (number | undefined)[] = [];
        await other.update('a', counting(seen));
        expect(seen).toEqual([value]);
      }
      expect(await row('a')).toBe(41);
    });

    it('one that comes later is run on what memory holds, since the others are most likely done', async () => {
      await clock.advance(11);
      await one.set('a', 20);
      const seen: (number | undefined)[] = [];
      await other.update('a', counting(seen));
      expect(seen).toEqual([11, 20]);
    });

    it('nobody holds a row any more that no other has changed since', async () => {
      await other.increment('a');
      const modify = vi.spyOn(other.storage, 'modify');
      await other.increment('a');
      expect(modify).not.toHaveBeenCalled();
      expect(await row('a')).toBe(13);
    });

    it('what is written beside other keys does not hold them', async () => {
      const modify = vi.spyOn(other.storage, 'modify');
      await Promise.all([other.increment('a'), other.increment('b')]);
      expect(modify).not.toHaveBeenCalled();
      expect([await row('a'), await row('b')]).toEqual([12, 1]);
    });

    it('a key that is in doubt is asked for before anything else', async () => {
      other.storage.liesAboutCommits = true;
      const counted = other.increment('a');
      await expect.poll(() => row('a')).toBe(12);
      await one.set('a', 20);
      other.storage.liesAboutCommits = false;
      expect(await clock.advanceUntil(counted)).toBe(12);
      const modify = vi.spyOn(other.storage, 'modify');
      expect(await other.increment('a')).toBe(21);
      expect(modify).not.toHaveBeenCalled();
    });

    it('a clear that comes again at once removes every row', async () => {
      await one.set('b', 1);
      await Promise.all([other.increment('a'), other.clear()]);
      expect([await row('a'), await row('b')]).toEqual([undefined, undefined]);
    });
  });

  it('an update that changes nothing answers what there is, and not what memory holds', async () => {
    await one.set('a', 1);
    await other.get('a');
    await one.set('a', 2);
    expect(await other.update('a', (value = 0) => value)).toBe(2);
  });

  it('an updater that throws on an old value does not reject where the new one is good', async () => {
    await one.set('a', 0);
    await other.get('a');
    await one.set('a', 100);
    const pay = (value = 0): number => {
      if (value < 60) throw new Error('not enough');
      return value - 60;
    };
    expect(await other.update('a', pay)).toBe(40);
    await expect(other.update('a', pay)).rejects.toThrow('not enough');
    expect(await row('a')).toBe(40);
  });

  it('one of two that set a key if it is absent wins', async () => {
    const wins = await Promise.all([one.setIfAbsent('a', 1), other.setIfAbsent('a', 2)]);
    expect(wins.toSorted()).toEqual([false, true]);
    expect(await row('a')).toBe(wins[0] ? 1 : 2);
  });

  it('a delete says whether there was a row, also of a key that memory takes for absent', async () => {
    expect(await other.get('a')).toBeUndefined();
    await one.set('a', 1);
    expect(await other.delete('a')).toBe(true);
    expect(await one.delete('a')).toBe(false);
    expect(await row('a')).toBeUndefined();
  });

  it('one of two takes a value', async () => {
    await one.set('a', 7);
    await other.get('a');
    const taken = await Promise.all([one.take('a'), other.take('a')]);
    expect(taken.filter((value) => value === 7)).toHaveLength(1);
  });

  it('a rename moves what there is, and nothing that another has moved already', async () => {
    await one.set('a', 1);
    await other.get('a');
    await one.set('a', 2);
    expect(await other.rename('a', 'b')).toBe(true);
    expect([await row('a'), await row('b')]).toEqual([undefined, 2]);
    expect(await one.rename('a', 'c')).toBe(false);
    expect([await row('b'), await row('c')]).toEqual([2, undefined]);
  });

  it('a key whose row has expired is set if absent, and counted from 0', async () => {
    await one.set('a', 5);
    await one.touch('a', { ttlMs: 10 });
    await other.get('a');
    await clock.advance(11);
    expect(await other.increment('a')).toBe(1);
    await clock.advance(11);
    expect(await one.setIfAbsent('b', 1)).toBe(true);
  });

  it('a write that others are always quicker than rejects with CONFLICT when its time is up', async () => {
    await one.set('a', 0);
    await other.get('a');
    // A storage that never lets it win, however long it tries.
    let passed = 0;
    const monotonic = clock.monotonic.bind(clock);
    clock.monotonic = () => monotonic() + passed;
    other.storage.write = async (atoms) => atoms.map(() => ({ kind: 'conflict' }));
    other.storage.modify = async (_namespace, keys, decide) => {
      passed += 1000;
      return decide(await rows.read('counters', keys)).map(() => ({ kind: 'conflict' }));
    };
    await expect(other.increment('a')).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await row('a')).toBe(0);
  });

  it('an update that committed and was reported as failed counts once', async () => {
    await one.set('a', 1);
    one.storage.liesAboutCommits = true;
    const counted = one.increment('a');
    await expect.poll(() => row('a')).toBe(2);
    one.storage.liesAboutCommits = false;
    await clock.advance(1000);
    expect(await counted).toBe(2);
    expect(await other.increment('a')).toBe(3);
    expect(await row('a')).toBe(3);
  });

  describe('an update that ended nobody knows how, and that others have written over since', () => {
    it('counts once where it has committed, which its note says', async () => {
      await one.set('a', 1);
      one.storage.liesAboutCommits = true;
      const counted = one.increment('a');
      await expect.poll(() => row('a')).toBe(2);
      await other.increment('a', 10);
      one.storage.liesAboutCommits = false;
      await clock.advance(1000);
      expect(await counted).toBe(2);
      expect(await row('a')).toBe(12);
      expect(await one.increment('a')).toBe(13);
    });

    it('is made where it has not', async () => {
      await one.set('a', 1);
      one.storage.failWrites(1);
      const counted = one.increment('a');
      await other.increment('a', 10);
      await clock.advance(1000);
      expect(await counted).toBe(12);
      expect(await row('a')).toBe(12);
    });

    it('rejects where the log that could tell is gone', async () => {
      await one.set('a', 1);
      one.storage.liesAboutCommits = true;
      const counted = one.increment('a');
      counted.catch(() => undefined);
      await expect.poll(() => row('a')).toBe(2);
      await other.increment('a', 10);
      for (const { writer } of (await rows.heads()).slice(0, 1)) await rows.remove(writer);
      one.storage.liesAboutCommits = false;
      await clock.advance(1000);
      await expect(counted).rejects.toMatchObject({ code: 'WRITE_FAILED' });
      expect(await row('a')).toBe(12);
    });
  });

  describe('a set that ended nobody knows how, and that others have built on since', () => {
    /** Gives what is told of a set that has committed, and was said to have failed. */
    async function lostSet(): Promise<{ readonly told: Promise<unknown> }> {
      one.storage.liesAboutCommits = true;
      const told = one.set('a', 1).catch((error: unknown) => error);
      await expect.poll(() => row('a')).toBe(1);
      return { told };
    }

    it('is not made once more, which its note says', async () => {
      const { told } = await lostSet();
      expect(await other.increment('a', 10)).toBe(11);
      one.storage.liesAboutCommits = false;
      await clock.advance(1000);
      expect(await told).toBeUndefined();
      expect(await row('a')).toBe(11);
    });

    it('rejects where the log that could tell is gone', async () => {
      const { told } = await lostSet();
      expect(await other.increment('a', 10)).toBe(11);
      for (const { writer } of (await rows.heads()).slice(0, 1)) await rows.remove(writer);
      one.storage.liesAboutCommits = false;
      await clock.advance(1000);
      expect(await told).toMatchObject({ code: 'WRITE_FAILED' });
      expect(await row('a')).toBe(11);
      expect(await one.get('a')).toBe(11);
    });

    it('rejects there, too, where others have removed it', async () => {
      const { told } = await lostSet();
      expect(await other.take('a')).toBe(1);
      for (const { writer } of (await rows.heads()).slice(0, 1)) await rows.remove(writer);
      one.storage.liesAboutCommits = false;
      await clock.advance(1000);
      expect(await told).toMatchObject({ code: 'WRITE_FAILED' });
      expect(await row('a')).toBeUndefined();
    });
  });

  it('what was put where nothing was, of which nobody can tell, is not put again over its removal', async () => {
    one.storage.liesAboutCommits = true;
    const told = one.setIfAbsent('a', 1).catch((error: unknown) => error);
    await expect.poll(() => row('a')).toBe(1);
    expect(await other.delete('a')).toBe(true);
    for (const { writer } of (await rows.heads()).slice(0, 1)) await rows.remove(writer);
    one.storage.liesAboutCommits = false;
    expect(await clock.advanceUntil(told)).toMatchObject({ code: 'WRITE_FAILED' });
    expect(await row('a')).toBeUndefined();
  });

  it('a blind set needs no stamp, and wins by its commit', async () => {
    await one.set('a', 1);
    await other.set('a', 2);
    await one.set('a', 3);
    expect(await row('a')).toBe(3);
    expect(await one.increment('a')).toBe(4);
    expect(await other.increment('a')).toBe(5);
  });

  describe.each<[string, (process: Process) => Promise<unknown>, unknown]>([
    ['a clear', (process) => process.clear(), undefined],
    ['the removal of a prefix', (process) => process.deletePrefix('a'), 1],
  ])('%s that ended nobody knows how', (_name, remove, answer) => {
    beforeEach(async () => {
      await one.set('a', 1);
    });

    it('does not remove what others have written since, where it has committed', async () => {
      one.storage.liesAboutCommits = true;
      const removed = remove(one);
      await expect.poll(() => row('a')).toBeUndefined();
      await other.set('ab', 2);
      one.storage.liesAboutCommits = false;
      await clock.advance(1000);
      expect(await removed).toBe(answer);
      expect(await row('ab')).toBe(2);
      expect(await one.get('ab')).toBe(2);
    });

    it('is made where it has not', async () => {
      one.storage.failWrites(1);
      const removed = remove(one);
      await expect.poll(() => one.stats().retries + one.stats().writeFailures).toBeGreaterThan(0);
      await clock.advance(1000);
      expect(await removed).toBe(answer);
      expect(await row('a')).toBeUndefined();
    });

    it('rejects where the log that could tell is gone, and removes nothing that others have written since', async () => {
      one.storage.liesAboutCommits = true;
      const removed = remove(one);
      removed.catch(() => undefined);
      const set = one.set('b', 3);
      await expect.poll(() => row('a')).toBeUndefined();
      await other.set('ab', 2);
      for (const { writer } of (await rows.heads()).slice(0, 1)) await rows.remove(writer);
      one.storage.liesAboutCommits = false;
      await clock.advance(1000);
      await expect(removed).rejects.toMatchObject({
        code: 'WRITE_FAILED',
        message: expect.stringMatching(/nobody can tell/) as unknown,
      });
      await set;
      expect([await row('ab'), await row('b')]).toEqual([2, 3]);
      expect([await one.get('a'), await one.get('ab')]).toEqual([undefined, 2]);
      expect(one.stats().rejected).toBe(1);
    });

    it('leaves nothing in memory for long that it may have removed', async () => {
      one.storage.liesAboutCommits = true;
      const removed = remove(one).catch((error: unknown) => error);
      await expect.poll(() => row('a')).toBeUndefined();
      for (const { writer } of (await rows.heads()).slice(0, 1)) await rows.remove(writer);
      one.storage.liesAboutCommits = false;
      expect(await clock.advanceUntil(removed)).toMatchObject({ code: 'WRITE_FAILED' });
      await clock.advance(100);
      expect(await one.get('a')).toBeUndefined();
    });

    it('is made where the attempt has surely changed nothing, though the log is gone', async () => {
      one.storage.failWrites(1);
      one.storage.isUndone = () => true;
      const removed = remove(one);
      await expect.poll(() => one.stats().writeFailures).toBeGreaterThan(0);
      for (const { writer } of (await rows.heads()).slice(0, 1)) await rows.remove(writer);
      await clock.advance(1000);
      expect(await removed).toBe(answer);
      expect(await row('a')).toBeUndefined();
    });

    it('is made once more by the next call', async () => {
      one.storage.liesAboutCommits = true;
      const removed = remove(one);
      await expect.poll(() => row('a')).toBeUndefined();
      await other.set('ab', 2);
      one.storage.liesAboutCommits = false;
      const again = remove(one);
      await clock.advance(1000);
      await Promise.all([removed, again]);
      expect(await row('ab')).toBeUndefined();
    });
  });

  it('what comes after a clear meets what others have written since', async () => {
    await one.set('a', 5);
    await Promise.all([one.clear(), one.increment('a'), other.increment('b')]);
    expect(await row('a')).toBe(1);
    expect(await other.increment('a')).toBe(2);
  });
});
