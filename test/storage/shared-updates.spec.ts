import { join } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import { storageOn } from '../contract/sql-storage.js';
import { namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';

const ENGINES = 4;
const CALLERS = 16;
const TIMES = 10;

const folder = tempFolder();
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.sqlite`);
const postgres = await postgresServer();
const mariadb = await mariadbServer();

const databases: [name: string, place: () => Promise<DataSourceOptions>][] = [
  ['sqlite3', async () => ({ type: 'sqlite', database: newFile() })],
  ['better-sqlite3', async () => ({ type: 'better-sqlite3', database: newFile() })],
];
if (postgres !== undefined)
  databases.push(['PostgreSQL', async () => ({ type: 'postgres', url: await postgres.newDatabase() })]);
if (mariadb !== undefined)
  databases.push(['MariaDB', async () => ({ type: 'mysql', url: await mariadb.newDatabase() })]);

const numbers = namespaceOf<number>(ON_CHANGE, { name: 'numbers' });

describe.each(databases)('several engines on one table of %s', (_name, place) => {
  const engines: CacheEngine[] = [];

  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.stop();
  });

  async function start(storage: DataSourceOptions, count: number) {
    const caches = [];
    for (let i = 0; i < count; i += 1) {
      const context = { clock: systemClock, logger: new RecordingLogger(), random: Math.random };
      const engine = new CacheEngine(
        () => storageOn(storage),
        resolveEngineOptions({ writeTimeoutMs: 25_000, instances: 'many' }),
        {},
        context,
      );
      engines.push(engine);
      caches.push(await engine.register(numbers));
    }
    return caches;
  }

  it('every increment counts, and no updater runs a third time', async () => {
    const caches = await start(await place(), ENGINES);
    let mostRuns = 0;
    const given = new Set<number>();
    const call = async (cache: (typeof caches)[number]): Promise<void> => {
      for (let i = 0; i < TIMES; i += 1) {
        let runs = 0;
        const result = await cache.update('n', (value = 0) => {
          runs += 1;
          return value + 1;
        });
        given.add(result);
        mostRuns = Math.max(mostRuns, runs);
      }
    };
    await Promise.all(caches.flatMap((cache) => Array.from({ length: CALLERS }, () => call(cache))));
    const [cache] = caches;
    expect(await cache?.refresh('n')).toBe(ENGINES * CALLERS * TIMES);
    // Each call was given the number that it made: none was given twice.
    expect(given.size).toBe(ENGINES * CALLERS * TIMES);
    expect(mostRuns).toBeLessThanOrEqual(3);
  });

  it('of all that set absent keys, one wins each', async () => {
    const caches = await start(await place(), ENGINES);
    for (let round = 0; round < 20; round += 1) {
      const keys = Array.from({ length: 5 }, (_, i) => `${round} ${i}`);
      const wins = await Promise.all(
        keys.flatMap((key) => caches.map(async (cache, i) => ((await cache.setIfAbsent(key, i)) ? key : ''))),
      );
      expect(wins.filter((key) => key !== '').toSorted()).toEqual(keys.toSorted());
    }
  });

  it('a value that is moved to and fro is never there twice, and never gone', async () => {
    const caches = await start(await place(), ENGINES);
    await caches[0]?.set('a', 1);
    const moved = await Promise.all(
      caches.map(async (cache) => {
        let count = 0;
        for (let i = 0; i < 25; i += 1) {
          if (await cache.rename('a', 'b')) count += 1;
          if (await cache.rename('b', 'a')) count -= 1;
        }
        return count;
      }),
    );
    const net = moved.reduce((sum, count) => sum + count, 0);
    const found = await Promise.all(['a', 'b'].map(async (key) => caches[0]?.refresh(key)));
    expect(found).toEqual(net === 0 ? [1, undefined] : [undefined, 1]);
  });
});
