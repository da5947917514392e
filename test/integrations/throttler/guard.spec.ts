import { join } from 'node:path';
import { Controller, Get, Logger, type INestApplication } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Throttle, ThrottlerGuard, ThrottlerModule, type ThrottlerOptions } from '@nestjs/throttler';
import { afterEach, describe, expect, it } from 'vitest';
import {
  CacheModule,
  CachePersistenceLevel,
  CacheService,
  InMemoryStorage,
  type CacheModuleOptions,
} from '../../../src/index.js';
import {
  DurableThrottlerStorage,
  throttlerNamespace,
  type ThrottlerStorageOptions,
} from '../../../src/integrations/throttler/index.js';
import { FaultyStorage, TestClock } from '../../../src/testing/index.js';
import { NestLog } from '../../support/nest-app.js';
import { SHOP_DATABASES } from '../../support/shops.js';
import { tempFolder } from '../../support/temp-folder.js';

const { MEMORY_ONLY, ON_CHANGE } = CachePersistenceLevel;
const HOUR_MS = 3_600_000;

@Controller()
class LimitedController {
  @Get()
  any() {
    return {};
  }

  @Get('strict')
  @Throttle({ default: { limit: 1, ttl: 10_000, blockDuration: 30_000 } })
  strict() {
    return {};
  }
}

interface Given {
  readonly cache: CacheModuleOptions;
  readonly persistence?: CachePersistenceLevel;
  readonly throttlers?: ThrottlerOptions[];
  readonly storage?: ThrottlerStorageOptions;
  readonly fastify?: boolean;
}

const folder = tempFolder();
let files = 0;
const onFile = () => ({ type: 'better-sqlite3', database: join(folder, `${(files += 1)}.sqlite`) }) as const;

const open = new Set<INestApplication>();

afterEach(async () => {
  for (const app of open) await app.close();
  open.clear();
});

/** Starts an application as its author would wire it. */
async function start(given: Given): Promise<{ app: INestApplication; url: string }> {
  const { cache, persistence = ON_CHANGE, storage } = given;
  const { throttlers = [{ ttl: HOUR_MS, limit: 3 }], fastify = false } = given;
  const hits = throttlerNamespace({ name: 'hits', persistence });
  class AppModule {}
  const module = {
    module: AppModule,
    imports: [
      CacheModule.forRoot({ namespaces: [hits], chatNamespaces: false, ...cache }),
      ThrottlerModule.forRootAsync({
        inject: [CacheService],
        useFactory: (service: CacheService) => ({
          throttlers,
          storage: new DurableThrottlerStorage(service.namespace(hits), storage),
        }),
      }),
    ],
    controllers: [LimitedController],
    providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
  };
  const options = { logger: new NestLog(), abortOnError: false };
  const app = fastify
    ? await NestFactory.create(module, new FastifyAdapter(), options)
    : await NestFactory.create(module, options);
  Logger.overrideLogger(options.logger);
  open.add(app);
  await app.listen(0, '127.0.0.1');
  return { app, url: await app.getUrl() };
}

async function statuses(url: string, times: number): Promise<number[]> {
  const found = [];
  for (let i = 0; i < times; i += 1) found.push((await fetch(url)).status);
  return found;
}

describe.each([
  ['Express', false],
  ['Fastify', true],
])('the ThrottlerGuard on %s', (_name, fastify) => {
  it('answers 429 past the limit, with the headers that it has', async () => {
    const { url } = await start({ cache: { storage: onFile() }, fastify });
    const first = await fetch(url);
    expect(first.status).toBe(200);
    expect(first.headers.get('x-ratelimit-limit')).toBe('3');
    expect(first.headers.get('x-ratelimit-remaining')).toBe('2');
    expect(first.headers.get('x-ratelimit-reset')).toBe('3600');
    expect(await statuses(url, 2)).toEqual([200, 200]);
    const last = await fetch(url);
    expect(last.status).toBe(429);
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(3500);
  });

  it('blocks for as long as a route says', async () => {
    const clock = new TestClock();
    const { url } = await start({ cache: { storage: onFile(), clock }, storage: { clock }, fastify });
    const strict = `${url}/strict`;
    expect(await statuses(strict, 2)).toEqual([200, 429]);
    await clock.advance(20_000);
    const blocked = await fetch(strict);
    expect(blocked.status).toBe(429);
    expect(blocked.headers.get('retry-after')).toBe('10');
    await clock.advance(10_000);
    expect(await statuses(strict, 2)).toEqual([200, 429]);
  });

  it('counts on after a restart on ON_CHANGE, and anew on MEMORY_ONLY', async () => {
    for (const [persistence, afterRestart] of [
      [ON_CHANGE, [200, 429]],
      [MEMORY_ONLY, [200, 200, 200, 429]],
    ] as const) {
      const cache = { storage: onFile() };
      const before = await start({ cache, persistence, fastify });
      expect(await statuses(before.url, 2)).toEqual([200, 200]);
      await before.app.close();
      open.delete(before.app);
      const { url } = await start({ cache, persistence, fastify });
      expect(await statuses(url, afterRestart.length)).toEqual(afterRestart);
    }
  });

  it('fails the request where the database is away, or counts it in memory if it is told to', async () => {
    for (const [whenUnavailable, expected] of [
      ['reject', [500, 500, 500, 500, 500]],
      ['allow', [200, 200, 200, 429, 429]],
    ] as const) {
      const storage = new FaultyStorage(new InMemoryStorage());
      const cache = { storage, writeTimeoutMs: 50 };
      const { url } = await start({ cache, storage: { whenUnavailable }, fastify });
      storage.failWrites(Infinity);
      expect(await statuses(url, 5)).toEqual(expected);
      storage.heal();
    }
  });
});

describe.each(SHOP_DATABASES)('two instances on $name', ({ newStorage }) => {
  it('count together, exactly, also requests at the same time', async () => {
    const cache = { storage: await newStorage(), instances: 'many' } as const;
    const throttlers = [{ ttl: HOUR_MS, limit: 20 }];
    const [one, other] = [await start({ cache, throttlers }), await start({ cache, throttlers })];
    const responses = await Promise.all(
      Array.from({ length: 60 }, (_, i) => fetch(i % 2 === 0 ? one.url : other.url)),
    );
    const passed = responses.filter(({ status }) => status === 200);
    expect(passed).toHaveLength(20);
    expect(responses.filter(({ status }) => status === 429)).toHaveLength(40);
    const remaining = passed.map(({ headers }) => Number(headers.get('x-ratelimit-remaining')));
    expect(remaining.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});
