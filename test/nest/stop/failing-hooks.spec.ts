import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import core from '@nestjs/core/package.json' with { type: 'json' };
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { CacheModule, CacheService, InMemoryStorage, isCacheError } from '../../../src/index.js';
import { NestLog, startApp } from '../../support/nest-app.js';
import { tempFolder } from '../../support/temp-folder.js';

const folder = tempFolder();
let files = 0;

const HOOKS = ['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown'] as const;
type Hook = (typeof HOOKS)[number];

function fail(): never {
  throw new Error('of another module');
}

const FAILURES: Record<string, () => unknown> = {
  'throws at once': fail,
  rejects: fail,
  'never settles': () => new Promise<never>(() => undefined),
};

const CASES = HOOKS.flatMap((hook) => Object.keys(FAILURES).map((failure) => [hook, failure] as const));

/** A module one of whose hooks fails, after it has written to the cache. */
function failingIn(hook: Hook, failure: string): Type {
  class Failing {
    constructor(readonly cache: CacheService) {}
  }
  Reflect.defineMetadata('design:paramtypes', [CacheService], Failing);
  Object.defineProperty(Failing.prototype, hook, {
    value: function (this: Failing) {
      const written = this.cache.setChatSettings(2, { by: hook });
      return failure === 'throws at once' ? fail() : written.then(FAILURES[failure]);
    },
  });
  Module({})(Failing);
  return Failing;
}

function cacheAt(database: string): DynamicModule {
  return CacheModule.forRoot({
    storage: { type: 'sqlite', database },
    shutdownTimeoutMs: 400,
    checkpointIntervalMs: false,
    // What is there afterwards is in the database.
    rescueJournal: false,
  });
}

async function kept(database: string): Promise<unknown[]> {
  const app = await startApp([cacheAt(database)]);
  const cache = app.get(CacheService);
  const settings = [];
  for (const chat of [1, 2, 3]) settings.push(await cache.getChatSettings(chat));
  await app.close();
  return settings;
}

/** Whether the cache takes a write. */
async function takes(cache: CacheService, chat: number, settings: object): Promise<boolean> {
  try {
    await cache.setChatSettings(chat, settings as Record<string, never>);
    return true;
  } catch (error) {
    expect(isCacheError(error, 'CACHE_CLOSED')).toBe(true);
    return false;
  }
}

describe('where the hook of another module fails', () => {
  it('runs on the line of Nest that it says', () => {
    expect(core.version.split('.')[0]).toBe(process.env['NEST_LINE'] ?? '12');
  });

  it.each(CASES)(
    '(%s that %s) the cache writes all it took to the database, and takes no more after that',
    async (hook, failure) => {
      const database = join(folder, `${(files += 1)}.db`);
      const log = new NestLog();
      const app = await startApp([cacheAt(database), failingIn(hook, failure)], log);
      const cache = app.get(CacheService);
      await cache.setChatSettings(1, { before: 'the stop' });
      const failed = app.close().catch((error: Error) => error);
      if (failure !== 'never settles') await failed;
      const tookMore = await takes(cache, 3, { after: 'the failure' });
      await vi.waitFor(async () => expect(await takes(cache, 4, {})).toBe(false), { timeout: 20_000 });
      await vi.waitFor(() => expect(log.with('Cache stopped')).toHaveLength(1), { timeout: 20_000 });
      expect(await kept(database)).toEqual([
        { before: 'the stop' },
        { by: hook },
        tookMore ? { after: 'the failure' } : {},
      ]);
      expect(log.lines.filter((line) => line.startsWith('fatal'))).toEqual([]);
    },
  );

  it.each(CASES)('(%s that %s) it says so where it had to stop by itself', async (hook, failure) => {
    const log = new NestLog();
    const cacheModule = CacheModule.forRoot({ storage: new InMemoryStorage(), shutdownTimeoutMs: 200 });
    const app = await startApp([cacheModule, failingIn(hook, failure)], log);
    let ended = false;
    void app.close().then(
      () => (ended = true),
      () => undefined,
    );
    await vi.waitFor(() => expect(log.with('Cache stopped')).toHaveLength(1), { timeout: 20_000 });
    await vi.waitFor(() => expect(log.with('has not come to the last hook')).toHaveLength(ended ? 0 : 1), {
      timeout: 20_000,
    });
  });

  it.each(['rejects', 'never settles'])(
    '(the close of the HTTP server, which %s) the same holds',
    async (failure) => {
      const database = join(folder, `${(files += 1)}.db`);
      @Module({ imports: [cacheAt(database)] })
      class AppModule {}
      const app = await NestFactory.create(AppModule, { logger: new NestLog(), abortOnError: false });
      await app.init();
      app.getHttpAdapter().close = async () => FAILURES[failure]?.();
      const cache = app.get(CacheService);
      await cache.setChatSettings(1, { before: 'the stop' });
      void app.close().catch(() => undefined);
      await vi.waitFor(async () => expect(await takes(cache, 1, { during: 'the stop' })).toBe(false), {
        timeout: 20_000,
      });
      expect((await kept(database))[0]).toEqual({ during: 'the stop' });
    },
  );

  it('a second close() ends what the first one began', async () => {
    const storage = new InMemoryStorage();
    const cacheModule = CacheModule.forRoot({ storage, rescueJournal: false });
    let fails = true;
    @Module({})
    class FailingOnce {
      onModuleDestroy(): void {
        if (!fails) return;
        fails = false;
        throw new Error('once');
      }
    }
    const app = await startApp([cacheModule, FailingOnce]);
    await app.get(CacheService).setChatSettings(1, { a: 1 });
    await app.close().catch(() => undefined);
    await app.close();
    expect(await takes(app.get(CacheService), 1, {})).toBe(false);
    expect(await storage.read('chats', ['1'])).toHaveLength(1);
  });
});
