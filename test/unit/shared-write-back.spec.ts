import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { beforeEach, describe, expect, it } from 'vitest';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions, type EngineOptions } from '../../src/core/engine/engine-options.js';
import {
  bigintKey,
  CachePersistenceLevel,
  defineNamespace,
  json,
  STORAGE_CHANNEL,
  stringKey,
  type Conflict,
  type ConflictRule,
  type NamespaceCache,
  type NamespaceDefinition,
  type RowWrite,
  type StorageEvent,
} from '../../src/index.js';
import { fingerprint } from '../../src/core/rescue/row-fingerprint.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { ChaosError, ChaosStorage } from '../support/chaos-storage.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { RecordingJournal } from '../support/recording-journal.js';
import { RecordingLogger } from '../support/recording-logger.js';

type Fields = Record<string, unknown>;

const { MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN } = CachePersistenceLevel;
const REFUSED_RETRY_MS = 30_000;

const docs = (
  onConflict?: ConflictRule<Fields>,
  tuning: { maxEntries?: number; maxBytes?: number } = {},
): NamespaceDefinition<string, Fields> =>
  defineNamespace({
    name: 'docs',
    key: stringKey(),
    value: json<Fields>({ unchecked: true }),
    persistence: ON_SHUTDOWN,
    onConflict,
    ...tuning,
  });

/** Takes of each field what differs from the base. */
function byField({ base = {}, mine = {}, theirs = {} }: Conflict<Fields>): Fields {
  const changed = Object.entries(mine).filter(([name, value]) => value !== base[name]);
  return { ...theirs, ...Object.fromEntries(changed) };
}

/** One of the processes, and its way to the table. */
interface Process<V = Fields, K = string> {
  readonly cache: NamespaceCache<K, V>;
  readonly storage: ChaosStorage;
  readonly engine: CacheEngine;
  readonly logger: RecordingLogger;
  readonly journal: RecordingJournal;
}

describe('what is dirty where others write to the same table', () => {
  let clock: FakeClock;
  let rows: InMemoryStorage;

  /** A process with a memory of its own, which nobody tells of the others' writes. */
  async function start<K, V>(
    definition: NamespaceDefinition<K, V>,
    options: EngineOptions = {},
    hasJournal = true,
  ): Promise<Process<V, K>> {
    const storage = new ChaosStorage(rows);
    const logger = new RecordingLogger();
    const journal = new RecordingJournal();
    const engine = new CacheEngine(
      () => storage,
      resolveEngineOptions({ checkpointIntervalMs: false, ...options, instances: 'many' }),
      {},
      { clock, logger, random: () => 0.5 },
      () => (hasJournal ? journal : undefined),
    );
    const cache = await engine.register(definition);
    return { cache, storage, engine, logger, journal };
  }

  async function two(
    onConflict?: ConflictRule<Fields>,
    tuning = {},
    options: EngineOptions = {},
  ): Promise<[Process, Process]> {
    const definition = docs(onConflict, tuning);
    return [await start(definition, options), await start(definition, options)];
  }

  /** Both know of `key` what is in the database. */
  async function agree([one, other]: readonly [Process, Process], key: string, value: Fields): Promise<void> {
    await one.cache.set(key, value);
    await one.cache.flush();
    expect(await other.cache.refresh(key)).toEqual(value);
  }

  /** Two of which one has written 'a' upon what both knew of it, and whose rule throws until it is mended. */
  async function twoWithABrokenRule(): Promise<{ both: [Process, Process]; mend: () => void }> {
    let isBroken = true;
    const both = await two((conflict) => {
      if (isBroken) throw new Error('no idea');
      return byField(conflict);
    });
    await agree(both, 'a', { x: 1 });
    await both[0].cache.set('a', { x: 2 });
    await both[0].cache.flush();
    return {
      both,
      mend: () => {
        isBroken = false;
      },
    };
  }

  const row = async (key: string): Promise<unknown> => {
    const [found] = await rows.read('docs', [key]);
    return found === undefined ? undefined : JSON.parse(found.value);
  };

  const conflicts = ({ cache }: Pick<Process, 'cache'>): number => cache.stats().conflicts;

  beforeEach(() => {
    clock = new FakeClock();
    rows = new InMemoryStorage();
  });

  describe('a clear that ended nobody knows how, and has committed', () => {
    let one: Process;
    let other: Process;

    beforeEach(async () => {
      const both = await two();
      await agree(both, 'a', { n: 1 });
      [one, other] = both;
      await one.cache.clear();
      one.storage.liesAboutCommits = true;
      await one.cache.flush();
      one.storage.liesAboutCommits = false;
      await other.cache.set('b', { n: 2 });
      await other.cache.flush();
    });

    it('does not remove what others have written since', async () => {
      expect(await row('a')).toBeUndefined();
      expect(await one.cache.flush()).toMatchObject({ written: 1, remaining: 0 });
      expect(await row('b')).toEqual({ n: 2 });
      expect(await one.cache.get('b')).toEqual({ n: 2 });
    });

    it('does where there is another one by then', async () => {
      await one.cache.clear();
      await one.cache.flush();
      expect(await row('b')).toBeUndefined();
    });
  });

  describe('a flush that ended nobody knows how', () => {
    const add = ({ base = {}, mine = {}, theirs = {} }: Conflict<Fields>): Fields => ({
      n: Number(theirs['n'] ?? 0) + Number(mine['n'] ?? 0) - Number(base['n'] ?? 0),
    });
    const plus =
      (by: number) =>
      (value: Fields = {}): Fields => ({ n: Number(value['n'] ?? 0) + by });

    /** One has committed 5 and does not know it; the other has made it 6. */
    async function overwritten(rule: ConflictRule<Fields>): Promise<[Process, Process]> {
      const [one, other] = await two(rule);
      await one.cache.update('a', plus(5));
      one.storage.liesAboutCommits = true;
      expect(await one.cache.flush()).toMatchObject({ written: 0, failed: 1, remaining: 1 });
      one.storage.liesAboutCommits = false;
      expect(await other.cache.refresh('a')).toEqual({ n: 5 });
      await other.cache.update('a', plus(1));
      await other.cache.flush();
      return [one, other];
    }

    it.each<[string, ConflictRule<Fields>]>([
      ["'mine'", 'mine'],
      ["'theirs'", 'theirs'],
      ['a merge', add],
    ])(
      'is in no conflict with what others have built on it, where it has committed (%s)',
      async (_name, rule) => {
        const [one] = await overwritten(rule);
        expect(await one.cache.flush()).toMatchObject({ written: 1, failed: 0, remaining: 0 });
        expect(await row('a')).toEqual({ n: 6 });
        expect(await one.cache.get('a')).toEqual({ n: 6 });
        expect(conflicts(one)).toBe(0);
        expect(one.logger.lines.at(-1)).toContain('writes to its database again');
      },
    );

    it('is what a newer change is built on, where it has committed', async () => {
      const [one] = await overwritten(add);
      await one.cache.update('a', plus(10));
      await one.cache.flush();
      expect(await row('a')).toEqual({ n: 16 });
      expect(conflicts(one)).toBe(1);
    });

    it('leaves a key alone that was cleared and set since', async () => {
      const [one] = await overwritten('mine');
      await one.cache.clear();
      await one.cache.set('a', { n: 1 });
      await one.cache.flush();
      expect(await row('a')).toEqual({ n: 1 });
      expect(await one.cache.get('a')).toEqual({ n: 1 });
    });

    it('stays in doubt while the log can not be asked', async () => {
      const [one] = await overwritten(add);
      one.storage.down = new ChaosError('transient');
      expect(await one.cache.flush()).toMatchObject({ written: 0, failed: 1, remaining: 1 });
      one.storage.down = undefined;
      await one.cache.flush();
      expect(await row('a')).toEqual({ n: 6 });
    });

    it('is made where it has not committed', async () => {
      const [one, other] = await two(add);
      await one.cache.update('a', plus(5));
      one.storage.failWrites(1);
      expect(await one.cache.flush()).toMatchObject({ failed: 1 });
      await other.cache.update('a', plus(1));
      await other.cache.flush();
      await one.cache.flush();
      expect(await row('a')).toEqual({ n: 6 });
      expect(conflicts(one)).toBe(1);
    });
  });

  describe("with onConflict 'mine', the default", () => {
    it('is written over what others have written since, counted, and memory keeps it', async () => {
      const both = await two();
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await one.cache.set('a', { n: 2 });
      await other.cache.set('a', { n: 3 });
      await one.cache.flush();
      expect(await other.cache.flush()).toMatchObject({ written: 1, failed: 0, remaining: 0 });
      expect(await row('a')).toEqual({ n: 3 });
      expect(other.cache.getIfPresent('a')).toEqual({ n: 3 });
      expect([conflicts(one), conflicts(other)]).toEqual([0, 1]);
    });

    it('meets no conflict where nobody else has written, however often it is written', async () => {
      const [one] = await two();
      for (let n = 0; n < 5; n += 1) {
        await one.cache.set('a', { n });
        await one.cache.update('b', () => ({ n }));
        if (n % 2 === 1) await one.cache.delete('b');
        await one.cache.flush();
      }
      expect(await row('a')).toEqual({ n: 4 });
      expect(conflicts(one)).toBe(0);
    });

    it('is built on its own commit after a flush', async () => {
      const [one, other] = await two(byField);
      await one.cache.set('a', { x: 1 });
      await one.cache.flush();
      await other.cache.refresh('a');
      await other.cache.set('a', { x: 2 });
      await other.cache.flush();
      await one.cache.update('a', (value) => ({ ...value, y: 1 }));
      await one.cache.flush();
      expect(await row('a')).toEqual({ x: 2, y: 1 });
      expect(conflicts(one)).toBe(1);
    });

    it('is built on what a flush has committed, where it was changed during that', async () => {
      const [one, other] = await two(byField);
      await one.cache.set('a', { x: 1 });
      one.storage.hold();
      const flushed = one.cache.flush();
      await settle();
      await one.cache.update('a', (value) => ({ ...value, y: 1 }));
      one.storage.release();
      await flushed;
      expect(await row('a')).toEqual({ x: 1 });
      await other.cache.refresh('a');
      await other.cache.update('a', (value) => ({ ...value, x: 2 }));
      await other.cache.flush();
      await one.cache.flush();
      expect(await row('a')).toEqual({ x: 2, y: 1 });
      expect(conflicts(one)).toBe(1);
    });

    it('a blind set, of a key that was never read, wins by its commit', async () => {
      const [one] = await two();
      await one.cache.set('a', { n: 1 });
      await one.cache.set('b', { n: 1 });
      await one.cache.flush();
      const { cache } = await start(docs(undefined, { maxEntries: 1 }));
      // Memory holds the one key, and knows nothing of the other.
      const unknown = cache.getIfPresent('a') === undefined ? 'a' : 'b';
      await cache.set(unknown, { n: 9 });
      await one.cache.set(unknown, { n: 2 });
      await one.cache.flush();
      await cache.flush();
      expect(await row(unknown)).toEqual({ n: 9 });
      expect(conflicts({ cache })).toBe(0);
    });

    it('what was built on absence conflicts with what others have made there', async () => {
      const [one, other] = await two();
      await one.cache.setIfAbsent('a', { n: 1 });
      await other.cache.setIfAbsent('a', { n: 2 });
      await one.cache.flush();
      await other.cache.flush();
      expect(await row('a')).toEqual({ n: 2 });
      expect(conflicts(other)).toBe(1);
    });

    it('a delete removes what others have written, and what others have deleted is no conflict', async () => {
      const both = await two();
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await one.cache.set('a', { n: 2 });
      await one.cache.flush();
      expect(await other.cache.delete('a')).toBe(true);
      await other.cache.flush();
      expect(await row('a')).toBeUndefined();
      expect(conflicts(other)).toBe(1);
      await agree(both, 'b', { n: 1 });
      await one.cache.delete('b');
      await other.cache.delete('b');
      await one.cache.flush();
      await other.cache.flush();
      expect(await row('b')).toBeUndefined();
      expect(conflicts(other)).toBe(1);
    });

    it('an unreadable row is written over', async () => {
      const both = await two();
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await other.cache.set('a', { n: 2 });
      await one.storage.write([[{ namespace: 'docs', key: 'a', value: '{', expiresAt: null }]], {
        stamp: 77,
        now: clock.now(),
      });
      await other.cache.flush();
      expect(await row('a')).toEqual({ n: 2 });
      expect(conflicts(other)).toBe(1);
    });
  });

  describe("with onConflict 'theirs'", () => {
    it('is given up: memory takes what others have written', async () => {
      const both = await two('theirs');
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await one.cache.set('a', { n: 2 });
      await other.cache.set('a', { n: 3 });
      await one.cache.flush();
      expect(await other.cache.flush()).toMatchObject({ written: 0, failed: 0, remaining: 0 });
      expect(await row('a')).toEqual({ n: 2 });
      expect(other.cache.getIfPresent('a')).toEqual({ n: 2 });
      expect(conflicts(other)).toBe(1);
      // It is built on theirs from now on.
      await other.cache.update('a', (value) => ({ ...value, m: 1 }));
      await other.cache.flush();
      expect(await row('a')).toEqual({ n: 2, m: 1 });
      expect(conflicts(other)).toBe(1);
    });

    it('is given up for a removal, too, and for a row that does not decode', async () => {
      const both = await two('theirs');
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await agree(both, 'b', { n: 1 });
      await one.cache.delete('a');
      await one.cache.flush();
      await one.storage.write([[{ namespace: 'docs', key: 'b', value: '{', expiresAt: null }]], {
        stamp: 77,
        now: clock.now(),
      });
      await other.cache.set('a', { n: 2 });
      await other.cache.set('b', { n: 2 });
      await other.cache.flush();
      expect(await other.cache.get('a')).toBeUndefined();
      expect(await row('a')).toBeUndefined();
      await expect(other.cache.get('b')).rejects.toMatchObject({ code: 'UNREADABLE_ENTRY' });
      expect(other.cache.stats()).toMatchObject({ dirty: 0, dirtyBytes: 0, conflicts: 2 });
    });

    it('gives back the room that it took', async () => {
      const both = await two('theirs', {}, { maxDirty: 1 });
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await one.cache.set('a', { n: 2 });
      await one.cache.flush();
      await other.cache.set('a', { n: 3 });
      await other.cache.set('b', { n: 4 });
      await other.cache.flush();
      expect(await row('a')).toEqual({ n: 2 });
      expect(await row('b')).toEqual({ n: 4 });
    });

    it('a listing under way shows what others have written', async () => {
      const both = await two('theirs');
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await one.cache.set('a', { n: 2 });
      await other.cache.set('a', { n: 3 });
      await one.cache.flush();
      const scan = other.cache.scan();
      const first = scan.next();
      await other.cache.flush();
      expect([{ n: 2 }, { n: 3 }]).toContainEqual((await first).value?.[1]);
      const listed = [];
      for await (const entry of other.cache.scan()) listed.push(entry);
      expect(listed).toEqual([['a', { n: 2 }]]);
    });
  });

  describe('with a function', () => {
    it('is merged of base, mine and theirs, and both sides end with the outcome', async () => {
      const seen: Conflict<Fields>[] = [];
      const both = await two((conflict) => {
        seen.push(conflict);
        return byField(conflict);
      });
      const [one, other] = both;
      await agree(both, 'a', { x: 1, y: 1 });
      await one.cache.update('a', (value) => ({ ...value, x: 2 }));
      await other.cache.update('a', (value) => ({ ...value, y: 2 }));
      await one.cache.flush();
      await other.cache.flush();
      expect(seen).toEqual([{ base: { x: 1, y: 1 }, mine: { x: 1, y: 2 }, theirs: { x: 2, y: 1 } }]);
      expect(Object.isFrozen(seen[0]?.base)).toBe(true);
      expect(Object.isFrozen(seen[0]?.mine)).toBe(true);
      expect(Object.isFrozen(seen[0]?.theirs)).toBe(true);
      expect(await row('a')).toEqual({ x: 2, y: 2 });
      expect(other.cache.getIfPresent('a')).toEqual({ x: 2, y: 2 });
      await other.cache.update('a', (value) => ({ ...value, z: 1 }));
      await other.cache.flush();
      expect(await row('a')).toEqual({ x: 2, y: 2, z: 1 });
      expect(conflicts(other)).toBe(1);
    });

    it('sees undefined for what is absent, and removes with undefined', async () => {
      const seen: Conflict<Fields>[] = [];
      const both = await two((conflict) => {
        seen.push(conflict);
        return undefined;
      });
      const [one, other] = both;
      await agree(both, 'removed by them', { n: 1 });
      await agree(both, 'removed here', { n: 1 });
      await one.cache.delete('removed by them');
      await one.cache.set('removed here', { n: 2 });
      await one.cache.set('new', { n: 1 });
      await one.cache.flush();
      await other.cache.set('removed by them', { n: 3 });
      await other.cache.delete('removed here');
      await other.cache.set('new', { n: 4 });
      await other.cache.flush();
      expect(seen).toHaveLength(3);
      expect(seen).toContainEqual({ base: undefined, mine: { n: 4 }, theirs: { n: 1 } });
      expect(seen).toContainEqual({ base: { n: 1 }, mine: { n: 3 }, theirs: undefined });
      expect(seen).toContainEqual({ base: { n: 1 }, mine: undefined, theirs: { n: 2 } });
      for (const key of ['new', 'removed here', 'removed by them']) {
        expect(await row(key)).toBeUndefined();
        expect(await other.cache.get(key)).toBeUndefined();
      }
    });

    it('keeps the expiry of mine, or of theirs where mine is absent', async () => {
      const both = await two(({ mine, theirs }) => ({ ...mine, ...theirs }));
      const [one, other] = both;
      await agree(both, 'a', {});
      await agree(both, 'b', {});
      await one.cache.set('a', { x: 1 }, { ttlMs: 1000 });
      await one.cache.set('b', { x: 1 }, { ttlMs: 1000 });
      await one.cache.flush();
      await other.cache.set('a', { y: 1 }, { ttlMs: 5000 });
      await other.cache.delete('b');
      await other.cache.flush();
      expect(await other.cache.ttl('a')).toBe(5000);
      expect(await other.cache.ttl('b')).toBe(1000);
    });

    it('takes the newest of mine where it was changed while the flush was under way', async () => {
      const both = await two(byField);
      const [one, other] = both;
      await agree(both, 'a', { x: 1 });
      await one.cache.update('a', (value) => ({ ...value, x: 2 }));
      await one.cache.flush();
      await other.cache.update('a', (value) => ({ ...value, y: 1 }));
      other.storage.hold();
      const flushed = other.cache.flush();
      await settle();
      await other.cache.update('a', (value) => ({ ...value, z: 1 }));
      other.storage.release();
      await flushed;
      expect(await row('a')).toEqual({ x: 2, y: 1, z: 1 });
      expect(other.cache.stats().dirty).toBe(0);
    });

    it('loses nothing of what is changed while the outcome is being written', async () => {
      const both = await two(byField);
      const [one, other] = both;
      await agree(both, 'a', { x: 1 });
      await one.cache.update('a', (value) => ({ ...value, x: 2 }));
      await one.cache.flush();
      await other.cache.update('a', (value) => ({ ...value, y: 1 }));
      const modify = other.storage.modify.bind(other.storage);
      let written: Promise<unknown> | undefined;
      other.storage.modify = async (...args) => {
        const outcomes = await modify(...args);
        // Committed, and nobody has heard of it yet.
        written = other.cache.update('a', (value) => ({ ...value, z: 1 }));
        return outcomes;
      };
      await other.cache.flush();
      await written;
      expect(other.cache.getIfPresent('a')).toEqual({ x: 2, y: 1, z: 1 });
      await other.cache.flush();
      expect(await row('a')).toEqual({ x: 2, y: 1, z: 1 });
      expect(conflicts(other)).toBe(1);
    });

    it('keeps the base of what waits for the outcome of a merge whose end nobody knows', async () => {
      const both = await two(byField);
      const [one, other] = both;
      await agree(both, 'a', { x: 1 });
      await one.cache.update('a', (value) => ({ ...value, x: 2 }));
      await one.cache.flush();
      await other.cache.update('a', (value) => ({ ...value, y: 1 }));
      const modify = other.storage.modify.bind(other.storage);
      other.storage.modify = async (...args) => {
        await modify(...args);
        throw new ChaosError('transient');
      };
      expect(await other.cache.flush()).toMatchObject({ failed: 1, remaining: 1 });
      expect(await row('a')).toEqual({ x: 2, y: 1 });
      other.storage.modify = modify;
      await other.cache.update('a', (value) => ({ ...value, z: 1 }));
      await other.cache.flush();
      expect(await row('a')).toEqual({ x: 2, y: 1, z: 1 });
      expect(conflicts(other)).toBe(1);
    });

    it('leaves the entry dirty when it throws: others are written, and it is tried again later', async () => {
      const { both, mend } = await twoWithABrokenRule();
      const [, other] = both;
      await other.cache.update('a', (value) => ({ ...value, y: 1 }));
      await other.cache.set('b', { n: 1 });
      const report = await other.cache.flush();
      expect(report).toMatchObject({ written: 1, failed: 1, remaining: 1 });
      expect(report.error).toMatchObject({ code: 'CONFLICT', key: 'a', cause: { message: 'no idea' } });
      expect(await row('b')).toEqual({ n: 1 });
      expect(other.cache.stats()).toMatchObject({ dirty: 1, refused: 1, conflicts: 1 });
      expect(other.cache.getIfPresent('a')).toEqual({ x: 1, y: 1 });
      await other.cache.flush();
      expect(other.logger.with('onConflict failed')).toHaveLength(1);
      expect(other.logger.with('no idea')).toHaveLength(0);
      mend();
      await clock.advance(REFUSED_RETRY_MS + 1);
      await settle();
      expect(await row('a')).toEqual({ x: 2, y: 1 });
      expect(other.cache.stats()).toMatchObject({ dirty: 0, refused: 0 });
    });

    it.each([
      ['set', (cache: Process['cache']) => cache.set('a', { y: 9 }), { y: 9 }],
      ['delete', (cache: Process['cache']) => cache.delete('a'), undefined],
      ['deletePrefix', (cache: Process['cache']) => cache.deletePrefix('a'), undefined],
    ])('is over, where it throws, with a %s of it, which goes over the row', async (_what, end, left) => {
      const both = await two(() => {
        throw new Error('no idea');
      });
      const [one, other] = both;
      await agree(both, 'a', { x: 1 });
      await one.cache.set('a', { x: 2 });
      await one.cache.flush();
      await other.cache.set('a', { x: 3 });
      expect(await other.cache.flush()).toMatchObject({ failed: 1, remaining: 1 });
      await other.cache.update('a', (value) => ({ ...value, y: 1 }));
      expect(await other.cache.flush()).toMatchObject({ failed: 1, remaining: 1 });
      expect(await row('a')).toEqual({ x: 2 });
      await end(other.cache);
      expect(await other.cache.flush()).toMatchObject({ written: 1, failed: 0, remaining: 0 });
      expect(await row('a')).toEqual(left);
      expect(other.cache.stats()).toMatchObject({ dirty: 0, dirtyBytes: 0, refused: 0, conflicts: 2 });
    });

    it('asks again of a key that was over, where others write it after that', async () => {
      const { both, mend } = await twoWithABrokenRule();
      const [one, other] = both;
      await other.cache.set('a', { x: 3 });
      await other.cache.flush();
      await other.cache.set('a', { x: 4 });
      await other.cache.flush();
      mend();
      await agree(both, 'a', { x: 4 });
      await one.cache.set('a', { x: 4, z: 1 });
      await one.cache.flush();
      await other.cache.set('a', { x: 5 });
      await other.cache.flush();
      expect(await row('a')).toEqual({ x: 5, z: 1 });
    });

    it.each([
      ['a value that can not be stored', () => ({ date: 1n })],
      ['a promise', async () => ({ n: 1 })],
    ])('%s is as good as a throw', async (_what, merge) => {
      const both = await two(merge as unknown as ConflictRule<Fields>);
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await one.cache.set('a', { n: 2 });
      await one.cache.flush();
      await other.cache.set('a', { n: 3 });
      expect(await other.cache.flush()).toMatchObject({ failed: 1, error: { code: 'CONFLICT' } });
      expect(await row('a')).toEqual({ n: 2 });
      expect(other.cache.getIfPresent('a')).toEqual({ n: 3 });
    });

    it('is not asked of a row that does not decode: that is as good as a throw', async () => {
      let calls = 0;
      const both = await two(() => {
        calls += 1;
        return {};
      });
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await one.storage.write([[{ namespace: 'docs', key: 'a', value: '{', expiresAt: null }]], {
        stamp: 77,
        now: clock.now(),
      });
      await other.cache.set('a', { n: 3 });
      expect(await other.cache.flush()).toMatchObject({ failed: 1, remaining: 1 });
      expect(calls).toBe(0);
      expect((await rows.read('docs', ['a']))[0]?.value).toBe('{');
      await other.cache.set('a', { n: 4 });
      expect(await other.cache.flush()).toMatchObject({ written: 1, failed: 0, remaining: 0 });
      expect(await row('a')).toEqual({ n: 4 });
      expect(calls).toBe(0);
    });

    it('keeps the base of each dirty key alone, and counts it against maxDirtyBytes', async () => {
      const both = await two(byField, {}, { maxDirtyBytes: 1000 });
      const [one, other] = both;
      await agree(both, 'a', { text: 'x'.repeat(300) });
      expect(one.cache.stats().dirtyBytes).toBe(0);
      await other.cache.delete('a');
      expect(other.cache.stats().dirtyBytes).toBeGreaterThan(600);
      await other.cache.set('b', { text: 'y'.repeat(300) });
      const waiting = other.cache.set('c', { n: 1 });
      expect(other.cache.stats().waiting).toBe(1);
      await other.cache.flush();
      await waiting;
      await other.cache.flush();
      expect(other.cache.stats()).toMatchObject({ dirty: 0, dirtyBytes: 0 });
    });

    it('an update that waits for room is decided anew on what came of a conflict', async () => {
      const both = await two(byField, {}, { maxDirtyBytes: 200 });
      const [one, other] = both;
      await agree(both, 'a', { x: 1 });
      await one.cache.update('a', (value) => ({ ...value, x: 2 }));
      await one.cache.flush();
      await other.cache.update('a', (value) => ({ ...value, y: 'y'.repeat(90) }));
      const updated = other.cache.update('a', (value) => ({ ...value, z: 'z'.repeat(90) }));
      await settle(50);
      await updated;
      await other.cache.flush();
      expect(await row('a')).toEqual({ x: 2, y: 'y'.repeat(90), z: 'z'.repeat(90) });
    });

    it('works on entries that memory can not hold', async () => {
      const both = await two(byField, { maxBytes: 10 });
      const [one, other] = both;
      await agree(both, 'a', { x: 1, y: 1 });
      await other.cache.update('a', (value) => ({ ...value, y: 2 }));
      await one.cache.update('a', (value) => ({ ...value, x: 2 }));
      await one.cache.flush();
      await other.cache.flush();
      expect(await row('a')).toEqual({ x: 2, y: 2 });
    });

    it('is built on what an update was decided on, also where memory has read a newer row since', async () => {
      const both = await two(byField, {}, { maxDirty: 1 });
      const [one, other] = both;
      await agree(both, 'a', { x: 1 });
      const [{ stamp } = { stamp: 0 }] = await rows.read('docs', ['a']);
      other.storage.hold();
      await other.cache.set('b', {});
      const updated = other.cache.update('a', (value) => ({ ...value, y: 1 }));
      await one.cache.set('a', { x: 2 });
      await one.cache.flush();
      expect(await other.cache.refresh('a')).toEqual({ x: 2 });
      const write = other.storage.write.bind(other.storage);
      other.storage.release();
      other.storage.write = async (...args) => {
        const outcomes = await write(...args);
        other.storage.write = write;
        other.storage.down = new ChaosError('transient');
        return outcomes;
      };
      await updated;
      const stopped = other.engine.stop();
      await clock.advance(10_000);
      await stopped;
      expect(other.journal.left).toMatchObject([{ key: 'a', base: fingerprint('{"x":1}', stamp) }]);
    });

    it('conflicts where an update was decided on an older row than memory has read since', async () => {
      const both = await two(byField, {}, { maxDirty: 1 });
      const [one, other] = both;
      await agree(both, 'a', { x: 1 });
      other.storage.hold();
      await other.cache.set('b', {});
      const updated = other.cache.update('a', (value) => ({ ...value, y: 1 }));
      await one.cache.set('a', { x: 2 });
      await one.cache.flush();
      await other.cache.refresh('a');
      other.storage.release();
      await updated;
      await other.cache.flush();
      expect(await row('a')).toEqual({ x: 2, y: 1 });
    });

    it('works on entries that memory has let go of', async () => {
      const both = await two(byField, { maxEntries: 1 });
      const [one, other] = both;
      await agree(both, 'a', { x: 1, y: 1 });
      await one.cache.update('a', (value) => ({ ...value, x: 2 }));
      await one.cache.flush();
      other.storage.hold();
      await other.cache.update('a', (value) => ({ ...value, y: 2 }));
      await other.cache.set('b', {});
      other.storage.release();
      await other.cache.flush();
      expect(await row('a')).toEqual({ x: 2, y: 2 });
    });
  });

  describe('an attempt whose end nobody knows', () => {
    it('is no conflict with oneself when it has committed', async () => {
      const both = await two(() => ({ merged: true }));
      const [, other] = both;
      await agree(both, 'a', { n: 1 });
      await agree(both, 'b', { n: 1 });
      await other.cache.set('a', { n: 2 });
      await other.cache.delete('b');
      await other.cache.set('c', { n: 1 });
      other.storage.liesAboutCommits = true;
      await other.cache.flush();
      other.storage.liesAboutCommits = false;
      await other.cache.set('a', { n: 3 });
      await other.cache.set('b', { n: 3 });
      await other.cache.flush();
      expect([await row('a'), await row('b'), await row('c')]).toEqual([{ n: 3 }, { n: 3 }, { n: 1 }]);
      expect(conflicts(other)).toBe(0);
      expect(other.cache.stats().dirty).toBe(0);
    });
  });

  describe('a rename', () => {
    it('moves what there is here, whatever others have made of either key', async () => {
      const both = await two('mine');
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      expect(await other.cache.rename('a', 'b')).toBe(true);
      await one.cache.set('a', { n: 2 });
      await one.cache.flush();
      await other.cache.flush();
      expect([await row('a'), await row('b')]).toEqual([undefined, { n: 1 }]);
      expect(conflicts(other)).toBe(1);
    });

    it("is given up as a whole with 'theirs'", async () => {
      const both = await two('theirs');
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await other.cache.rename('a', 'b');
      await one.cache.set('a', { n: 2 });
      await one.cache.flush();
      await other.cache.flush();
      expect([await row('a'), await row('b')]).toEqual([{ n: 2 }, undefined]);
      expect([await other.cache.get('a'), await other.cache.get('b')]).toEqual([{ n: 2 }, undefined]);
      expect(other.cache.stats().dirty).toBe(0);
    });

    it('stays as a whole where a merge throws', async () => {
      const both = await two(() => {
        throw new Error('no idea');
      });
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await other.cache.rename('a', 'b');
      await one.cache.set('a', { n: 2 });
      await one.cache.flush();
      expect(await other.cache.flush()).toMatchObject({ written: 0, failed: 2, remaining: 2 });
      expect([await row('a'), await row('b')]).toEqual([{ n: 2 }, undefined]);
    });

    it('is written in one transaction with what comes of the conflict', async () => {
      const both = await two(({ mine, theirs }) => mine ?? theirs);
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await other.cache.rename('a', 'b');
      await one.cache.set('a', { n: 2 });
      await one.cache.flush();
      await other.cache.flush();
      expect([await row('a'), await row('b')]).toEqual([{ n: 2 }, { n: 1 }]);
      const last = other.storage.committed.at(-1) as readonly RowWrite[];
      expect(last.map(({ key }) => key).toSorted()).toEqual(['a', 'b']);
    });

    it('that was tied to another key since is left for the next flush', async () => {
      const both = await two('mine');
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await one.cache.set('a', { n: 2 });
      await one.cache.flush();
      await other.cache.set('a', { n: 3 });
      other.storage.hold();
      const flushed = other.cache.flush();
      await settle();
      await other.cache.rename('a', 'b');
      other.storage.release();
      await flushed;
      await other.cache.flush();
      expect([await row('a'), await row('b')]).toEqual([undefined, { n: 3 }]);
      const keys = other.storage.committed.map((written) =>
        (written as readonly RowWrite[]).map(({ key }) => key),
      );
      expect(keys.filter((some) => some.includes('a') !== some.includes('b'))).toEqual([]);
      expect(other.cache.stats().dirty).toBe(0);
    });
  });

  describe('a clear', () => {
    it("removes rows, and meets what is dirty elsewhere with 'theirs' absent: 'mine' brings it back, counted", async () => {
      const both = await two();
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await agree(both, 'b', { n: 1 });
      await other.cache.set('a', { n: 2 });
      await one.cache.clear();
      await one.cache.flush();
      expect([await row('a'), await row('b')]).toEqual([undefined, undefined]);
      await other.cache.flush();
      expect([await row('a'), await row('b')]).toEqual([{ n: 2 }, undefined]);
      expect(conflicts(other)).toBe(1);
    });

    it('of a prefix does so, too', async () => {
      const both = await two('theirs');
      const [one, other] = both;
      await agree(both, 'a1', { n: 1 });
      await agree(both, 'b1', { n: 1 });
      await other.cache.set('a1', { n: 2 });
      await other.cache.set('b1', { n: 2 });
      expect(await one.cache.deletePrefix('a')).toBe(1);
      await one.cache.flush();
      await other.cache.flush();
      expect([await row('a1'), await row('b1')]).toEqual([undefined, { n: 2 }]);
      expect(conflicts(other)).toBe(1);
    });

    it('what comes after it is built on absence, and conflicts with what others write then', async () => {
      const both = await two(byField);
      const [one, other] = both;
      await agree(both, 'a', { x: 1 });
      await other.cache.clear();
      await other.cache.set('a', { y: 1 });
      const write = other.storage.write.bind(other.storage);
      other.storage.write = async (...args) => {
        // The clear is committed: others come between.
        other.storage.write = write;
        await one.cache.set('a', { x: 5 });
        await one.cache.flush();
        return write(...args);
      };
      await other.cache.flush();
      expect(await row('a')).toEqual({ x: 5, y: 1 });
      expect(conflicts(other)).toBe(1);
    });

    it('leaves nothing behind of what was dirty before it', async () => {
      const both = await two();
      const [, other] = both;
      await agree(both, 'a', { n: 1 });
      await other.cache.set('a', { n: 2 });
      await other.cache.clear();
      await other.cache.set('a', { n: 3 });
      await other.cache.flush();
      expect(await row('a')).toEqual({ n: 3 });
      expect(conflicts(other)).toBe(0);
    });

    it('during a flush takes what was in conflict with it', async () => {
      const both = await two();
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await one.cache.set('a', { n: 2 });
      await one.cache.flush();
      await other.cache.set('a', { n: 3 });
      other.storage.hold();
      const flushed = other.cache.flush();
      await settle();
      await other.cache.clear();
      other.storage.release();
      await flushed;
      await other.cache.flush();
      expect(await row('a')).toBeUndefined();
      expect(await other.cache.get('a')).toBeUndefined();
    });
  });

  describe('what expires', () => {
    it('is nobody’s change: neither where its row is purged, nor where it is there still', async () => {
      const both = await two(() => ({ merged: true }));
      const [one, other] = both;
      for (const key of ['purged', 'there']) {
        await one.cache.set(key, { n: 1 }, { ttlMs: 100 });
        await one.cache.flush();
        await other.cache.refresh(key);
      }
      await other.cache.set('purged', { n: 2 });
      await clock.advance(101);
      await rows.purgeExpired('docs', clock.now());
      await one.cache.set('there', { n: 1 }, { ttlMs: 100 });
      await one.cache.flush();
      await other.cache.refresh('there');
      await clock.advance(101);
      await other.cache.set('there', { n: 3 });
      await other.cache.flush();
      expect([await row('purged'), await row('there')]).toEqual([{ n: 2 }, { n: 3 }]);
      expect(conflicts(other)).toBe(0);
    });

    it('of theirs counts as absent', async () => {
      const seen: Conflict<Fields>[] = [];
      const both = await two((conflict) => {
        seen.push(conflict);
        return conflict.mine;
      });
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await one.cache.set('a', { n: 2 }, { ttlMs: 100 });
      await one.cache.flush();
      await other.cache.set('a', { n: 3 });
      await clock.advance(101);
      await other.cache.flush();
      expect(seen).toEqual([{ base: { n: 1 }, mine: { n: 3 }, theirs: undefined }]);
      expect(await row('a')).toEqual({ n: 3 });
    });
  });

  describe('the stop', () => {
    it('settles conflicts with its last flush', async () => {
      const both = await two(byField);
      const [one, other] = both;
      await agree(both, 'a', { x: 1, y: 1 });
      await one.cache.update('a', (value) => ({ ...value, x: 2 }));
      await other.cache.update('a', (value) => ({ ...value, y: 2 }));
      await one.engine.stop();
      const report = await other.engine.stop();
      expect(report).toMatchObject({ written: 1, leftBehind: [] });
      expect(await row('a')).toEqual({ x: 2, y: 2 });
    });

    it('leaves a journal with the base of what it could not write, merged or not', async () => {
      const both = await two(() => {
        throw new Error('no idea');
      });
      const [one, other] = both;
      await agree(both, 'a', { n: 1 });
      await one.cache.set('a', { n: 2 });
      await one.cache.flush();
      await other.cache.set('a', { n: 3 });
      const stopped = other.engine.stop();
      await clock.advance(10_000);
      await stopped;
      expect(other.journal.left).toEqual([
        {
          op: 'put',
          namespace: 'docs',
          key: 'a',
          value: '{"n":3}',
          expiresAt: null,
          base: expect.any(Number),
        },
      ]);
      expect(await row('a')).toEqual({ n: 2 });
    });

    it.each(['mine', 'theirs'] as const)(
      "leaves a journal that builds on the row of others once a conflict was settled with '%s'",
      async (rule) => {
        const both = await two(rule);
        const [one, other] = both;
        await agree(both, 'a', { n: 1 });
        await one.cache.set('a', { n: 2 });
        await one.cache.flush();
        await other.cache.set('a', { n: 3 });
        const modify = other.storage.modify.bind(other.storage);
        other.storage.modify = async (...args) => {
          const outcomes = await modify(...args);
          // It was rolled back.
          if (rule === 'mine') await rows.write([[theirs]], { stamp: theirs.stamp, now: 0 });
          if (rule === 'mine') throw new ChaosError('transient');
          return outcomes;
        };
        const [found] = await rows.read('docs', ['a']);
        const theirs = {
          namespace: 'docs',
          key: 'a',
          value: '{"n":2}',
          expiresAt: null,
          stamp: found?.stamp ?? 0,
        };
        await other.cache.flush();
        await other.cache.set('a', { n: 4 });
        other.storage.down = new ChaosError('transient');
        const stopped = other.engine.stop();
        await clock.advance(10_000);
        await stopped;
        expect(other.journal.left).toMatchObject([
          { key: 'a', value: '{"n":4}', base: fingerprint('{"n":2}', theirs.stamp) },
        ]);
      },
    );

    it('changes nothing after it has gathered what goes into the journal', async () => {
      const both = await two(byField);
      const [one, other] = both;
      await agree(both, 'a', { x: 1, y: 1 });
      await one.cache.update('a', (value) => ({ ...value, x: 2 }));
      await one.cache.flush();
      await other.cache.update('a', (value) => ({ ...value, y: 2 }));
      const modify = other.storage.modify.bind(other.storage);
      let goOn = (): void => undefined;
      const isHeld = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      other.storage.modify = async (...args) => {
        await isHeld;
        return modify(...args);
      };
      const stopped = other.engine.stop();
      await clock.advance(10_000);
      await stopped;
      goOn();
      await settle();
      expect(await row('a')).toEqual({ x: 2, y: 1 });
      expect(other.journal.left).toMatchObject([{ key: 'a', value: '{"x":1,"y":2}' }]);
    });
  });

  it('works without a journal, too', async () => {
    const definition = docs(byField);
    const one = await start(definition, {}, false);
    const other = await start(definition, {}, false);
    await agree([one, other], 'a', { x: 1, y: 1 });
    await one.cache.update('a', (value) => ({ ...value, x: 2 }));
    await other.cache.update('a', (value) => ({ ...value, y: 2 }));
    await one.cache.flush();
    await other.cache.flush();
    expect(await row('a')).toEqual({ x: 2, y: 2 });
  });

  it('what the outage has kept meets the rule when it is over', async () => {
    const both = await two(byField);
    const [one, other] = both;
    await agree(both, 'a', { x: 1, y: 1 });
    await one.cache.update('a', (value) => ({ ...value, x: 2 }));
    await one.cache.flush();
    await other.cache.update('a', (value) => ({ ...value, y: 2 }));
    const modify = other.storage.modify.bind(other.storage);
    other.storage.modify = async () => {
      throw new ChaosError('transient');
    };
    expect(await other.cache.flush()).toMatchObject({ failed: 1, remaining: 1 });
    expect(conflicts(other)).toBe(0);
    other.storage.modify = modify;
    await clock.advance(1000);
    await settle();
    expect(await row('a')).toEqual({ x: 2, y: 2 });
    expect(conflicts(other)).toBe(1);
  });

  it('what the database refuses of an outcome is isolated, and the others are written', async () => {
    const both = await two(byField);
    const [one, other] = both;
    const keys = ['a', 'b', 'c', 'd'];
    for (const key of keys) await agree(both, key, { x: 1, y: 1 });
    for (const key of keys) {
      await one.cache.set(key, { x: 2, y: 1 });
      await other.cache.set(key, { x: 1, y: 2 });
    }
    await one.cache.flush();
    const modify = other.storage.modify.bind(other.storage);
    other.storage.modify = async (namespace, held, decide, commit) =>
      modify(
        namespace,
        held,
        (found) => {
          const atoms = decide(found);
          if (atoms.flat().some(({ key }) => key === 'b')) throw new ChaosError('permanent');
          return atoms;
        },
        commit,
      );
    expect(await other.cache.flush()).toMatchObject({ written: 3, failed: 1, remaining: 1 });
    for (const key of ['a', 'c', 'd']) expect(await row(key)).toEqual({ x: 2, y: 2 });
    expect(other.cache.stats()).toMatchObject({ refused: 1, conflicts: 4 });
    other.storage.modify = modify;
    await clock.advance(REFUSED_RETRY_MS + 1);
    await settle();
    expect(await row('b')).toEqual({ x: 2, y: 2 });
    expect(other.cache.stats()).toMatchObject({ refused: 0, dirty: 0, conflicts: 4 });
  });

  it('an absent row that others make again and again is left dirty, and tried again', async () => {
    const both = await two();
    const [one, other] = both;
    await one.cache.set('x', {});
    await other.cache.setIfAbsent('a', { n: 1 });
    const write = other.storage.write.bind(other.storage);
    const modify = other.storage.modify.bind(other.storage);
    other.storage.write = async (atoms) => atoms.map(() => ({ kind: 'conflict' }));
    let lost = 0;
    other.storage.modify = async (_namespace, held, decide) => {
      lost += 1;
      return decide(await rows.read('docs', held)).map(() => ({ kind: 'conflict' }));
    };
    const flushed = other.cache.flush();
    await expect.poll(() => lost).toBeGreaterThanOrEqual(5);
    Object.assign(other.storage, { write, modify });
    await flushed;
    await settle();
    expect(await row('a')).toEqual({ n: 1 });
    expect(other.cache.stats()).toMatchObject({ dirty: 0, refused: 0 });
  });

  it('conflicts are logged once per episode, with an example key, and told on the channel each time', async () => {
    const events: StorageEvent[] = [];
    const listen = (event: unknown): void => void events.push(event as StorageEvent);
    subscribe(STORAGE_CHANNEL, listen);
    try {
      const both = await two();
      const [one, other] = both;
      const conflict = async (): Promise<void> => {
        await agree(both, 'the key', { n: 1 });
        await one.cache.set('the key', { n: 2 });
        await other.cache.set('the key', { n: 3 });
        await one.cache.flush();
        await other.cache.flush();
        await one.cache.refresh('the key');
      };
      await conflict();
      await conflict();
      expect(other.logger.with('another process has written 1 entry')).toHaveLength(1);
      expect(other.logger.with('"the key"')).toHaveLength(1);
      await clock.advance(60_001);
      await conflict();
      expect(other.logger.with('another process has written 1 entry')).toHaveLength(2);
      const told = events.filter(({ type }) => type === 'entries-in-conflict');
      const event = { type: 'entries-in-conflict', namespace: 'docs', count: 1 };
      expect(told).toEqual([event, event, event]);
      expect(conflicts(other)).toBe(3);
    } finally {
      unsubscribe(STORAGE_CHANNEL, listen);
    }
  });

  it('several conflicts of one flush are settled together', async () => {
    const both = await two(byField);
    const [one, other] = both;
    const keys = Array.from({ length: 50 }, (_, i) => `${i}`);
    for (const key of keys) {
      await one.cache.set(key, { x: 1 });
    }
    await one.cache.flush();
    await other.engine.loadFromDatabase();
    for (const key of keys) {
      await one.cache.set(key, { x: 2 });
      await other.cache.set(key, { x: 1, y: 1 });
    }
    await one.cache.flush();
    let held = 0;
    const modify = other.storage.modify.bind(other.storage);
    other.storage.modify = async (...args) => {
      held += 1;
      return modify(...args);
    };
    await other.cache.flush();
    expect(held).toBe(1);
    for (const key of keys) expect(await row(key)).toEqual({ x: 2, y: 1 });
  });

  describe('the option', () => {
    const options = { name: 'x', key: bigintKey(), value: json<number>() };

    it.each([
      ['another word', { persistence: ON_SHUTDOWN, onConflict: 'ours' }, 'must be'],
      ['a rule at ON_CHANGE', { persistence: ON_CHANGE, onConflict: 'mine' }, 'level ON_SHUTDOWN'],
      ['a function at the default level', { onConflict: () => 1 }, 'level ON_SHUTDOWN'],
      ['a rule in memory', { persistence: MEMORY_ONLY, onConflict: 'theirs' }, 'level ON_SHUTDOWN'],
    ])('refuses %s, with the remedy', (_what, given, remedy) => {
      const define = (): unknown => defineNamespace({ ...options, ...given } as never);
      expect(define).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option: 'onConflict' }));
      expect(define).toThrow(remedy);
    });

    it('is of no use, and in nobody’s way, where overrides set another level', async () => {
      const storage = new InMemoryStorage();
      const context = { clock, logger: new RecordingLogger(), random: () => 0.5 };
      const overrides = { docs: { persistence: ON_CHANGE } };
      const engine = new CacheEngine(
        () => storage,
        resolveEngineOptions({ instances: 'many' }),
        overrides,
        context,
      );
      const cache = await engine.register(docs(byField));
      await cache.set('a', { n: 1 });
      expect(cache.getIfPresent('a')).toEqual({ n: 1 });
    });
  });
});
