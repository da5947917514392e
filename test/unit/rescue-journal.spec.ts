import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { NamespaceCache } from '../../src/index.js';
import type { RescuedWrite, RescueJournal } from '../../src/core/rescue/rescue-journal.js';
import { RescueFile } from '../../src/storage/rescue-file.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { ChaosError } from '../support/chaos-storage.js';
import { errorWith, namespaceOf, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';
import { tempFolder } from '../support/temp-folder.js';

const definition = namespaceOf(ON_SHUTDOWN, { name: 'n' });
const folder = tempFolder();
let folders = 0;

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

  /** The database goes away, and the process is asked to stop. */
  async function stopWithoutDatabase(): Promise<void> {
    world.storage.down = new ChaosError('transient');
    const stop = world.engine.stop();
    await world.clock.advance(5000);
    expect((await stop).leftBehind).toEqual([]);
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
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(files()).toEqual(['cache.rescue.ndjson']);
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
    expect(world.logger.with('3 entries written, 0 left out')).toHaveLength(1);
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

  it('replays removals of several stops in their order, never over a newer row', async () => {
    await cache.setMany([
      ['a1', 1],
      ['a2', 1],
      ['b1', 1],
    ]);
    await cache.flush();
    await cache.set('a3', 'of the first stop');
    await cache.set('b2', 'of the first stop');
    await stopWithoutDatabase();
    // Another process has started meanwhile, and stops as well.
    const other = new EngineWorld({ shutdownTimeoutMs: 1000 }, new RescueFile(`${path}.other`));
    await writeChanges(
      other.rows,
      [{ namespace: 'n', puts: [{ key: 'a1', value: '1', expiresAt: null }] }],
      1,
    );
    const late = await other.register(definition);
    await late.deletePrefix('a');
    await late.set('a4', 'of the second stop');
    other.storage.down = new ChaosError('transient');
    const stop = other.engine.stop();
    await other.clock.advance(5000);
    await stop;
    renameSync(`${path}.other`, `${path}.more-2`);
    await writeChanges(
      world.rows,
      [{ namespace: 'n', puts: [{ key: 'a2', value: '"newer"', expiresAt: null }] }],
      world.clock.now() + 1,
    );
    await startAgain();
    expect(await world.stored('n')).toEqual({
      a2: 'newer',
      a4: 'of the second stop',
      b1: 1,
      b2: 'of the first stop',
    });
  });

  it('never puts an older value over a newer row, nor clears one away', async () => {
    await cache.set('a', 'from the journal');
    await cache.set('b', 'from the journal');
    await cache.clear();
    await cache.set('a', 'from the journal');
    await cache.set('c', 'from the journal');
    await stopWithoutDatabase();
    const newer = ['a', 'b'].map((key) => ({ key, value: '"newer"', expiresAt: null }));
    await writeChanges(world.rows, [{ namespace: 'n', puts: newer }], world.clock.now() + 1);
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 'newer', b: 'newer', c: 'from the journal' });
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

  it('can be replayed any number of times, a crash in the middle of it included', async () => {
    for (let i = 0; i < 3500; i += 1) void cache.set(`key ${i}`, i);
    await stopWithoutDatabase();
    const content = readFileSync(path);
    // The process dies when some chunks are committed and others are not.
    world.crash();
    const write = world.storage.write.bind(world.storage);
    let writes = 0;
    world.storage.write = (batch, now) => {
      writes += 1;
      return writes > 2 ? new Promise(() => undefined) : write(batch, now);
    };
    void world.register(definition);
    await vi.waitFor(async () => expect(await world.rows.count('n', 1)).toBe(2000));
    expect(readFileSync(path).equals(content)).toBe(true);
    // And again, when all is committed and the journal is not yet removed.
    await startAgain();
    writeFileSync(path, content);
    await cache.set('key 7', 'newer');
    await cache.flush();
    await startAgain();
    expect(Object.keys(await world.stored('n'))).toHaveLength(3500);
    expect(await cache.get('key 7')).toBe('newer');
    expect(files()).toEqual([]);
  });

  it('stays as it is when the database can not take it at the start, which then fails', async () => {
    await cache.set('a', 1);
    await stopWithoutDatabase();
    world.crash();
    world.storage.down = new ChaosError('transient');
    const start = expect(world.register(definition)).rejects.toThrow(errorWith('STORAGE_OPEN_FAILED'));
    await world.clock.advance(20_000);
    await start;
    expect(files()).toEqual(['cache.rescue.ndjson']);
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
    const [aside, ...others] = files();
    expect(others).toEqual([]);
    expect(aside).toMatch(/^cache\.rescue\.ndjson\.refused-/);
    expect(readFileSync(join(path, '..', aside as string), 'utf8')).toContain('"key":"poison"');
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
    const other = new EngineWorld({}, journal);
    await Promise.all([world.register(definition), other.register(definition)]);
    expect(files()).toEqual([]);
  });

  it('waits for a lock that outlives the stop', async () => {
    await cache.set('a', 1);
    await stopWithoutDatabase();
    world.crash();
    world.storage.down = new ChaosError('transient');
    const start = world.register(definition);
    await world.clock.advance(1500);
    world.storage.down = undefined;
    await world.clock.advance(1500);
    expect(await (await start).get('a')).toBe(1);
  });

  it.each([
    [
      'cut off in the middle of a line',
      (text: string) => text.slice(0, text.indexOf('"key":"b"') + 5),
      ['a'],
    ],
    ['without its end', (text: string) => text.slice(0, text.lastIndexOf('{"crc"')), ['a', 'b', 'c']],
    ['with a changed byte', (text: string) => text.replace('"key":"b"', '"key":"B"'), ['a']],
    ['of another kind', () => 'hello', []],
    ['empty', () => '', []],
  ])('that is damaged (%s) is replayed up to there and set aside', async (_how, damage, keys) => {
    for (const key of ['a', 'b', 'c']) await cache.set(key, 1);
    await stopWithoutDatabase();
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    await startAgain();
    expect(Object.keys(await world.stored('n'))).toEqual(keys);
    expect(files()).toEqual([expect.stringMatching(/^cache\.rescue\.ndjson\.damaged-/)]);
    expect(world.logger.with('was damaged')).toHaveLength(1);
  });

  it('adds to what waits in it already', async () => {
    journal.appendSync([
      { op: 'put', namespace: 'n', key: 'a', value: '1', expiresAt: null, at: world.clock.now() },
      { op: 'put', namespace: 'other', key: 'x', value: '1', expiresAt: null, at: world.clock.now() },
    ] satisfies RescuedWrite[]);
    await cache.set('a', 2);
    await stopWithoutDatabase();
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 2 });
    expect(await world.stored('other')).toEqual({ x: 1 });
  });

  it('keeps what processes that stop at the same time put there, each in a file of its own', async () => {
    const put = (key: string): RescuedWrite => ({
      op: 'put',
      namespace: 'n',
      key,
      value: '1',
      expiresAt: null,
      at: 1,
    });
    for (const key of ['a', 'b', 'c']) new RescueFile(path).appendSync([put(key)]);
    expect(files()).toHaveLength(3);
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 1, b: 1, c: 1 });
    expect(files()).toEqual([]);
  });

  it('keeps for the next start what another process puts there during a replay', async () => {
    await cache.set('a', 1);
    await stopWithoutDatabase();
    world.crash();
    const write = world.rows.write.bind(world.rows);
    world.rows.write = async (batch, now) => {
      world.rows.write = write;
      new RescueFile(path).appendSync([
        { op: 'put', namespace: 'n', key: 'b', value: '2', expiresAt: null, at: world.clock.now() },
      ]);
      return write(batch, now);
    };
    await world.clock.advance(1000);
    await world.register(definition);
    expect(await world.stored('n')).toEqual({ a: 1 });
    await startAgain();
    expect(await world.stored('n')).toEqual({ a: 1, b: 2 });
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
    expect(await journal.read()).toBeUndefined();
    world.engine.rescueAtExit();
    expect((await journal.read())?.writes).toMatchObject([{ op: 'put', key: 'a' }]);
  });

  it('takes a file that a start tried the folder with for no journal, and leaves none itself', async () => {
    mkdirSync(join(path, '..'), { recursive: true });
    expect(journal.obstacle()).toBeUndefined();
    expect(files()).toEqual([]);
    // Another process is in the middle of it, or was killed there.
    writeFileSync(`${path}.trial-2026-01-01`, '');
    expect(await journal.read()).toBeUndefined();
  });

  it('is not there after a good stop', async () => {
    await cache.set('a', 1);
    await world.engine.stop();
    expect(await journal.read()).toBeUndefined();
  });

  it('that can not be written is said to be lost, at the highest level', async () => {
    const broken: RescueJournal = {
      isChosen: false,
      describe: () => '/full/disk',
      obstacle: () => undefined,
      read: () => journal.read(),
      appendSync: () => {
        throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      },
      remove: () => journal.remove(),
      setAside: () => journal.setAside(),
      keepRefused: (writes) => journal.keepRefused(writes),
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
