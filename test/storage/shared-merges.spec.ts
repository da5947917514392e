import { join } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import { defineNamespace, json, stringKey, type Conflict, type NamespaceCache } from '../../src/index.js';
import { storageOn } from '../contract/sql-storage.js';
import { ON_SHUTDOWN } from '../support/definitions.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';

const ENGINES = 3;
const KEYS = ['a', 'b', 'c', 'd', 'e'];
const ROUNDS = 40;

/** How often each of the engines has counted. */
type Counts = Record<string, number>;

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

function byField({ base = {}, mine = {}, theirs = {} }: Conflict<Counts>): Counts {
  const changed = Object.entries(mine).filter(([name, value]) => value !== base[name]);
  return { ...theirs, ...Object.fromEntries(changed) };
}

/** The sum of what all have counted of either side: what a merge adds up must neither be lost nor be counted twice. */
function summed({ base = {}, mine = {}, theirs = {} }: Conflict<Counts>): Counts {
  return { n: (theirs['n'] ?? 0) + (mine['n'] ?? 0) - (base['n'] ?? 0) };
}

describe.each(databases)('several engines that write back to one table of %s', (_name, place) => {
  const engines: CacheEngine[] = [];

  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.stop();
  });

  async function start(
    storage: DataSourceOptions,
    onConflict: (conflict: Conflict<Counts>) => Counts,
  ): Promise<NamespaceCache<string, Counts>[]> {
    const definition = defineNamespace({
      name: 'counts',
      key: stringKey(),
      value: json<Counts>(),
      persistence: ON_SHUTDOWN,
      onConflict,
    });
    const caches = [];
    for (let i = 0; i < ENGINES; i += 1) {
      const context = { clock: systemClock, logger: new RecordingLogger(), random: Math.random };
      const options = resolveEngineOptions({ checkpointIntervalMs: 5, pollMs: 5, instances: 'many' });
      const engine = new CacheEngine(() => storageOn(storage), options, {}, context);
      engines.push(engine);
      caches.push(await engine.register(definition));
      engine.start();
    }
    return caches;
  }

  /** Has every engine count, each at its own pace, until all of it is in the database. */
  async function count(caches: readonly NamespaceCache<string, Counts>[], field: (i: number) => string) {
    await Promise.all(
      caches.map(async (cache, i) => {
        const name = field(i);
        for (let round = 0; round < ROUNDS; round += 1) {
          for (const key of KEYS)
            await cache.update(key, (counts) => ({ ...counts, [name]: (counts?.[name] ?? 0) + 1 }));
          // Some are written at once, some by checkpoints, while the others write as well.
          if (round % 3 !== i % 3) await cache.flush();
        }
      }),
    );
    for (const cache of caches) await cache.flush();
    const conflicts = caches.reduce((sum, cache) => sum + cache.stats().conflicts, 0);
    expect(conflicts).toBeGreaterThan(0);
    expect(caches.map((cache) => cache.stats().dirty)).toEqual(caches.map(() => 0));
  }

  it('lose no field that any of them has changed', async () => {
    const caches = await start(await place(), byField);
    await count(caches, (i) => `engine ${i}`);
    const all = Object.fromEntries(caches.map((_cache, i) => [`engine ${i}`, ROUNDS]));
    for (const key of KEYS) expect(await caches[0]?.refresh(key)).toEqual(all);
  });

  it('add up what each has counted, nothing twice', async () => {
    const caches = await start(await place(), summed);
    await count(caches, () => 'n');
    for (const key of KEYS) expect(await caches[0]?.refresh(key)).toEqual({ n: ENGINES * ROUNDS });
  });
});
