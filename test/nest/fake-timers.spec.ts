import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CacheModule, CacheService, InMemoryStorage, type CacheModuleOptions } from '../../src/index.js';
import { ChaosError, ChaosStorage } from '../support/chaos-storage.js';
import {
  errorWith,
  increment,
  MEMORY_ONLY,
  namespaceOf,
  ON_CHANGE,
  ON_SHUTDOWN,
} from '../support/definitions.js';
import { startApp } from '../support/nest-app.js';
import { postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';

const HOUR = 3_600_000;

const folder = tempFolder();
const postgres = await postgresServer();
const url = await postgres?.newDatabase();

type Storage = () => CacheModuleOptions['storage'];

const storages: [string, Storage][] = [
  ['memory', () => new InMemoryStorage()],
  ['sqlite3', () => ({ type: 'sqlite', database: join(folder, 'sqlite3.db') })],
  ['better-sqlite3', () => ({ type: 'better-sqlite3', database: join(folder, 'better-sqlite3.db') })],
];
if (url !== undefined) storages.push(['PostgreSQL', () => ({ type: 'postgres', url })]);
const levels = [MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN];

beforeEach(() => {
  // With `setImmediate`, `performance` and `Date`, which Vitest fakes unless told otherwise.
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe.each(storages)('a test that fakes the timers, with %s', (_name, storage) => {
  it('need not advance them for anything that it awaits, from the start to the stop', async () => {
    const definitions = levels.map((level) => namespaceOf<number>(level));
    const app = await startApp([
      CacheModule.forRoot({ storage: storage(), rescueJournal: false, namespaces: definitions }),
    ]);
    for (const definition of definitions) {
      const entries = app.get(CacheService).namespace(definition);
      await entries.set('a', 1);
      expect(await entries.update('a', increment)).toBe(2);
      await entries.setMany([
        ['b', 1],
        ['c', 1],
      ]);
      expect(await entries.delete('b')).toBe(true);
      await entries.flush();
      expect(await entries.getMany(['a', 'b', 'c'])).toEqual([2, undefined, 1]);
      await entries.clear();
      expect(await entries.get('a')).toBeUndefined();
    }
    await app.close();
  });

  it('decides by the time it sets when an entry expires', async () => {
    const definitions = levels.map((level) =>
      namespaceOf<string>(level, { name: `brief-${level}`, ttlMs: HOUR }),
    );
    const app = await startApp([
      CacheModule.forRoot({ storage: storage(), rescueJournal: false, namespaces: definitions }),
    ]);
    for (const definition of definitions) {
      const entries = app.get(CacheService).namespace(definition);
      await entries.set('a', 'here');
      vi.advanceTimersByTime(HOUR - 1);
      expect(await entries.get('a')).toBe('here');
      vi.advanceTimersByTime(1);
      expect(await entries.get('a')).toBeUndefined();
    }
    await app.close();
  });
});

describe('a test that fakes the timers', () => {
  it('need not advance them for a write that is tried again', async () => {
    const storage = new ChaosStorage(new InMemoryStorage());
    const definition = namespaceOf<number>(ON_CHANGE);
    const app = await startApp([CacheModule.forRoot({ storage, namespaces: [definition] })]);
    const write = vi.spyOn(storage, 'write').mockRejectedValueOnce(new ChaosError('transient'));
    const entries = app.get(CacheService).namespace(definition);
    await entries.set('a', 1);
    expect(write).toHaveBeenCalledTimes(2);
    await app.close();
  });

  it('need not advance them for a write to be given up either', async () => {
    const storage = new ChaosStorage(new InMemoryStorage());
    const definition = namespaceOf<number>(ON_CHANGE);
    const app = await startApp([
      CacheModule.forRoot({ storage, namespaces: [definition], writeTimeoutMs: 20 }),
    ]);
    storage.down = new ChaosError('transient');
    const entries = app.get(CacheService).namespace(definition);
    await expect(entries.set('a', 1)).rejects.toThrow(errorWith('WRITE_FAILED'));
    await app.close();
  });
});
