import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { NamespaceCache } from '../../src/index.js';
import type { RescuedWrite, RescueJournal } from '../../src/core/rescue/rescue-journal.js';
import { RescueFile } from '../../src/storage/rescue-file.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { ChaosError } from '../support/chaos-storage.js';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import { journalText } from '../support/journal-text.js';
import { errorWith, namespaceOf, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';
import { tempFolder } from '../support/temp-folder.js';

const definition = namespaceOf(ON_SHUTDOWN, { name: 'n' });
const folder = tempFolder();
let folders = 0;

/** The origin of what no process of these tests has left. */
const NOBODY = { identity: undefined, prefixes: [] };

function put(key: string): RescuedWrite {
  return { op: 'put', namespace: 'n', key, value: '1', expiresAt: null };
}

describe('the rescue journal', () => {
  let path: string;
  let journal: RescueFile;
  let world: EngineWorld;
  let cache: NamespaceCache<string, unknown>;

  beforeEach(async () => {
    path = join(folder, `${(folders += 1)}`, 'cache.rescue.ndjson');
    journal = new RescueFile(path);
    world = new EngineWorld({ shutdownTimeoutMs: 1000 }, journal);
    cache = await world.register(definition);
  });

  const files = (): string[] => readdirSync(join(path, '..'));
  const LEFT = expect.stringMatching(/^cache\.rescue\.ndjson\.\d{4}-/) as string;

  /** The only file there is. */
  function onlyFile(): string {
    const [file, ...others] = files();
    expect(others).toEqual([]);
    return join(path, '..', file as string);
  }

  /** What was set aside, as the journal of a kind. */
  const setAside = (kind: 'conflicts' | 'refused'): string[] =>
    files()
      .filter((name) => name.includes(`.${kind}-`))
      .map((name) => readFileSync(join(path, '..', name), 'utf8'));

  /** A row as another process has written it. */
  const written = (key: string, value: string, stamp?: number): Promise<unknown> =>
    writeChanges(world.rows, [{ namespace: 'n', puts: [{ key, value, expiresAt: null }] }], 1, stamp);

  /** The database goes away, and the process is asked to stop. */
  async function stopWithoutDatabase(): Promise<void> {
    world.storage.down = new ChaosError('transient');
    const stop = world.engine.stop();
    await world.clock.advance(5000);
    expect((await stop).leftBehind).toEqual([]);
  }

  /** A new process, whose database is away at first. */
  async function startThroughAnOutage(): Promise<void> {
    world.crash();
    world.storage.down = new ChaosError('transient');
    const start = world.register(definition);
    await world.clock.advance(1500);
    world.storage.down = undefined;
    await world.clock.advance(1500);
    cache = await start;
  }

  async function startAgain(): Promise<void> {
    world.crash();
    await world.clock.advance(1000);
    cache = await world.register(definition);
  }

  it('takes what the database does not take in time, and the next start replays it', async () => {
    await cache.setMany([
      ['kept', 1],
      ['changed', 1],
      ['deleted', 1],
    ]);
    await cache.flush();
    await cache.set('changed', { text: 'ü\u2028"\n' });
    await cache.set('new', null, { ttlMs: 100_000 });
    await cache.delete('deleted');
    await stopWithoutDatabase();
    expect(statSync(onlyFile()).mode & 0o777).toBe(0o600);
    expect(files()).toEqual([LEFT]);
    expect(
      world.logger.with('3 entries of namespace \'n\' (first keys: "changed", "new", "deleted")'),
    ).toHaveLength(1);
    expect(world.logger.with(path)).toHaveLength(1);
    expect(world.logger.with('ü')).toHaveLength(0);

    await startAgain();
    expect(await cache.getMany(['kept', 'changed', 'new', 'deleted'])).toEqual([
      1,
      { text: 'ü\u2028"\n' },
      null,
      undefined,
    ]);
    expect(files()).toEqual([]);
    expect(world.logger.with('3 entries written.')).toHaveLength(1);
    await world.clock.advance(200_000);
    expect(await cache.get('new')).toBeUndefined();
  });

  it('replays a clear and what came after it', async () => {
    await cache.setMany(Array.from({ length: 2500 }, (_, i) => [`old ${i}`, i] as const));
    await cache.flush();
    await cache.clear();
    await cache.set('new', 1);
    await stopWithoutDatabase();
    await startAgain();
    expect(await world.stored('n')).toEqual({ new: 1 });
  });

  it('replays a removal of a range of keys and what came after it, and leaves other keys alone', async () => {
    await cache.setMany(Array.from({ length: 2500 }, (_, i) => [`old ${i}`, i] as const));
    await cache.set('other', 1);
    await cache.flush();
    expect(await cache.deletePrefix('old ')).toBe(2500);
    await cache.set('old 7', 'new');
    await stopWithoutDatabase();
    await startAgain();
    expect(await world.stored('n')).toEqual({ 'old 7': 'new', other: 1 });
  });

  it('replays a clear over rows of its own process and adopted ones, and says which it leaves', async () => {
    await cache.set('own', 1);
    await cache.flush();
    await cache.clear();
    await stopWithoutDatabase();
    await written('adopted', '2', 0);
    await written('of another', '3');
    await written('of another, too', '4');
    await startAgain();
    expect(await world.stored('n')).toEqual({ 'of another': 3, 'of another, too': 4 });
    expect(world.logger.with('2 rows of other processes stay')).toHaveLength(1);
    expect(files()).toEqual([]);
  });

  it('replays a clear over the rows of an earlier run that were in memory, as they were then', async () => {
    await cache.setMany([
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ]);
    await world.restart();
    cache = await world.register(definition);
    await cache.clear();
    await cache.set('c', 2);
    await stopWithoutDatabase();
    await written('b', '"newer"');
    await startAgain();
    expect(await world.stored('n')).toEqual({ b: 'newer', c: 2 });
    expect(setAside('conflicts')).toEqual([
      expect.stringContaining('"op":"delete","namespace":"n","key":"b"'),
    ]);
  });

  it('never puts an older value over a newer row, and keeps what meets one', async () => {
    await cache.setMany([
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ]);
    await cache.flush();
    await cache.set('a', 'from the journal');
    await cache.delete('b');
    await cache.set('c', 'from the journal');
    await cache.set('d', 'from the journal');
    await stopWithoutDatabase();
    for (const key of ['a', 'b', 'd']) await written(key, '"newer"');
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 'newer', b: 'newer', c: 'from the journal', d: 'newer' });
    const [kept = ''] = setAside('conflicts');
    for (const key of ['a', 'b', 'd']) expect(kept).toContain(`"key":"${key}"`);
    expect(kept).not.toContain('"key":"c"');
    expect(world.logger.with('Not replayed of')).toEqual([
      expect.stringMatching(/^error: .*3 entries .*"a", "b", "d"/),
    ]);
  });

  it('replays a write on a row that the last run left', async () => {
    await cache.set('a', 1);
    await world.restart();
    cache = await world.register(definition);
    await cache.update('a', (value) => (value as number) + 1);
    await stopWithoutDatabase();
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 2 });
    expect(setAside('conflicts')).toEqual([]);
  });

  it('sees that a row changed though its stamp did not, and keeps both', async () => {
    await cache.set('a', 1);
    await world.restart();
    const [row] = await world.rows.read('n', ['a']);
    cache = await world.register(definition);
    await cache.set('a', 2);
    await stopWithoutDatabase();
    await written('a', '"of another program"', row?.stamp);
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 'of another program' });
    expect(setAside('conflicts')).toEqual([expect.stringContaining('"value":"2"')]);
  });

  it('sees that another process wrote a row, though it holds the same text again', async () => {
    await cache.set('a', 1);
    await world.restart();
    cache = await world.register(definition);
    await cache.set('a', 2);
    await stopWithoutDatabase();
    await written('a', '9');
    await written('a', '1');
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 1 });
    expect(setAside('conflicts')).toHaveLength(1);
  });

  it('replays a blind write over a row of its own process, and not over one of another', async () => {
    const narrow = namespaceOf(ON_SHUTDOWN, { name: 'n', maxEntries: 1 });
    world.crash();
    cache = await world.register(narrow);
    await written('of another', '1');
    for (const key of ['own', 'in between']) {
      await cache.set(key, 1);
      await cache.flush();
    }
    expect(cache.getIfPresent('own')).toBeUndefined();
    await cache.set('own', 2);
    await cache.set('of another', 2);
    await stopWithoutDatabase();
    world.crash();
    cache = await world.register(narrow);
    expect(await world.stored('n')).toEqual({ own: 2, 'in between': 1, 'of another': 1 });
    expect(setAside('conflicts')).toEqual([expect.stringContaining('"key":"of another"')]);
  });

  it('replays what was built on a row that has expired and gone since', async () => {
    await cache.set('a', 1, { ttlMs: 10_000 });
    await cache.flush();
    await cache.set('a', 2);
    await stopWithoutDatabase();
    await world.clock.advance(20_000);
    await world.rows.purgeExpired('n', world.clock.now());
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 2 });
  });

  it('replays what was built on the absence of a row that had expired and was still there', async () => {
    await cache.set('a', 1, { ttlMs: 10_000 });
    await cache.flush();
    await world.clock.advance(20_000);
    expect(await cache.get('a')).toBeUndefined();
    await cache.set('a', 2);
    await stopWithoutDatabase();
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 2 });
  });

  it('replays a rename as a whole, or keeps all of it', async () => {
    await cache.setMany([
      ['from', 1],
      ['other from', 2],
    ]);
    await cache.flush();
    await cache.rename('from', 'to');
    await cache.rename('other from', 'other to');
    await stopWithoutDatabase();
    await written('to', '"newer"');
    await startAgain();
    expect(await world.stored('n')).toEqual({ from: 1, to: 'newer', 'other to': 2 });
    const [kept = ''] = setAside('conflicts');
    expect(kept).toContain('"key":"from"');
    expect(kept).toContain('"key":"to"');
    expect(world.logger.with('Not replayed of')).toHaveLength(1);
  });

  it('knows an older write that got through after the stop had given up', async () => {
    await cache.set('a', 'older');
    const write = world.storage.write.bind(world.storage);
    let getThrough: () => Promise<unknown> = () => Promise.resolve();
    world.storage.write = (atoms, { stamp }) => {
      getThrough = () => write(atoms, { stamp, now: world.clock.now() });
      return new Promise(() => undefined);
    };
    void cache.flush();
    await settle();
    await cache.set('a', 'newest');
    const stop = world.engine.stop();
    await world.clock.advance(5000);
    await stop;
    await world.clock.advance(1000);
    await getThrough();
    expect(await world.stored('n')).toEqual({ a: 'older' });
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 'newest' });
  });

  it('knows an older removal that got through after the stop had given up', async () => {
    await cache.set('a', 'oldest');
    await cache.flush();
    await cache.delete('a');
    world.storage.liesAboutCommits = true;
    await cache.flush();
    expect(await world.stored('n')).toEqual({});
    world.storage.liesAboutCommits = false;
    await cache.set('a', 'newest');
    await stopWithoutDatabase();
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 'newest' });
  });

  it('can be replayed any number of times, a crash in the middle of it included', async () => {
    for (let i = 0; i < 3500; i += 1) void cache.set(`key ${i}`, i);
    await stopWithoutDatabase();
    const left = onlyFile();
    const content = readFileSync(left);
    // The process dies when some chunks are committed and others are not.
    world.crash();
    const modify = world.storage.modify.bind(world.storage);
    let writes = 0;
    world.storage.modify = (...of) => {
      writes += 1;
      return writes > 2 ? new Promise(() => undefined) : modify(...of);
    };
    void world.register(definition);
    await vi.waitFor(async () => expect(await world.rows.count('n', 1)).toBe(2000), { timeout: 20_000 });
    expect(files()).toEqual([expect.stringMatching(/claimed-/)]);
    expect(readFileSync(onlyFile()).equals(content)).toBe(true);
    // And again, when all is committed and the journal is not yet removed.
    await startAgain();
    writeFileSync(left, content);
    await cache.set('key 7', 'newer');
    await cache.flush();
    await startAgain();
    expect(Object.keys(await world.stored('n'))).toHaveLength(3500);
    expect(await cache.get('key 7')).toBe('newer');
    expect(setAside('conflicts')).toEqual([expect.stringContaining('"key":"key 7"')]);
    expect(files()).toHaveLength(1);
  });

  it('stays as it is when the database can not take it at the start, which then fails', async () => {
    await cache.set('a', 1);
    await stopWithoutDatabase();
    world.crash();
    world.storage.down = new ChaosError('transient');
    const start = expect(world.register(definition)).rejects.toThrow(errorWith('STORAGE_OPEN_FAILED'));
    await world.clock.advance(20_000);
    await start;
    expect(files()).toEqual([expect.stringMatching(/claimed-/)]);
    await startAgain();
    expect(await cache.get('a')).toBe(1);
  });

  it('keeps aside what the database refuses, and replays the rest', async () => {
    await cache.setMany([
      ['good', 1],
      ['poison', 2],
    ]);
    await stopWithoutDatabase();
    world.crash();
    world.storage.poison.add('poison');
    cache = await world.register(definition);
    expect(await world.stored('n')).toEqual({ good: 1 });
    expect(files()).toHaveLength(1);
    expect(setAside('refused')).toEqual([expect.stringContaining('"key":"poison"')]);
    expect(world.logger.with('refuses 1 entry of')).toHaveLength(1);
  });

  it('of nothing but refused entries does not stop the start', async () => {
    for (let i = 0; i < 40; i += 1) await cache.set(`poison ${i}`, i);
    await stopWithoutDatabase();
    world.crash();
    for (let i = 0; i < 40; i += 1) world.storage.poison.add(`poison ${i}`);
    cache = await world.register(definition);
    await cache.set('good', 1);
    expect(files()).toEqual([expect.stringMatching(/refused-/)]);
  });

  it('is replayed by one of several instances that start at once, and stops none of them', async () => {
    await cache.set('a', 1);
    await stopWithoutDatabase();
    world.crash();
    const other = new CacheEngine(
      () => world.rows,
      resolveEngineOptions({}),
      {},
      { clock: world.clock, logger: world.logger, random: Math.random },
      () => new RescueFile(path),
    );
    const both = Promise.all([world.register(definition), other.register(definition)]);
    await settle();
    // One of them waits for the other.
    await world.clock.advance(100);
    const [one] = await both;
    expect(await one.get('a')).toBe(1);
    expect(files()).toEqual([]);
  });

  it('waits for a lock that outlives the stop', async () => {
    await cache.set('a', 1);
    await stopWithoutDatabase();
    await startThroughAnOutage();
    expect(await cache.get('a')).toBe(1);
  });

  it.each([
    [
      'cut off in the middle of a line',
      (text: string) => text.slice(0, text.indexOf('"key":"b"') + 5),
      ['a'],
    ],
    ['without its end', (text: string) => text.slice(0, text.lastIndexOf('{"crc"')), ['a', 'b', 'c']],
    ['with a changed byte', (text: string) => text.replace('"key":"b"', '"key":"B"'), ['a']],
  ])('that is damaged (%s) is replayed up to there and set aside', async (_how, damage, keys) => {
    for (const key of ['a', 'b', 'c']) await cache.set(key, 1);
    await stopWithoutDatabase();
    const file = onlyFile();
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    await startAgain();
    expect(Object.keys(await world.stored('n'))).toEqual(keys);
    expect(files()).toEqual([expect.stringMatching(/^cache\.rescue\.ndjson\.damaged-/)]);
    expect(world.logger.with('was damaged')).toHaveLength(1);
  });

  it('adds to what waits in it already', async () => {
    journal.appendSync([put('a'), { ...put('x'), namespace: 'other' }], NOBODY);
    await cache.set('a', 2);
    await stopWithoutDatabase();
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 2 });
    expect(await world.stored('other')).toEqual({ x: 1 });
  });

  it('keeps what processes that stop at the same time put there, each in a file of its own', async () => {
    for (const key of ['a', 'b', 'c']) new RescueFile(path).appendSync([put(key)], NOBODY);
    expect(files()).toHaveLength(3);
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 1, b: 1, c: 1 });
    expect(files()).toEqual([]);
  });

  it('keeps for the next start what another process puts there during a replay', async () => {
    await cache.set('a', 1);
    await stopWithoutDatabase();
    world.crash();
    const modify = world.storage.modify.bind(world.storage);
    world.storage.modify = (...of) => {
      new RescueFile(path).appendSync([put('b')], NOBODY);
      return modify(...of);
    };
    await world.clock.advance(1000);
    await world.register(definition);
    expect(await world.stored('n')).toEqual({ a: 1 });
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 1, b: 1 });
    expect(files()).toEqual([]);
  });

  it('reads lines of any length, whatever character is cut in two by the pieces it reads', async () => {
    const values = Array.from({ length: 5 }, (_, i) => `${'x'.repeat(i)}${'😀é'.repeat(400_000)}`);
    await cache.setMany(values.map((value, i) => [`${i}`, value]));
    await stopWithoutDatabase();
    await startAgain();
    expect(Object.values(await world.stored('n'))).toEqual(values);
  });

  it('takes it once when the process ends while the stop closes the storage', async () => {
    await cache.set('a', 1);
    world.storage.close = () => new Promise(() => undefined);
    world.storage.down = new ChaosError('transient');
    const stop = world.engine.stop();
    await world.clock.advance(1500);
    expect(files()).toHaveLength(1);
    const { lines } = world.logger;
    const before = [...lines];
    world.engine.rescueAtExit();
    expect(files()).toHaveLength(1);
    expect(lines).toEqual(before);
    await world.clock.advance(5000);
    await stop;
    world.engine.rescueAtExit();
    expect(files()).toHaveLength(1);
  });

  it('takes it when the process ends while the stop still tries to write it', async () => {
    await cache.set('a', 1);
    world.storage.down = new ChaosError('transient');
    void world.engine.stop();
    await world.clock.advance(500);
    expect(journal.files()).toEqual([]);
    world.engine.rescueAtExit();
    expect(journal.files()).toHaveLength(1);
  });

  it('takes a file that a start tried the folder with for no journal, and leaves none itself', async () => {
    mkdirSync(join(path, '..'), { recursive: true });
    expect(journal.obstacle()).toBeUndefined();
    expect(files()).toEqual([]);
    // Another process is in the middle of it, or was killed there.
    writeFileSync(`${path}.trial-2026-01-01`, '');
    expect(journal.files()).toEqual([]);
  });

  it('of an earlier version is replayed where there is no row, and set aside elsewhere', async () => {
    await written('same', '1');
    await written('other', '9');
    await written('deleted', '9');
    await written('in a range', '9');
    world.crash();
    mkdirSync(join(path, '..'), { recursive: true });
    const at = 4_000_000_000_000;
    const puts = ['same', 'other', 'new'].map((key) => Object.assign(put(key), { at, underway: null }));
    const writes = [
      { op: 'clear range', namespace: 'n', range: { prefix: 'in ', isWhole: false }, at },
      ...puts,
      { op: 'delete', namespace: 'n', key: 'deleted', at },
      { op: 'delete', namespace: 'n', key: 'gone', at },
    ];
    writeFileSync(
      path,
      journalText({ journal: 'nestjs-durable-cache', version: 1 }, ...writes, { end: writes.length }),
    );
    cache = await world.register(definition);
    expect(await world.stored('n')).toEqual({ same: 1, other: 9, new: 1, deleted: 9, 'in a range': 9 });
    expect(world.logger.with('3 entries')).toEqual([
      expect.stringMatching(/^error: .*"other", "deleted".*an earlier version/),
    ]);
    expect(setAside('conflicts')).toHaveLength(1);
    expect(files()).toHaveLength(1);
  });

  it('of another database stays where it is, with one line however often the start tries', async () => {
    journal.appendSync([put('a')], { identity: 'another', prefixes: [1] });
    const file = onlyFile();
    await cache.set('b', 1);
    await stopWithoutDatabase();
    await startThroughAnOutage();
    expect(await world.stored('n')).toEqual({ b: 1 });
    expect(onlyFile()).toBe(file);
    expect(world.logger.with('holds writes for another database')).toHaveLength(1);
  });

  it('is not there after a good stop', async () => {
    await cache.set('a', 1);
    await world.engine.stop();
    expect(journal.files()).toEqual([]);
  });

  it('that can not be written is said to be lost, at the highest level', async () => {
    const broken: RescueJournal = {
      isChosen: false,
      describe: () => '/full/disk',
      obstacle: () => undefined,
      claim: (...of) => journal.claim(...of),
      appendSync: () => {
        throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      },
      keep: (...of) => journal.keep(...of),
    };
    world = new EngineWorld({ shutdownTimeoutMs: 1000 }, broken);
    cache = await world.register(definition);
    await cache.set('a', 1);
    world.storage.down = new ChaosError('transient');
    const stop = world.engine.stop();
    await world.clock.advance(5000);
    expect((await stop).leftBehind).toEqual([{ namespace: 'n', count: 1, keys: ['a'] }]);
    expect(world.logger.with('fatal: ')).toEqual([expect.stringMatching(/lost.*\/full\/disk.*ENOSPC/)]);
  });
});
