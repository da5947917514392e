import type { AddressInfo } from 'node:net';
import {
  CACHE_MANAGER,
  CacheInterceptor,
  CacheKey,
  CacheModule as HttpCacheModule,
  CacheTTL,
} from '@nestjs/cache-manager';
import {
  Controller,
  Delete,
  Get,
  Inject,
  Module,
  Query,
  UseInterceptors,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Cache } from 'cache-manager';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  CacheModule,
  getNamespaceToken,
  InMemoryStorage,
  type CacheModuleOptions,
  type NamespaceOf,
} from '../../../src/index.js';
import { DurableKeyvStore, keyvNamespace } from '../../../src/integrations/keyv/index.js';
import { FaultyStorage } from '../../../src/testing/index.js';
import { sqliteFiles } from '../../contract/sql-storage.js';
import { errorWith, ON_CHANGE, ON_SHUTDOWN } from '../../support/definitions.js';
import { NestLog, startApp } from '../../support/nest-app.js';

const newFile = sqliteFiles();
const MINUTE_MS = 60_000;

/** How often handlers ran, whichever application they are of. */
let runs = 0;

@Controller()
@UseInterceptors(CacheInterceptor)
class Reports {
  constructor(@Inject(CACHE_MANAGER) private readonly cache: Cache) {}

  @Get('reports')
  find(@Query('ids') ids: string): object {
    return { run: (runs += 1), ids: ids.length };
  }

  @Get('short')
  @CacheTTL(MINUTE_MS)
  short(): object {
    return { run: (runs += 1) };
  }

  @Get('named/:id')
  @CacheKey('named')
  named(): object {
    return { run: (runs += 1) };
  }

  @Delete('keys')
  remove(@Query('key') key: string): Promise<boolean> {
    return this.cache.del(key);
  }

  @Delete()
  async clear(): Promise<void> {
    await this.cache.clear();
  }
}

describe.each([ON_CHANGE, ON_SHUTDOWN])('@nestjs/cache-manager over the level %s', (persistence) => {
  const responses = keyvNamespace({ name: 'responses', persistence, maxEntries: 1 });
  let file: CacheModuleOptions['storage'];
  let app: INestApplication;
  let log: NestLog;
  /** What the store has emitted as `error`. */
  let heard: unknown[];

  async function start(storage: CacheModuleOptions['storage'] = file): Promise<void> {
    @Module({
      imports: [
        CacheModule.forRoot({
          storage,
          namespaces: [responses],
          chatNamespaces: false,
        }),
        HttpCacheModule.registerAsync({
          isGlobal: true,
          inject: [getNamespaceToken(responses)],
          useFactory(entries: NamespaceOf<typeof responses>) {
            const store = new DurableKeyvStore(entries);
            store.on('error', (error) => void heard.push(error));
            return { stores: [store], namespace: 'http' };
          },
        }),
      ],
      controllers: [Reports],
    })
    class AppModule {}

    log = new NestLog();
    heard = [];
    app = await NestFactory.create(AppModule, { logger: log, abortOnError: false });
    app.enableShutdownHooks();
    await app.listen(0, '127.0.0.1');
  }

  async function restart(): Promise<void> {
    await app.close();
    await start();
  }

  const request = async (
    method: 'GET' | 'DELETE',
    path: string,
  ): Promise<{ answer: unknown; cache: string | null }> => {
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    expect(response.ok).toBe(true);
    const text = await response.text();
    return { answer: text === '' ? undefined : JSON.parse(text), cache: response.headers.get('x-cache') };
  };

  const get = (path: string) => request('GET', path);

  beforeEach(async () => {
    runs = 0;
    file = { type: 'better-sqlite3', database: newFile() };
    await start();
  });

  afterEach(async () => {
    vi.useRealTimers();
    await app.close();
    const complaints = log.lines.filter((line) => /^(?:warn|error|fatal)/.test(line));
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  });

  it('answers after a restart what a handler gave before, whatever the length of the URL', async () => {
    const long = `/reports?ids=${'1234,'.repeat(200)}`;
    for (const path of ['/reports?ids=1', long]) expect((await get(path)).cache).toBe('MISS');
    await restart();
    expect(await get('/reports?ids=1')).toEqual({ answer: { run: 1, ids: 1 }, cache: 'HIT' });
    expect(await get(long)).toEqual({ answer: { run: 2, ids: 1000 }, cache: 'HIT' });
    expect(await get(`${long}5`)).toEqual({ answer: { run: 3, ids: 1001 }, cache: 'MISS' });
  });

  it('asks the handler again when @CacheTTL is over, before a restart and after it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await get('/short');
    await restart();
    expect((await get('/short')).answer).toEqual({ run: 1 });
    vi.setSystemTime(Date.now() + MINUTE_MS + 1);
    expect(await get('/short')).toEqual({ answer: { run: 2 }, cache: 'MISS' });
    vi.setSystemTime(Date.now() + MINUTE_MS + 1);
    await restart();
    expect(await get('/short')).toEqual({ answer: { run: 3 }, cache: 'MISS' });
  });

  it('keeps what @CacheKey names under that name, which can be deleted for good', async () => {
    await get('/named/1');
    await restart();
    expect((await get('/named/2')).answer).toEqual({ run: 1 });
    await request('DELETE', '/keys?key=named');
    await restart();
    expect((await get('/named/2')).answer).toEqual({ run: 2 });
  });

  it('clears everything for good', async () => {
    await get('/reports?ids=1');
    await request('DELETE', '/');
    await restart();
    expect((await get('/reports?ids=1')).answer).toEqual({ run: 2, ids: 1 });
  });

  it('wraps a function whose result outlives a restart', async () => {
    const cache = app.get<Cache>(CACHE_MANAGER);
    expect(await cache.wrap('answer', () => 42, MINUTE_MS)).toBe(42);
    await cache.mset([
      { key: 'a', value: 1 },
      { key: 'b', value: 2, ttl: MINUTE_MS },
    ]);
    await restart();
    const after = app.get<Cache>(CACHE_MANAGER);
    expect(await after.wrap('answer', () => 0, MINUTE_MS)).toBe(42);
    expect(await after.mget(['a', 'b', 'c'])).toEqual([1, 2, undefined]);
    expect(await after.ttl('b')).toBeGreaterThan(Date.now());
  });

  it('answers with what the handler gives while the database is away', async () => {
    await app.close();
    const storage = new FaultyStorage(new InMemoryStorage());
    await start(storage);
    await get('/reports?ids=1');
    await get('/reports?ids=22');
    storage.failReads(Infinity);
    expect(await get('/reports?ids=1')).toEqual({ answer: { run: 3, ids: 1 }, cache: 'MISS' });
    expect(await get('/reports?ids=1')).toMatchObject({ cache: 'HIT' });
    expect(heard).toEqual([errorWith('READ_FAILED')]);
    storage.heal();
  });

  it('loses nothing of what was stored just before the stop', async () => {
    const paths = Array.from({ length: 50 }, (_, i) => `/reports?ids=${i}`);
    await Promise.all(paths.map(get));
    await restart();
    const again = await Promise.all(paths.map(get));
    expect(again.filter(({ cache }) => cache !== 'HIT')).toEqual([]);
  });
});

describe('a namespace for @nestjs/cache-manager that forFeature declares', () => {
  it('is injected where registerAsync imports it', async () => {
    const responses = keyvNamespace({ name: 'responses' });
    const feature = CacheModule.forFeature([responses]);
    const app = await startApp([
      CacheModule.forRoot({ storage: new InMemoryStorage(), chatNamespaces: false }),
      HttpCacheModule.registerAsync({
        imports: [CacheModule.forFeature([responses])],
        inject: [getNamespaceToken(responses)],
        useFactory: (entries: NamespaceOf<typeof responses>) => ({ stores: [new DurableKeyvStore(entries)] }),
      }),
      feature,
    ]);
    const cache = app.get<Cache>(CACHE_MANAGER, { strict: false });
    await cache.set('a', 1);
    expect(await cache.get('a')).toBe(1);
    await app.close();
  });
});
