import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import { storageOn } from '../contract/sql-storage.js';
import { errorWith, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.sqlite`);
const postgres = await postgresServer();
const mariadb = await mariadbServer();

type Target = [name: string, newStorage: () => Promise<DataSourceOptions>];
const FILES: Target[] = (['sqlite', 'better-sqlite3'] as const).map((type) => [
  type,
  async () => ({ type, database: newFile() }),
]);
const SERVERS: Target[] = [];
if (postgres !== undefined)
  SERVERS.push(['PostgreSQL', async () => ({ type: 'postgres', url: await postgres.newDatabase() })]);
if (mariadb !== undefined)
  SERVERS.push(['MariaDB', async () => ({ type: 'mariadb', url: await mariadb.newDatabase() })]);

const durable = namespaceOf<number>(ON_CHANGE);
const late = namespaceOf<number>(ON_SHUTDOWN);

const engines: CacheEngine[] = [];
const connections: DataSource[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.stop();
  for (const connection of connections.splice(0)) await connection.destroy();
});

async function start(storage: DataSourceOptions | DataSource, instances: 'one' | 'many' = 'one') {
  const logger = new RecordingLogger();
  const engine = new CacheEngine(
    () => storageOn(storage),
    resolveEngineOptions({ shutdownTimeoutMs: 2000, instances }),
    {},
    { clock: systemClock, logger, random: Math.random },
  );
  const cache = await engine.register(durable);
  engines.push(engine);
  return { engine, logger, cache };
}

async function connect(storage: DataSourceOptions): Promise<DataSource> {
  const connection = await new DataSource(storage).initialize();
  connections.push(connection);
  return connection;
}

/** Rejects with the error in less than a wait for others takes. */
async function expectRefusedAtOnce(starting: Promise<unknown>): Promise<void> {
  const begun = performance.now();
  await expect(starting).rejects.toMatchObject({
    code: 'INSTANCE_RUNNING',
    message: expect.stringMatching(
      /has not been closed.*start has failed.*instances: 'many'.*nestjs-durable-cache\/testing/,
    ) as string,
  });
  expect(performance.now() - begun).toBeLessThan(5000);
}

describe.each([...FILES, ...SERVERS])('a second cache in the same process on %s', (_name, newStorage) => {
  it('is refused at once while the first one is not closed, and starts when it is', async () => {
    const storage = await newStorage();
    const first = await start(storage);
    await expectRefusedAtOnce(start(storage));
    await first.cache.set('a', 1);
    await first.engine.stop();
    const second = await start(storage);
    expect(await second.cache.get('a')).toBe(1);
    expect(second.logger.with('waits')).toEqual([]);
  });

  it('waits for the first one where that is being stopped', async () => {
    const storage = await newStorage();
    const first = await start(storage);
    const stopped = first.engine.stop();
    const second = await start(storage);
    await stopped;
    await second.cache.set('a', 1);
  });
});

describe('a second cache in the same process', () => {
  it.each(['one', 'many'] as const)(
    "is refused where another library reaches the file, since two damage it (instances: '%s')",
    async (instances) => {
      const database = newFile();
      const first = await start({ type: 'sqlite', database }, instances);
      const link = join(folder, `link ${instances}`);
      symlinkSync(database, link);
      for (const path of [database, link])
        await expect(start({ type: 'better-sqlite3', database: path }, instances)).rejects.toMatchObject({
          code: 'UNSUPPORTED_STORAGE',
          message: expect.stringContaining("Set type: 'sqlite'") as string,
        });
      await first.cache.set('a', 1);
      await first.engine.stop();
      const second = await start({ type: 'better-sqlite3', database }, instances);
      expect(await second.cache.get('a')).toBe(1);
    },
  );

  it('is refused at once also where the lock file can not be made', async () => {
    const database = newFile();
    mkdirSync(`${database}.lock`);
    await start({ type: 'better-sqlite3', database });
    await expectRefusedAtOnce(start({ type: 'better-sqlite3', database }));
  });
});

describe.each([...FILES, ...SERVERS])('instances on %s', (_name, newStorage) => {
  it('work beside others where all say so, and not beside one that is to be alone', async () => {
    const storage = await newStorage();
    const [some, others, alone] = [storageOn(storage), storageOn(storage), storageOn(storage)];
    for (const one of [some, others, alone]) await one.open();
    const about = 'here';
    expect(await some.join({ writer: 1, mode: 'many', about })).toEqual([]);
    expect(await others.join({ writer: 2, mode: 'many', about })).toEqual([]);
    expect(await alone.join({ writer: 3, mode: 'one', about })).toHaveLength(2);
    await some.leave(1);
    await some.close();
    expect(await alone.join({ writer: 3, mode: 'one', about })).toMatchObject([{ writer: 2, mode: 'many' }]);
    await others.close();
    await vi.waitFor(async () => expect(await alone.join({ writer: 3, mode: 'one', about })).toEqual([]), {
      timeout: 20_000,
    });
    const last = storageOn(storage);
    await last.open();
    expect(await last.join({ writer: 4, mode: 'many', about })).toMatchObject([{ writer: 3, mode: 'one' }]);
    for (const one of [alone, last]) await one.close();
  });
});

describe.each([...FILES, ...SERVERS])(
  'an instance beside others that has stopped on %s',
  (_name, newStorage) => {
    it('is gone with its log when the next one joins, and stays as long as others may want to read it', async () => {
      const storage = await newStorage();
      const about = 'here';
      const joined = async (writer: number) => {
        const one = storageOn(storage);
        await one.open();
        await one.join({ writer, mode: 'many', about });
        return one;
      };
      const writersIn = async (one: Awaited<ReturnType<typeof joined>>): Promise<Set<number>> =>
        new Set((await one.heads()).map(({ writer }) => writer));
      const end = async (one: Awaited<ReturnType<typeof joined>>, writer: number) => {
        await one.leave(writer);
        await one.close();
      };
      await end(await joined(1), 1);
      const [second, third] = [await joined(2), await joined(3)];
      expect(await writersIn(third)).toEqual(new Set([2, 3]));
      await end(second, 2);
      const fourth = await joined(4);
      expect(await writersIn(fourth)).toEqual(new Set([2, 3, 4]));
      await end(third, 3);
      await end(fourth, 4);
    });
  },
);

describe.each([...FILES, ...SERVERS])('instances that join %s at the same moment', (_name, newStorage) => {
  it('get in one alone', async () => {
    const storage = await newStorage();
    const storages = Array.from({ length: 4 }, () => storageOn(storage));
    await storages[0]?.open();
    await Promise.all(storages.slice(1).map((other) => other.open()));
    const rivals = await Promise.all(
      storages.map((one, i) => one.join({ writer: i + 1, mode: 'one', about: `number ${i + 1}` })),
    );
    expect(rivals.filter((some) => some.length === 0)).toHaveLength(1);
    for (const one of storages) await one.close();
  });
});

describe.each(SERVERS)('a claim on %s', (_name, newStorage) => {
  const isPostgres = _name === 'PostgreSQL';
  const sessionsOf = async (db: DataSource): Promise<string[]> =>
    (await db.query<{ session: string }[]>('SELECT session FROM cache_instances')).map(
      ({ session }) => session,
    );

  /** Ends the session that holds the claim, as an administrator would. */
  async function endSession(db: DataSource): Promise<void> {
    const [session = ''] = await sessionsOf(db);
    if (isPostgres) {
      await db.query('SELECT pg_terminate_backend($1)', [Number(session.split(':')[0])]);
      return;
    }
    const mark = session.slice(session.indexOf(':') + 1);
    const [holder] = await db.query<{ id: string }[]>('SELECT IS_USED_LOCK(?) AS id', [mark]);
    await db.query(`KILL CONNECTION ${Number(holder?.id)}`);
  }

  it('lives on in another session when its own is ended', async () => {
    const storage = await newStorage();
    const { cache, logger } = await start(storage);
    const db = await connect(storage);
    const before = await sessionsOf(db);
    await endSession(db);
    await vi.waitFor(async () => expect(await sessionsOf(db)).not.toEqual(before), { timeout: 10_000 });
    await cache.set('a', 1);
    expect(logger.with('fatal')).toEqual([]);
  });

  it('is lost for good when others have taken its place: nothing is written any more, and one line says so', async () => {
    const storage = await newStorage();
    const { engine, cache, logger } = await start(storage);
    const slow = await engine.register(late);
    await slow.set('dirty', 1);
    const db = await connect(storage);
    await db.query('DELETE FROM cache_instances');
    await endSessionless(db);
    await vi.waitFor(() => expect(logger.with('fatal')).toHaveLength(1), { timeout: 10_000 });
    await expect(cache.set('a', 1)).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    await expect(cache.update('a', () => 1)).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    await expect(cache.clear()).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    await expect(slow.set('b', 1)).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    expect(await engine.health()).toMatchObject({ status: 'down' });
    await engine.stop();
    const [row] = await db.query<{ n: string | number }[]>('SELECT COUNT(*) AS n FROM cache_storage');
    expect(Number(row?.n)).toBe(0);
    expect(logger.lines.filter((line) => line.startsWith('fatal') && line.includes('taken'))).toHaveLength(1);
    expect(logger.with('tries again')).toEqual([]);
  });

  /** Nothing shows it but the next beat, which comes within some seconds. */
  async function endSessionless(db: DataSource): Promise<void> {
    expect(await sessionsOf(db)).toEqual([]);
  }
});

describe.each(FILES)('a file of its own, by %s', (_name, newStorage) => {
  it('is the same by whatever path it is reached', async () => {
    const storage = (await newStorage()) as DataSourceOptions & { database: string };
    await start(storage);
    const link = newFile();
    symlinkSync(storage.database, link);
    await expectRefusedAtOnce(start({ ...storage, database: link } as DataSourceOptions));
  });

  it('that a stranger writes to is noticed at the next write: one line, and memory is read anew', async () => {
    const storage = await newStorage();
    const { cache, engine, logger } = await start(storage);
    const slow = await engine.register(late);
    await cache.set('a', 1);
    await slow.set('dirty', 1);
    const stranger = await connect(storage);
    for (const value of [2, 3]) {
      await stranger.query(`UPDATE cache_storage SET value = '${value}' WHERE key = 'a'`);
      expect(await cache.get('a')).toBe(value - 1);
      // One of the drivers is not asked at each write.
      await vi.waitFor(
        async () => {
          await cache.set('b', 1);
          expect(await cache.get('a')).toBe(value);
        },
        { timeout: 20_000 },
      );
    }
    expect(await slow.get('dirty')).toBe(1);
    expect(logger.with('Another program has written')).toHaveLength(1);
  });

  it('has no stranger where the cache alone writes, and none in the file of the app', async () => {
    const storage = await newStorage();
    const own = await start(storage);
    for (let n = 0; n < 3; n += 1) await own.cache.set('a', n);
    await own.engine.stop();
    const app = await connect(storage);
    const { cache, logger } = await start(app);
    await cache.set('a', 1);
    await app.query('CREATE TABLE others (id INTEGER)');
    await cache.set('a', 2);
    expect([...own.logger.lines, ...logger.lines].filter((line) => line.includes('Another program'))).toEqual(
      [],
    );
  });

  it('is used with a warning where the lock file can not be made', async () => {
    const storage = (await newStorage()) as DataSourceOptions & { database: string };
    mkdirSync(`${storage.database}.lock`);
    const { cache, logger } = await start(storage);
    await cache.set('a', 1);
    expect(logger.with("can't make sure that no other process uses its database")).toHaveLength(1);
  });
});

describe('storages that one process alone can reach', () => {
  it('are claimed by nobody', async () => {
    const storage = { type: 'better-sqlite3', database: ':memory:' } as const;
    await start(storage);
    await start(storage);
  });
});
