import { beforeEach, describe, expect, it } from 'vitest';
import type { NamespaceCache } from '../../src/index.js';
import { RowBases } from '../../src/core/levels/write-back/row-bases.js';
import { fingerprint, isStill, mayBeGone } from '../../src/core/rescue/row-fingerprint.js';
import type { RescuedWrite } from '../../src/core/rescue/rescue-journal.js';
import { prefixOf } from '../../src/core/writing/stamps.js';
import { STAMP, writeChanges } from '../../src/testing/contract/changes.js';
import { ChaosError } from '../support/chaos-storage.js';
import { namespaceOf, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';
import { RecordingJournal } from '../support/recording-journal.js';

type KeyWrite = Extract<RescuedWrite, { key: string }>;

describe('the fingerprint of a row', () => {
  const row = { key: 'a', value: '1', expiresAt: null, stamp: STAMP };

  it('tells the text and the stamp', () => {
    const base = fingerprint('1', STAMP);
    expect(isStill(row, base)).toBe(true);
    expect(isStill({ ...row, value: '2' }, base)).toBe(false);
    expect(isStill({ ...row, stamp: STAMP + 1 }, base)).toBe(false);
    expect(isStill({ ...row, stamp: STAMP + 2 ** 32 }, base)).toBe(false);
    expect(isStill({ ...row, stamp: 0 }, base)).toBe(false);
  });

  it('is a small integer, whatever the row', () => {
    for (const stamp of [0, STAMP, Number.MAX_SAFE_INTEGER])
      for (const text of ['', '1', 'ü'.repeat(5000)]) {
        const base = fingerprint(text, stamp);
        expect(base).toBe(base | 0);
        expect(mayBeGone(base)).toBe(false);
      }
  });
});

describe('the bases of rows', () => {
  const known = { dirty: new Set<unknown>(), held: new Set<unknown>(), absent: new Set<unknown>() };
  let isRemoved = false;
  let bases: RowBases;

  beforeEach(() => {
    for (const set of Object.values(known)) set.clear();
    isRemoved = false;
    bases = new RowBases({
      isDirty: (key) => known.dirty.has(key),
      isInMemory: (key) => known.held.has(key),
      isKnownAbsent: (key) => known.absent.has(key),
      isRemoved: () => isRemoved,
      isIn: () => true,
    });
  });

  it('are kept of what is in memory, and no longer', () => {
    known.held.add('a');
    bases.seen('a', '1', null, STAMP);
    bases.seen('too large to be held', '1', null, STAMP);
    expect(bases.of('a')).toBe(fingerprint('1', STAMP));
    known.held.delete('a');
    bases.left('a');
    expect(bases.size).toBe(0);
  });

  it('stay what they were while a key is dirty', () => {
    known.held.add('a');
    bases.seen('a', '1', null, STAMP);
    known.dirty.add('a');
    bases.becomesDirty('a');
    bases.seen('a', '2', null, STAMP + 1);
    bases.left('a');
    expect(bases.of('a')).toBe(fingerprint('1', STAMP));
  });

  it('are none where a key was known to be absent, and unknown where nobody knows', () => {
    known.absent.add('a');
    bases.becomesDirty('a');
    bases.becomesDirty('b');
    expect([bases.of('a'), bases.of('b')]).toEqual([null, undefined]);
  });

  it('are what was committed, whether something newer is dirty or not', () => {
    const row = { memoryKey: 'a', value: '2', expiresAt: null };
    bases.committed(row, STAMP, true);
    expect(bases.of('a')).toBe(fingerprint('2', STAMP));
    bases.committed(row, STAMP + 1, false);
    expect(bases.size).toBe(0);
    known.held.add('a');
    bases.committed(row, STAMP + 2, false);
    expect(bases.of('a')).toBe(fingerprint('2', STAMP + 2));
    bases.committed({ ...row, value: undefined }, STAMP + 3, true);
    expect(bases.of('a')).toBeNull();
    bases.committed({ ...row, value: undefined }, STAMP + 4, false);
    expect(bases.size).toBe(0);
  });

  it('of what is removed with others are the rows there were, until that is committed', () => {
    known.held.add('a');
    bases.seen('a', '1', null, STAMP);
    bases.remove({ prefix: '', isWhole: false });
    isRemoved = true;
    bases.becomesDirty('a');
    bases.becomesDirty('b');
    expect([bases.of('a'), bases.of('b')]).toEqual([fingerprint('1', STAMP), null]);
    bases.removalCommitted({ prefix: '', isWhole: false });
    isRemoved = false;
    expect([bases.of('a'), bases.of('b')]).toEqual([null, null]);
  });

  it('say of a row that expires that it may be gone', () => {
    known.held.add('a');
    bases.seen('a', '1', 1000, STAMP);
    const base = bases.of('a') as number;
    expect(mayBeGone(base)).toBe(true);
    expect(isStill({ key: 'a', value: '1', expiresAt: 1000, stamp: STAMP }, base)).toBe(true);
  });
});

describe('what a journal says of a write-back entry', () => {
  const definition = namespaceOf(ON_SHUTDOWN, { name: 'n', maxEntries: 2 });
  let journal: RecordingJournal;
  let world: EngineWorld;
  let cache: NamespaceCache<string, unknown>;

  const stamped = (
    key: string,
    value: string,
    stamp = STAMP,
    expiresAt: number | null = null,
  ): Promise<unknown> =>
    writeChanges(world.rows, [{ namespace: 'n', puts: [{ key, value, expiresAt }] }], 1, stamp);

  const open = async (): Promise<void> => {
    cache = await world.register(definition);
  };

  beforeEach(() => {
    journal = new RecordingJournal();
    world = new EngineWorld({ checkpointIntervalMs: false }, journal);
  });

  /** The process ends now. */
  function left(): Record<string, KeyWrite> {
    world.engine.rescueAtExit();
    const writes = journal.left.filter((write): write is KeyWrite => 'key' in write);
    return Object.fromEntries(writes.map((write) => [write.key, write]));
  }

  const baseOf = async (key: string): Promise<number> => {
    const [row] = await world.rows.read('n', [key]);
    return fingerprint(row?.value ?? '', row?.stamp ?? 0);
  };

  it('is the row that was loaded, that was read, or none, or nothing', async () => {
    for (const key of ['a', 'b', 'c', 'd']) await stamped(key, '1', STAMP + key.charCodeAt(0));
    await open();
    expect(cache.size).toBe(2);
    await cache.get('c');
    await cache.get('absent');
    expect(cache.getIfPresent('a')).toBeUndefined();
    for (const key of ['b', 'c', 'a', 'absent', 'unknown']) await cache.set(key, 2);
    const { a, b, c, absent, unknown } = left();
    expect(a).not.toHaveProperty('base');
    expect(b?.base).toBe(await baseOf('b'));
    expect(c?.base).toBe(await baseOf('c'));
    expect(absent?.base).toBeNull();
    expect(unknown).not.toHaveProperty('base');
    expect(journal.origin?.prefixes).toEqual([]);
  });

  it('is the row of its last flush, also while something newer is dirty', async () => {
    await open();
    await cache.set('a', 1);
    await cache.flush();
    await cache.set('a', 2);
    world.storage.hold();
    const flushed = cache.flush();
    await settle();
    await cache.set('a', 3);
    world.storage.release();
    await flushed;
    const { a } = left();
    expect(a).toMatchObject({ op: 'put', value: '3' });
    expect(a?.base).toBe(await baseOf('a'));
    const [row] = await world.rows.read('n', ['a']);
    expect(row?.value).toBe('2');
    expect(journal.origin?.prefixes).toEqual([prefixOf(row?.stamp ?? 0)]);
  });

  it('outlives an eviction of what is dirty, and no other', async () => {
    await open();
    await cache.set('a', 1);
    await cache.flush();
    world.storage.down = new ChaosError('transient');
    await cache.set('a', 2);
    for (const key of ['b', 'c', 'd']) await cache.set(key, 1);
    expect(cache.getIfPresent('b')).toBe(1);
    await settle();
    expect(left()['a']?.base).toBe(await baseOf('a'));
  });

  it('is forgotten with what leaves memory, by eviction or by a load', async () => {
    for (const key of ['a', 'b']) await stamped(key, '1');
    await open();
    await cache.set('c', 1);
    await cache.flush();
    await cache.set('a', 2);
    await stamped('b', '9', STAMP + 1);
    await world.engine.loadFromDatabase();
    await cache.set('b', 3);
    const { a, b } = left();
    expect(a).not.toHaveProperty('base');
    expect(b?.base).toBe(await baseOf('b'));
  });

  it('of an entry that expired is that its row may be gone', async () => {
    await open();
    await cache.set('a', 1, { ttlMs: 1000 });
    await cache.flush();
    await cache.set('a', 2);
    const { base } = left()['a'] as { base: number };
    expect(mayBeGone(base)).toBe(true);
  });

  it('of updates of many keys at once is the row that each was told of, though memory has let go of it', async () => {
    const keys = Array.from({ length: 12 }, (_, i) => `k${i}`);
    for (const key of keys) await stamped(key, '1');
    await open();
    world.storage.failWrites(Infinity, new ChaosError('transient'));
    await Promise.all(keys.map((key) => cache.update(key, (value) => Number(value) + 1)));
    const found = left();
    for (const key of keys) expect(found[key]?.base, key).toBe(await baseOf(key));
  });

  it('names the first attempt that ended nobody knows how, be it the one under way', async () => {
    await open();
    await cache.set('a', 1);
    world.storage.liesAboutCommits = true;
    await cache.flush();
    const [first] = await world.rows.read('n', ['a']);
    world.storage.liesAboutCommits = false;
    await cache.set('a', 2);
    await cache.set('b', 1);
    world.storage.hold();
    void cache.flush();
    await settle();
    await cache.set('a', 3);
    const { a, b } = left();
    expect(a?.base).toBeNull();
    expect(a?.since).toBe(first?.stamp);
    expect(b?.since).toBe((first?.stamp ?? 0) + 1);
  });

  it('names no attempt that was refused, or that another one has followed', async () => {
    await open();
    await cache.set('a', 1);
    world.storage.liesAboutCommits = true;
    await cache.flush();
    world.storage.liesAboutCommits = false;
    await cache.flush();
    world.storage.poison.add('poison');
    await cache.set('poison', 1);
    await cache.flush();
    await cache.set('a', 2);
    const { a, poison } = left();
    expect(a).not.toHaveProperty('since');
    expect(a?.base).toBe(await baseOf('a'));
    expect(poison).not.toHaveProperty('since');
    expect(poison?.base).toBeNull();
  });

  it('names what a clear has found in memory, where it was not set again', async () => {
    await stamped('a', '1');
    await stamped('b', '1');
    await open();
    world.storage.down = new ChaosError('transient');
    await cache.clear();
    await cache.set('b', 2);
    await cache.set('c', 2);
    const { a, b, c } = left();
    expect(journal.left[0]).toEqual({ op: 'clear', namespace: 'n' });
    expect(a).toMatchObject({ op: 'delete', base: await baseOf('a') });
    expect(b).toMatchObject({ op: 'put', base: await baseOf('b') });
    expect(c?.base).toBeNull();
  });

  it('ties what a rename has tied', async () => {
    await open();
    await cache.set('from', 1);
    await cache.flush();
    await cache.rename('from', 'to');
    await cache.set('other', 1);
    const { from, to, other } = left();
    expect(from?.atom).toBe(0);
    expect(to?.atom).toBe(0);
    expect(other).not.toHaveProperty('atom');
    expect(from?.base).toBe(await baseOf('from'));
    expect(to?.base).toBeNull();
  });
});
