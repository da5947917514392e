import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions, type EngineOptions } from '../../src/core/engine/engine-options.js';
import { storageOn } from '../contract/sql-storage.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { errorWith, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { mariadbServer, postgresServer } from '../support/services.js';

const postgres = await postgresServer();
const mariadb = await mariadbServer();

interface Server {
  readonly newStorage: () => Promise<DataSourceOptions>;
  /** Ends all sessions but that of `db`. Told to end, one of them might take another statement before it does: they are gone then. */
  readonly endSessions: (db: DataSource) => Promise<void>;
}
const SERVERS: [name: string, server: Server][] = [];
if (postgres !== undefined)
  SERVERS.push([
    'PostgreSQL',
    {
      newStorage: async () => ({ type: 'postgres', url: await postgres.newDatabase() }),
      endSessions: async (db) => {
        const others = await db.query<{ pid: number }[]>(
          'SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
        );
        const pids = others.map(({ pid }) => pid);
        const left = 'SELECT pid FROM pg_stat_activity WHERE pid = ANY($1)';
        while ((await db.query<unknown[]>(left, [pids])).length > 0);
      },
    },
  ]);
if (mariadb !== undefined)
  SERVERS.push([
    'MariaDB',
    {
      newStorage: async () => ({ type: 'mariadb', url: await mariadb.newDatabase() }),
      endSessions: async (db) => {
        const others = await db.query<{ id: string }[]>(
          'SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()',
        );
        for (const { id } of others) await db.query(`KILL CONNECTION ${Number(id)}`);
        const ids = others.map(({ id }) => Number(id));
        const left = 'SELECT id FROM information_schema.processlist WHERE id IN (?)';
        while ((await db.query<unknown[]>(left, [ids])).length > 0);
      },
    },
  ]);

/** It does not look at the logs by itself: what is called comes first. */
const QUIET: EngineOptions = {
  instances: 'many',
  backplane: false,
  pollMs: 600_000,
  maxStaleMs: 600_000,
};

const durable = namespaceOf<string>(ON_CHANGE);
const engines: CacheEngine[] = [];
const connections: DataSource[] = [];
let proxy: CuttingProxy | undefined;

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.stop();
  for (const connection of connections.splice(0)) await connection.destroy();
  await proxy?.close();
  proxy = undefined;
});

async function start(storage: DataSourceOptions, options: EngineOptions = { instances: 'many' }) {
  const logger = new RecordingLogger();
  const engine = new CacheEngine(
    () => storageOn(storage),
    resolveEngineOptions({ shutdownTimeoutMs: 2000, ...options }),
    {},
    { clock: systemClock, logger, random: Math.random },
  );
  engines.push(engine);
  return { engine, logger, cache: await engine.register(durable) };
}

async function connect(storage: DataSourceOptions): Promise<DataSource> {
  const connection = await new DataSource(storage).initialize();
  connections.push(connection);
  return connection;
}

describe.each(SERVERS)('an instance beside others on %s', (_name, { newStorage, endSessions }) => {
  it('shows what one commits that works alone by now, writes nothing beside it, and comes back when that has ended', async () => {
    const storage = await newStorage();
    const { engine, cache, logger } = await start(storage, QUIET);
    await cache.set('a', 'old');
    const db = await connect(storage);
    await db.query('DELETE FROM cache_instances');
    const alone = await start(storage, { instances: 'one' });
    for (const value of ['new', 'newer', 'newest']) {
      await alone.cache.set('a', value);
      expect(await cache.get('a', { fresh: true })).toBe(value);
    }
    await expect(cache.set('a', 'mine')).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    await expect(cache.update('a', () => 'mine')).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    expect(await engine.health()).toMatchObject({
      status: 'degraded',
      reasons: [expect.stringContaining('uses the database') as string],
    });
    expect(logger.with('taken this one for dead')).toHaveLength(1);
    expect(logger.lines.filter((line) => line.startsWith('error'))).toHaveLength(1);
    await alone.engine.stop();
    await cache.set('a', 'mine');
    expect(logger.with('joined the others again')).toHaveLength(1);
    expect(await engine.health()).toMatchObject({ status: 'up' });
  });

  it('shows at once by another session that it lives, where its own was ended', async () => {
    const storage = await newStorage();
    await start(storage);
    const db = await connect(storage);
    const sessions = (): Promise<unknown[]> => db.query('SELECT session FROM cache_instances');
    const before = await sessions();
    await endSessions(db);
    // Long before the next beat would come.
    await vi.waitFor(async () => expect(await sessions()).not.toEqual(before), { timeout: 10_000 });
  });

  it('notices before its next commit that the database has gone back, and so do the others', async () => {
    const storage = await newStorage();
    const one = await start(storage, QUIET);
    const other = await start(storage, QUIET);
    await one.cache.set('a', 'kept');
    const db = await connect(storage);
    const rows = await db.query<{ version: unknown }[]>('SELECT version FROM cache_storage');
    await one.cache.set('a', 'lost');
    expect(await other.cache.get('a', { fresh: true })).toBe('lost');
    // As a replica has it that lacked the last commit.
    await db.query(`UPDATE cache_storage SET value = '"kept"', version = ${Number(rows[0]?.version)}`);
    await db.query('DELETE FROM cache_changes WHERE n = 2');
    await endSessions(db);
    await one.cache.set('b', 'next');
    expect(await one.cache.get('a')).toBe('kept');
    expect(await other.cache.get('a', { fresh: true })).toBe('kept');
    expect(one.logger.with('has gone back')).toHaveLength(1);
  });

  it('notices so by a new connection, be it that none has broken', async () => {
    const storage = await newStorage();
    const { url } = storage as { readonly url: string };
    proxy = await CuttingProxy.before(url);
    const { engine, cache, logger } = await start(
      { ...storage, url: proxy.through(url) } as DataSourceOptions,
      QUIET,
    );
    const db = await connect(storage);
    // More than memory holds: what it has not, the database is asked for.
    const small = ['x', 'y'].map((name) => namespaceOf<string>(ON_CHANGE, { name, maxEntries: 1 }));
    const larger = await Promise.all(small.map((definition) => engine.register(definition)));
    for (const each of larger) for (const key of ['1', '2']) await each.set(key, 'there');
    await cache.set('a', 'kept');
    const ofA = `WHERE namespace = '${durable.name}'`;
    const [row] = await db.query<{ version: unknown }[]>(`SELECT version FROM cache_storage ${ofA}`);
    await cache.set('a', 'lost');
    // The connections that there are wait for a server that has gone without a word.
    const held = proxy.holdAnswersTo('slow');
    const reads = larger.map((each) => each.get('slow'));
    await vi.waitFor(() => expect(held.clients).toBe(reads.length), { timeout: 20_000 });
    await db.query(`UPDATE cache_storage SET value = '"kept"', version = ${Number(row?.version)} ${ofA}`);
    await db.query('DELETE FROM cache_changes WHERE n = 6');
    const commit = cache.set('b', 'next');
    await vi.waitFor(() => expect(logger.with('has gone back')).toHaveLength(1), { timeout: 20_000 });
    held.release();
    await Promise.all([commit, ...reads]);
    expect(await cache.get('a')).toBe('kept');
  });
});
