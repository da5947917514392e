import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CacheModule, CacheService, type CacheModuleOptions } from '../../src/index.js';
import { Child } from '../support/child-process.js';
import { errorWith } from '../support/definitions.js';
import { NestLog, startApp } from '../support/nest-app.js';
import { tempFolder } from '../support/temp-folder.js';
import { hasJournal } from '../support/journal-files.js';

const folder = tempFolder();
let files = 0;

describe('a running cache', () => {
  let database: string;
  let log: NestLog;
  let app: INestApplicationContext;
  let cache: CacheService;

  async function start(options: CacheModuleOptions = {}): Promise<void> {
    log = new NestLog();
    app = await startApp([CacheModule.forRoot({ storage: { type: 'sqlite', database }, ...options })], log);
    cache = app.get(CacheService);
  }

  const journal = (): string => `${database}.rescue.ndjson`;
  const failures = (): number => cache.getStats()['chatUsers']?.writeFailures ?? 0;

  async function holdLock(): Promise<Child> {
    const holder = new Child(process.execPath, [join(import.meta.dirname, 'lock-holder.mjs'), database]);
    await holder.prints(/locked/);
    return holder;
  }

  async function letGo(holder: Child): Promise<void> {
    holder.process.stdin.end();
    await holder.ended;
  }

  beforeEach(() => {
    database = join(folder, `${(files += 1)}.sqlite`);
  });

  it('waits for another process that holds the lock, and serves reads meanwhile', async () => {
    await start();
    await cache.setUserData(1, 1, 'a', 1);
    const holder = await holdLock();
    const write = cache.setUserData(1, 1, 'b', 2);
    await cache.setChatSettings(1, { a: 1 });
    await vi.waitFor(() => expect(failures()).toBeGreaterThan(1), { timeout: 10_000 });
    expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
    expect(await cache.getChatSettings(1)).toEqual({ a: 1 });
    await letGo(holder);
    await write;
    expect(await cache.getUserData(1, 1)).toEqual({ a: 1, b: 2 });
    expect(log.with('cannot write to its database (SQLITE_BUSY)')).toHaveLength(1);
    expect(log.with('writes to its database again')).toHaveLength(1);
    await app.close();
  });

  it('rejects a write when the lock is held beyond writeTimeoutMs, and nothing of it is left', async () => {
    await start({ writeTimeoutMs: 1000 });
    await cache.setUserData(1, 1, 'a', 1);
    const holder = await holdLock();
    await expect(cache.setUserData(1, 1, 'a', 2)).rejects.toThrow(errorWith('WRITE_FAILED'));
    expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
    await letGo(holder);
    await app.close();
    await start();
    expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
    await app.close();
  });

  it('stops in time when the lock is held beyond the deadline; the journal brings everything back', async () => {
    await start({ shutdownTimeoutMs: 500 });
    await cache.setChatSettings(1, { a: 1 });
    await cache.setChatSettings(-1001234567890, { b: 2 });
    const holder = await holdLock();
    const before = performance.now();
    await app.close();
    expect(performance.now() - before).toBeLessThan(5000);
    expect(hasJournal(journal())).toBe(true);
    expect(log.with('2 entries of namespace \'chats\' (first keys: "1", "-1001234567890")')).toHaveLength(1);
    await letGo(holder);
    await start();
    expect(await cache.getChatSettings(-1001234567890)).toEqual({ b: 2 });
    expect(hasJournal(journal())).toBe(false);
    await app.close();
  });

  it('goes on when its file is made read-only: what is open stays open', async () => {
    await start();
    chmodSync(database, 0o400);
    await cache.setUserData(1, 1, 'a', 1);
    chmodSync(database, 0o600);
    await app.close();
    await start();
    expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
    await app.close();
  });

  it.each([
    ['removed', (file: string) => unlinkSync(file)],
    ['moved away', (file: string) => renameSync(file, `${file}.moved`)],
    [
      'replaced by another',
      (file: string) => execFileSync('cp', ['--remove-destination', '/dev/null', file]),
    ],
  ])(
    'acknowledges nothing more when its file is %s, serves reads, and leaves a journal for that very file',
    async (_how, act) => {
      await start({ writeTimeoutMs: 1000, shutdownTimeoutMs: 300 });
      await cache.setUserData(1, 1, 'a', 1);
      act(database);
      await expect(cache.setUserData(1, 1, 'a', 2)).rejects.toThrow(errorWith('WRITE_FAILED'));
      expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
      await cache.setChatSettings(1, { kept: true });
      await app.close();
      expect(hasJournal(journal())).toBe(true);
      rmSync(database, { force: true });
      await start();
      expect(await cache.getChatSettings(1)).toEqual({});
      expect(log.with('holds writes for another database')).toHaveLength(1);
      await app.close();
      expect(hasJournal(journal())).toBe(true);
    },
  );

  it('replays a journal when the file is back for which it was left', async () => {
    await start({ shutdownTimeoutMs: 300 });
    await cache.setChatSettings(1, { kept: false });
    await cache.persistAll();
    renameSync(database, `${database}.moved`);
    await cache.setChatSettings(1, { kept: true });
    await app.close();
    renameSync(`${database}.moved`, database);
    await start();
    expect(await cache.getChatSettings(1)).toEqual({ kept: true });
    expect(hasJournal(journal())).toBe(false);
    await app.close();
  });

  it.each([
    ['removed', (file: string) => unlinkSync(file)],
    ['moved away', (file: string) => renameSync(file, `${file}.moved`)],
    [
      'replaced by another',
      (file: string) => execFileSync('cp', ['--remove-destination', '/dev/null', file]),
    ],
  ])('never shows what it rejected since its file was %s', async (_how, act) => {
    await start({ writeTimeoutMs: 1000, shutdownTimeoutMs: 300, rescueJournal: false });
    await cache.setUserData(1, 1, 'a', 1);
    act(database);
    await expect(cache.setUserData(1, 1, 'a', 2)).rejects.toThrow(errorWith('WRITE_FAILED'));
    // Before the next one the cache asks the database what became of the one it gave up on.
    await expect(cache.setUserData(1, 2, 'a', 1)).rejects.toThrow(errorWith('WRITE_FAILED'));
    expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
    await app.close();
  });

  it.each(['one', 'many'] as const)(
    'leaves a file that was moved away as it is: what was rejected meanwhile is not in it (%s)',
    async (instances) => {
      await start({ writeTimeoutMs: 1000, instances });
      await cache.setUserData(1, 1, 'a', 1);
      renameSync(database, `${database}.moved`);
      // On its own, and in a transaction of several.
      await expect(cache.setUserData(1, 1, 'a', 2)).rejects.toThrow(errorWith('WRITE_FAILED'));
      await expect(cache.chatUsers.set([1, 1], { a: 3 })).rejects.toThrow(errorWith('WRITE_FAILED'));
      const writes = cache.chatUsers.setMany([1, 2, 3].map((id) => [[id, 1], { a: 4 }] as const));
      await expect(writes).rejects.toThrow(errorWith('WRITE_FAILED'));
      await expect(cache.chatUsers.delete([1, 1])).rejects.toThrow(errorWith('WRITE_FAILED'));
      renameSync(`${database}.moved`, database);
      expect(await cache.chatUsers.refresh([1, 1])).toEqual({ a: 1 });
      expect(await cache.chatUsers.count()).toBe(1);
      await app.close();
    },
  );

  it('answers no read from a file that was moved away, until it is back', async () => {
    await start();
    await cache.setUserData(1, 1, 'a', 1);
    renameSync(database, `${database}.moved`);
    await expect(cache.loadFromDatabase()).rejects.toThrow(errorWith('READ_FAILED'));
    expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
    renameSync(`${database}.moved`, database);
    await cache.loadFromDatabase();
    expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
    await app.close();
  });

  it('goes on when the process changes its working directory', async () => {
    const before = process.cwd();
    process.chdir(folder);
    database = `relative-${files}.sqlite`;
    await start();
    process.chdir(tmpdir());
    try {
      await cache.setUserData(1, 1, 'a', 1);
      expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
      await app.close();
    } finally {
      process.chdir(before);
    }
  });

  it('keeps everything when its connection is closed under it', async () => {
    const destroy = vi.spyOn(DataSource.prototype, 'destroy');
    const initialize = vi.spyOn(DataSource.prototype, 'initialize');
    // The other driver does not let go of a connection with statements that are kept.
    const storage = { type: 'better-sqlite3', database } as const;
    await start({ storage, writeTimeoutMs: 1000, shutdownTimeoutMs: 300 });
    const own = (initialize.mock.contexts as DataSource[]).find(
      ({ options }) => options.database === database,
    );
    destroy.mockRestore();
    initialize.mockRestore();
    await cache.setUserData(1, 1, 'a', 1);
    await own?.destroy();
    await expect(cache.setUserData(1, 1, 'a', 2)).rejects.toThrow(errorWith('WRITE_FAILED'));
    await cache.setChatSettings(1, { kept: true });
    expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
    await app.close();
    await start();
    expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
    expect(await cache.getChatSettings(1)).toEqual({ kept: true });
    await app.close();
  });

  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]).status === 0;
  if (!mounted) console.log('Skipped: a full disk, since no small file system can be mounted here.');
  afterAll(() => {
    if (mounted) execFileSync('umount', [disk]);
  });

  it.skipIf(!mounted)('keeps everything on a full disk, and writes it when there is room again', async () => {
    database = join(disk, 'cache.sqlite');
    await start({ writeTimeoutMs: 500, checkpointIntervalMs: 100 });
    await cache.setUserData(1, 1, 'a', 1);
    await cache.setChatSettings(1, { a: 1 });
    const filler = join(disk, 'filler');
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k', 'count=100']);
    const large = 'x'.repeat(100_000);
    await expect(cache.setUserData(1, 1, 'large', large)).rejects.toThrow(errorWith('WRITE_FAILED'));
    await cache.setChatSettings(2, { large });
    expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
    expect(await cache.getChatSettings(2)).toEqual({ large });
    unlinkSync(filler);
    await cache.setUserData(1, 1, 'large', large);
    await vi.waitFor(() => expect(cache.getStats()['chats']?.dirty).toBe(0), { timeout: 10_000 });
    expect(log.with('SQLITE_FULL').length + log.with('SQLITE_IOERR').length).toBeGreaterThan(0);
    await app.close();
    await start();
    expect(Object.keys(await cache.getUserData(1, 1))).toEqual(['a', 'large']);
    expect(await cache.getChatSettings(2)).toEqual({ large });
    await app.close();
  });

  it.skipIf(!mounted)('says at a start on a full disk what to do', async () => {
    database = join(disk, 'new.sqlite');
    const filler = join(disk, 'filler');
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k', 'count=100']);
    await expect(start()).rejects.toThrow(/SQLITE_FULL.*make room on it, and start again/);
    unlinkSync(filler);
    await start();
    await app.close();
  });
});
