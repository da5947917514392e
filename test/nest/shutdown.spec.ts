import {
  Global,
  Inject,
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type Type,
} from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { describe, expect, it, vi } from 'vitest';
import { CacheModule, CacheService, InMemoryStorage, isCacheError } from '../../src/index.js';
import { NestLog, startApp } from '../support/nest-app.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);

/** Writes to both persisted levels in every hook of the stop. */
@Injectable()
class LastWords implements OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(@Inject(CacheService) private readonly cache: CacheService) {}

  onModuleDestroy(): Promise<void> {
    return this.#write('onModuleDestroy');
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.#write('beforeApplicationShutdown');
  }

  onApplicationShutdown(): Promise<void> {
    return this.#write('onApplicationShutdown');
  }

  async #write(hook: string): Promise<void> {
    // Later in the hook, as a provider does that first has to finish something.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    await this.cache.chats.update(1, (record) => ({ settings: { ...record?.settings, [hook]: true } }));
    await this.cache.setUserData(1, 1, hook, true);
  }
}

const HOOKS = { onModuleDestroy: true, beforeApplicationShutdown: true, onApplicationShutdown: true };

@Module({ providers: [LastWords] })
class Deep {}

@Module({ imports: [Deep] })
class Deeper {}

@Module({ imports: [Deeper] })
class Deepest {}

@Global()
@Module({ providers: [LastWords] })
class GlobalModule {}

const typeOrm = (database: string): DynamicModule => TypeOrmModule.forRoot({ type: 'sqlite', database });

async function kept(database: string): Promise<unknown[]> {
  const app = await startApp([CacheModule.forRoot({ storage: { type: 'sqlite', database } })]);
  const cache = app.get(CacheService);
  const both = [await cache.getChatSettings(1), await cache.getUserData(1, 1)];
  await app.close();
  return both;
}

describe('the stop of an application', () => {
  const cacheAt = (database: string): DynamicModule =>
    CacheModule.forRoot({ storage: { type: 'sqlite', database } });
  const asyncCacheAt = (database: string): DynamicModule =>
    CacheModule.forRootAsync({ useFactory: () => ({ storage: { type: 'sqlite', database } }) });
  const fromTemplate = (): DynamicModule =>
    CacheModule.forRootAsync({ inject: [DataSource], useFactory: (storage: DataSource) => ({ storage }) });

  const orders: [string, (database: string) => (DynamicModule | Type)[]][] = [
    ['the cache before a module', (db) => [cacheAt(db), Deep]],
    ['the cache after a module', (db) => [Deep, cacheAt(db)]],
    ['forRootAsync before a module', (db) => [asyncCacheAt(db), Deep]],
    ['forRootAsync after a module', (db) => [Deep, asyncCacheAt(db)]],
    ['a module three levels deep', (db) => [cacheAt(db), Deepest]],
    ['a module three levels deep, before the cache', (db) => [Deepest, cacheAt(db)]],
    ['a global module after the cache', (db) => [cacheAt(db), GlobalModule]],
    ['a global module before the cache', (db) => [GlobalModule, cacheAt(db)]],
    [
      'TypeOrmModule after the cache, on the same file',
      (db) => [cacheAt(db), typeOrm(db), Deepest, GlobalModule],
    ],
    [
      'TypeOrmModule before the cache, on the same file',
      (db) => [typeOrm(db), GlobalModule, Deepest, cacheAt(db)],
    ],
    ['TypeOrmModule’s DataSource as template', (db) => [typeOrm(db), fromTemplate(), Deepest, GlobalModule]],
    [
      'the template, with the cache imported first',
      (db) => [fromTemplate(), typeOrm(db), GlobalModule, Deepest],
    ],
  ];

  it.each(orders)('writes what providers write in every hook: %s', async (_order, imports) => {
    const database = newFile();
    const app = await startApp(imports(database));
    await app.close();
    expect(await kept(database)).toEqual([HOOKS, HOOKS]);
  });

  it('writes it with a module that is not global too', async () => {
    const database = newFile();
    const cache = CacheModule.forRoot({ storage: { type: 'sqlite', database }, isGlobal: false });
    @Module({ imports: [cache], providers: [LastWords] })
    class Importing {}
    @Module({ imports: [Importing] })
    class Above {}
    const app = await startApp([Above]);
    await app.close();
    expect(await kept(database)).toEqual([HOOKS, HOOKS]);
  });

  it('takes no write afterwards, and says so with a code', async () => {
    const app = await startApp([CacheModule.forRoot({ storage: new InMemoryStorage() })]);
    const cache = app.get(CacheService);
    await cache.setUserData(1, 1, 'a', 1);
    await app.close();
    await app.close();
    const errors = await Promise.allSettled([cache.setUserData(1, 1, 'a', 2), cache.setChatSettings(1, {})]);
    for (const outcome of errors) {
      expect(outcome.status === 'rejected' && isCacheError(outcome.reason, 'CACHE_CLOSED')).toBe(true);
    }
    expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
  });

  it('never closes, uses or changes a DataSource that is its template', async () => {
    const database = newFile();
    const template = new DataSource({ type: 'sqlite', database, entityPrefix: 'app_', logging: ['error'] });
    await template.initialize();
    await template.query('CREATE TABLE mine (n INTEGER)');
    const before = JSON.stringify(template.options);
    const app = await startApp([CacheModule.forRoot({ storage: template })]);
    await app.get(CacheService).setUserData(1, 1, 'a', 1);
    const runner = template.createQueryRunner();
    expect(runner.isTransactionActive).toBe(false);
    await app.close();
    expect(template.isInitialized).toBe(true);
    expect(JSON.stringify(template.options)).toBe(before);
    expect(template.entityMetadatas).toHaveLength(0);
    expect(await template.query('PRAGMA journal_mode')).toEqual([{ journal_mode: 'delete' }]);
    await template.query('INSERT INTO mine VALUES (1)');
    const tables: { name: string }[] = await template.query(
      "SELECT name FROM sqlite_master WHERE type = 'table'",
    );
    expect(tables.map((table) => table.name).toSorted()).toEqual([
      'cache_changes',
      'cache_identity',
      'cache_instances',
      'cache_migrations',
      'cache_storage',
      'mine',
      'sqlite_sequence',
    ]);
    await template.destroy();
  });

  it('takes a template that is not connected', async () => {
    const database = newFile();
    const template = new DataSource({ type: 'sqlite', database });
    const app = await startApp([CacheModule.forRoot({ storage: template })]);
    await app.get(CacheService).setUserData(1, 1, 'a', 1);
    await app.close();
    expect(template.isInitialized).toBe(false);
  });

  it('refuses a template that can not be connected to twice, and names the remedy', async () => {
    const template = new DataSource({ type: 'sqlite', database: ':memory:' });
    await expect(startApp([CacheModule.forRoot({ storage: template })])).rejects.toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED_STORAGE',
        message: expect.stringContaining('InMemoryStorage'),
      }),
    );
  });

  it('is not touched by a transaction of the app and its rollback', async () => {
    const database = newFile();
    const own = new DataSource({ type: 'sqlite', database, enableWAL: true });
    await own.initialize();
    await own.query('CREATE TABLE mine (n INTEGER)');
    const app = await startApp([CacheModule.forRoot({ storage: own })]);
    const cache = app.get(CacheService);
    await own.query('BEGIN');
    await own.query('SELECT * FROM mine');
    await cache.setUserData(1, 1, 'during a read transaction', 1);
    await own.query('ROLLBACK');
    await own.query('BEGIN');
    await own.query('INSERT INTO mine VALUES (1)');
    const write = cache.setUserData(1, 1, 'during a write transaction', 1);
    await own.query('ROLLBACK');
    await write;
    await app.close();
    await own.destroy();
    expect((await kept(database))[1]).toEqual({
      'during a read transaction': 1,
      'during a write transaction': 1,
    });
  });

  it('waits out a long transaction of the app on the same file, and fails no write within the deadline', async () => {
    const database = newFile();
    const own = new DataSource({ type: 'sqlite', database });
    await own.initialize();
    await own.query('CREATE TABLE mine (n INTEGER)');
    const app = await startApp([CacheModule.forRoot({ storage: own })]);
    const cache = app.get(CacheService);
    await cache.setUserData(1, 1, 'before', 1);
    await own.query('BEGIN EXCLUSIVE');
    const writes = Array.from({ length: 20 }, (_, i) => cache.setUserData(1, 1, `during ${i}`, i));
    await cache.setChatSettings(1, { at: 'once' });
    // Longer than SQLite itself waits for the lock: the cache tries again.
    const failures = (): number => cache.getStats()['chatUsers']?.writeFailures ?? 0;
    await vi.waitFor(() => expect(failures()).toBeGreaterThan(0), { timeout: 10_000 });
    expect(cache.getStats()['chatUsers']?.dirty).toBe(20);
    expect(await cache.getUserData(1, 1)).toEqual({ before: 1 });
    await own.query('COMMIT');
    await Promise.all(writes);
    await app.close();
    await own.destroy();
    expect(Object.keys((await kept(database))[1] as object)).toHaveLength(21);
  });

  it('sets the exit code and names what it left behind when it can not write', async () => {
    const storage = new InMemoryStorage();
    storage.write = () => Promise.reject(new Error('gone'));
    storage.classify = () => 'transient';
    const log = new NestLog();
    const app = await startApp([CacheModule.forRoot({ storage, shutdownTimeoutMs: 200 })], log);
    await app.get(CacheService).setChatSettings(7, { a: 1 });
    await app.close();
    const { exitCode } = process;
    process.exitCode = undefined;
    expect(exitCode).toBe(1);
    expect(log.with('1 entry unwritten in namespace \'chats\' (first keys: "7")')).toHaveLength(1);
  });
});
