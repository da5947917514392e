import { Logger, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CacheModule, CacheService, InMemoryStorage, type CacheModuleOptions } from '../../../src/index.js';
import {
  DurableCacheHealthIndicator,
  type CacheHealthOptions,
} from '../../../src/integrations/terminus/index.js';
import { FaultyStorage, StorageFault, TestClock } from '../../../src/testing/index.js';
import { errorWith, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../../support/definitions.js';
import { FakeClock } from '../../support/fake-clock.js';
import { NestLog } from '../../support/nest-app.js';
import { HealthController, PROBE_OPTIONS } from './health.controller.js';

const carts = namespaceOf<number>(ON_CHANGE, { name: 'carts' });
const drafts = namespaceOf<number>(ON_SHUTDOWN, { name: 'drafts' });

let clock: TestClock;
let storage: FaultyStorage;
let app: INestApplication | undefined;

interface Given {
  readonly cache?: CacheModuleOptions;
  readonly probe?: CacheHealthOptions;
}

/** A health check as a probe sees it. */
interface Health {
  readonly code: number;
  readonly status: string;
  readonly cache: { readonly status: string } & Readonly<Record<string, unknown>>;
}

/** An application as its author would wire it; gives what its probe does. */
async function start({ cache, probe }: Given = {}): Promise<() => Promise<Health>> {
  @Module({
    imports: [TerminusModule],
    controllers: [HealthController],
    providers: [DurableCacheHealthIndicator, { provide: PROBE_OPTIONS, useValue: probe }],
  })
  class HealthModule {}
  @Module({
    imports: [CacheModule.forRoot({ storage, clock, namespaces: [carts, drafts], ...cache }), HealthModule],
  })
  class AppModule {}
  const logger = new NestLog();
  app = await NestFactory.create(AppModule, { logger, abortOnError: false });
  Logger.overrideLogger(logger);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return async () => {
    const response = await fetch(`${url}/health`);
    const { status, details } = (await response.json()) as {
      status: string;
      details: { cache: Health['cache'] };
    };
    return { code: response.status, status, cache: details.cache };
  };
}

const service = () => (app as INestApplication).get(CacheService);

beforeEach(() => {
  clock = new TestClock();
  storage = new FaultyStorage(new InMemoryStorage(), clock);
});

afterEach(async () => {
  storage.heal();
  if (app !== undefined) await clock.advanceUntil(app.close());
  app = undefined;
});

describe('the cache in a health check', () => {
  it('is up, with its figures', async () => {
    const probe = await start();
    await service().namespace(drafts).set('a', 1);
    await clock.advance(5000);
    expect(await probe()).toEqual({
      code: 200,
      status: 'ok',
      cache: { status: 'up', health: 'up', reasons: [], dirty: 1, oldestUnwrittenMs: 5000, instances: 1 },
    });
  });

  it('is degraded while writes have been failing for less than maxFailingMs, then down, and up when they work again', async () => {
    const probe = await start();
    storage.failWrites(Infinity);
    const since = clock.now();
    const written = service().namespace(carts).set('a', 1);
    await clock.settle();
    const failing = { health: 'degraded', failingSince: since };
    expect(await probe()).toMatchObject({
      code: 200,
      status: 'degraded',
      cache: { status: 'degraded', ...failing },
    });
    await expect(clock.advanceUntil(written)).rejects.toThrow(errorWith('WRITE_FAILED'));
    await clock.advance(since + 29_999 - clock.now());
    expect(await probe()).toMatchObject({ code: 200, cache: { status: 'degraded' } });
    await clock.advance(1);
    expect(await probe()).toMatchObject({
      code: 503,
      status: 'error',
      cache: { status: 'down', ...failing, reasons: ['Writes have been failing for 30 s (FAULT_AWAY).'] },
    });
    storage.heal();
    await service().namespace(carts).set('a', 1);
    expect(await probe()).toMatchObject({ code: 200, status: 'ok', cache: { status: 'up', reasons: [] } });
  });

  it('sees by itself that writes work again where none is left to be tried', async () => {
    const probe = await start({ probe: { maxFailingMs: 0 } });
    storage.failWrites(Infinity);
    const written = service().namespace(carts).set('a', 1);
    await expect(clock.advanceUntil(written)).rejects.toThrow(errorWith('WRITE_FAILED'));
    expect(await probe()).toMatchObject({ code: 503 });
    storage.heal();
    expect(await probe()).toMatchObject({ code: 503 });
    await clock.settle();
    expect(await probe()).toMatchObject({ code: 200, status: 'ok' });
  });

  it('counts from when the database does not answer, too', async () => {
    const probe = await start({ probe: { maxFailingMs: 10_000 } });
    storage.failReads(Infinity);
    const since = clock.now();
    expect(await probe()).toMatchObject({
      code: 200,
      cache: { status: 'degraded', health: 'down', failingSince: since },
    });
    await clock.advance(10_000);
    expect(await probe()).toMatchObject({
      code: 503,
      cache: { status: 'down', health: 'down', failingSince: since },
    });
    storage.heal();
    expect(await probe()).toMatchObject({ code: 200, status: 'ok' });
  });

  it('is down at the first failure with maxFailingMs 0, and never with null', async () => {
    const probe = await start({ probe: { maxFailingMs: 0 } });
    storage.failReads(Infinity);
    expect(await probe()).toMatchObject({ code: 503 });
    await clock.advance(3_600_000);
    const indicator = (app as INestApplication).get(DurableCacheHealthIndicator);
    expect(await indicator.check('cache', { maxFailingMs: null })).toMatchObject({
      cache: { status: 'degraded', health: 'down' },
    });
  });

  it('is down where what other instances change has not been seen for maxUnconfirmedMs', async () => {
    const probe = await start({ cache: { instances: 'many' }, probe: { maxFailingMs: null } });
    await service().namespace(carts).set('a', 1);
    expect(await probe()).toMatchObject({ code: 200, status: 'ok', cache: { instances: 1 } });
    storage.failReads(Infinity);
    await clock.advance(5000);
    const { cache, code } = await probe();
    expect(code).toBe(200);
    expect(cache).toMatchObject({ status: 'degraded', unconfirmedSince: expect.any(Number) as number });
    await clock.advance((cache['unconfirmedSince'] as number) + 29_999 - clock.now());
    expect(await probe()).toMatchObject({ code: 200 });
    await clock.advance(1);
    expect(await probe()).toMatchObject({ code: 503, cache: { status: 'down' } });
    storage.heal();
    await clock.advance(30_000);
    expect(await probe()).toMatchObject({ code: 200, status: 'ok' });
  });

  it('is up beside other instances as soon as the database answers, though nobody uses the cache', async () => {
    const probe = await start({ cache: { instances: 'many' }, probe: { maxUnconfirmedMs: 1000 } });
    await clock.advance(29_000);
    storage.failReads(Infinity);
    await clock.advance(2000);
    storage.heal();
    await clock.advance(2000);
    expect(await probe()).toMatchObject({ code: 200, status: 'ok', cache: { status: 'up', reasons: [] } });
  });

  it('minds how long a write has been waiting where it is told to', async () => {
    const cache = { checkpointIntervalMs: 3_600_000 };
    const probe = await start({ cache, probe: { maxUnwrittenMs: 60_000 } });
    await service().namespace(drafts).set('a', 1);
    await clock.advance(60_000);
    expect(await probe()).toMatchObject({ code: 200, status: 'ok' });
    await clock.advance(1);
    expect(await probe()).toMatchObject({
      code: 503,
      cache: { status: 'down', health: 'up', oldestUnwrittenMs: 60_001 },
    });
    await service().persistAll();
    expect(await probe()).toMatchObject({ code: 200, status: 'ok' });
  });

  it('leaves an entry that the database refuses out of that: it is degraded', async () => {
    const probe = await start({ probe: { maxUnwrittenMs: 60_000 } });
    storage.failWrites(1000, new StorageFault('permanent'));
    await service().namespace(drafts).set('a', 1);
    await clock.advance(120_000);
    expect(await probe()).toMatchObject({ code: 200, cache: { status: 'degraded', dirty: 1 } });
  });

  it('is down in an outage whatever becomes of the wall clock', async () => {
    const wall = new FakeClock();
    clock = wall;
    storage = new FaultyStorage(new InMemoryStorage(), clock);
    const probe = await start({ cache: { instances: 'many' } });
    await service().namespace(carts).set('a', 1);
    storage.failReads(Infinity);
    await clock.advance(5000);
    expect(await probe()).toMatchObject({ code: 200, cache: { status: 'degraded' } });
    wall.stepWall(3_600_000);
    expect(await probe()).toMatchObject({ code: 200, cache: { status: 'degraded' } });
    wall.stepWall(-7_200_000);
    await clock.advance(30_000);
    expect(await probe()).toMatchObject({ code: 503, cache: { status: 'down' } });
  });

  it('is down at once when another process has taken the table over, also after an outage that does not count', async () => {
    class TakenStorage extends InMemoryStorage {
      override readonly keepsOthersOut = true;
      isAway = false;
      isTaken = false;

      override async beat(...args: Parameters<InMemoryStorage['beat']>) {
        return !this.isTaken && (await super.beat(...args));
      }

      override async write(...args: Parameters<InMemoryStorage['write']>) {
        if (this.isAway) throw new Error('away');
        return super.write(...args);
      }

      override async purgeExpired(...args: Parameters<InMemoryStorage['purgeExpired']>) {
        if (this.isAway) throw new Error('away');
        return super.purgeExpired(...args);
      }
    }
    const taken = new TakenStorage();
    const probe = await start({
      cache: { storage: taken, instances: 'one' },
      probe: { maxFailingMs: null, maxUnconfirmedMs: null },
    });
    taken.isAway = true;
    const written = service().namespace(carts).set('a', 1);
    await expect(clock.advanceUntil(written)).rejects.toThrow(errorWith('WRITE_FAILED'));
    expect(await probe()).toMatchObject({ code: 200, cache: { status: 'degraded' } });
    taken.isTaken = true;
    await clock.advance(10_000);
    expect(await probe()).toMatchObject({ code: 503, cache: { status: 'down', health: 'down' } });
  });

  it('is down at once when the cache has been stopped in an outage that does not count', async () => {
    await start();
    const indicator = (app as INestApplication).get(DurableCacheHealthIndicator);
    storage.failReads(Infinity);
    expect(await indicator.check('cache')).toMatchObject({ cache: { status: 'degraded' } });
    await clock.advanceUntil((app as INestApplication).close());
    expect(await indicator.check('cache', { maxFailingMs: null })).toMatchObject({
      cache: { status: 'down' },
    });
  });

  it('is down at once when the cache has been stopped', async () => {
    await start();
    const indicator = (app as INestApplication).get(DurableCacheHealthIndicator);
    await clock.advanceUntil((app as INestApplication).close());
    expect(await indicator.check('cache')).toMatchObject({
      cache: { status: 'down', reasons: ['The cache has been stopped.'] },
    });
  });
});

describe('bad input', () => {
  it('is refused at the call, with the remedy', async () => {
    await start();
    const indicator = (app as INestApplication).get(DurableCacheHealthIndicator);
    const check = (options: unknown, key: unknown = 'cache') =>
      indicator.check(key as string, options as CacheHealthOptions);
    for (const options of [null, 5, { maxFailingMs: -1 }, { maxFailingMs: '1s' }, { maxUnconfirmedMs: NaN }])
      await expect(check(options)).rejects.toThrow(errorWith('INVALID_OPTION'));
    await expect(check({ timeout: 1 })).rejects.toThrow(/no option 'timeout'.*maxFailingMs, maxUnwrittenMs/);
    await expect(check({}, '')).rejects.toThrow(/check\('cache'\)/);
  });
});
