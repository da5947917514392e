import { metrics } from '@opentelemetry/api';
import { Module, type OnModuleInit } from '@nestjs/common';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CacheService, InMemoryStorage, type NamespaceStats } from '../../../src/index.js';
import {
  CacheTelemetryModule,
  instrumentCache,
  type CacheTelemetryOptions,
} from '../../../src/integrations/opentelemetry/index.js';
import { FaultyStorage, TestClock } from '../../../src/testing/index.js';
import { errorWith } from '../../support/definitions.js';
import { startApp } from '../../support/nest-app.js';
import { onPostgres } from '../../support/shops.js';
import { Sdk, type Scrape } from './sdk.js';
import { LateWriterModule, startTelemetryApp, telemetryOf, type TelemetryApp } from './telemetry-app.js';

/** What each metric is in Prometheus, and the figure that it shows. */
const SHOWN: Readonly<Record<string, (stats: NamespaceStats) => number>> = {
  cache_hits_total: ({ hits }) => hits,
  cache_misses_total: ({ misses }) => misses,
  cache_sets_total: ({ sets }) => sets,
  cache_updates_total: ({ updates }) => updates,
  cache_deletes_total: ({ deletes }) => deletes,
  cache_evictions_total: ({ evictions }) => evictions,
  cache_loader_calls_total: ({ loaderCalls }) => loaderCalls,
  cache_storage_reads_total: ({ storageReads }) => storageReads,
  cache_storage_writes_total: ({ written }) => written,
  cache_write_rejections_total: ({ rejected }) => rejected,
  cache_write_failures_total: ({ writeFailures }) => writeFailures,
  cache_write_retries_total: ({ retries }) => retries,
  cache_conflicts_total: ({ conflicts }) => conflicts,
  cache_unreadable_total: ({ unreadable }) => unreadable,
  cache_unconfirmed_total: ({ unconfirmed }) => unconfirmed,
  cache_entry_count: ({ size }) => size,
  cache_entry_limit: ({ maxSize }) => maxSize,
  cache_memory_usage: ({ bytes }) => bytes,
  cache_dirty_count: ({ dirty }) => dirty,
  cache_dirty_usage: ({ dirtyBytes }) => dirtyBytes,
  cache_dirty_age: ({ oldestUnwrittenMs }) => oldestUnwrittenMs / 1000,
  cache_waiting_count: ({ waiting }) => waiting,
  cache_waiting_usage: ({ waitingBytes }) => waitingBytes,
  cache_refused_count: ({ refused }) => refused,
};

/** The figures of a namespace as Prometheus sees them, by the name of the metric. */
function shownOf(scrape: Scrape, namespace: string): Record<string, number | undefined> {
  return Object.fromEntries(Object.keys(SHOWN).map((name) => [name, scrape.value(name, namespace)]));
}

function expectedOf(stats: NamespaceStats | undefined): Record<string, number> {
  if (stats === undefined) throw new Error('there is no such namespace');
  return Object.fromEntries(Object.entries(SHOWN).map(([name, valueOf]) => [name, valueOf(stats)]));
}

async function useAll({ carts, drafts, scratch }: TelemetryApp): Promise<void> {
  for (const cache of [carts, drafts, scratch]) {
    await cache.setMany(['a', 'b', 'c'].map((key, i) => [key, i]));
    await cache.getMany(['a', 'c', 'nobody']);
    await cache.increment('c');
    await cache.increment('d');
    await cache.delete('b');
    await cache.getOrLoad('e', async () => 5);
  }
}

describe('the metrics of the cache', () => {
  it('are the figures of its stats, each with its namespace as the only attribute', async () => {
    const sdk = await Sdk.start();
    const clock = new TestClock();
    const storage = new FaultyStorage(new InMemoryStorage());
    const app = await startTelemetryApp(sdk, { storage, clock, writeTimeoutMs: 50 });
    await useAll(app);
    storage.failWrites(Infinity);
    const write = expect(app.carts.set('f', 1)).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    await app.drafts.flush();
    await clock.advance(1000);
    await write;
    storage.heal();
    const scrape = await sdk.scrape();
    const stats = app.cache.getStats();
    for (const name of ['carts', 'drafts', 'scratch'])
      expect(shownOf(scrape, name), name).toEqual(expectedOf(stats[name]));
    // Of nearly all of them there is something to see.
    expect(stats['drafts']).toMatchObject({ hits: 2, updates: 2, deletes: 1, loaderCalls: 1, dirty: 5 });
    expect(stats['drafts']?.oldestUnwrittenMs).toBe(1000);
    expect(stats['carts']?.writeFailures).toBeGreaterThan(0);
    expect(stats['carts']?.rejected).toBe(1);
    expect(stats['scratch']?.evictions).toBeGreaterThan(0);
    const labels = scrape.samples
      .filter(({ name }) => name.startsWith('cache_'))
      .flatMap((sample) => Object.keys(sample.labels));
    expect(new Set(labels)).toEqual(new Set(['cache_namespace', 'otel_scope_name', 'le']));
  });

  it('measure how long the database takes, in seconds', async () => {
    const sdk = await Sdk.start();
    const { carts, drafts } = await startTelemetryApp(sdk);
    await carts.set('a', 1);
    await carts.setMany(['b', 'c', 'd'].map((key) => [key, 1]));
    await carts.get('a');
    await drafts.set('a', 1);
    await drafts.flush();
    const count = async (name: string, namespace: string) =>
      (await sdk.scrape()).value(`cache_${name}_duration_count`, namespace);
    await expect.poll(() => count('flush', 'drafts'), { timeout: 10_000 }).toBe(1);
    expect(await count('load', 'carts')).toBe(1);
    expect(await count('commit', 'carts')).toBe(2);
    expect(await count('commit', 'drafts')).toBe(1);
    expect(await count('read', 'carts')).toBe(1);
    const sum = (await sdk.scrape()).value('cache_commit_duration_sum', 'carts');
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(30);
  });

  it('show a value of each namespace once, added up over the applications of a process', async () => {
    const sdk = await Sdk.start();
    const [one, other] = [await startTelemetryApp(sdk), await startTelemetryApp(sdk)];
    const hits = async () => (await sdk.scrape()).value('cache_hits_total', 'scratch');
    const size = async () => (await sdk.scrape()).value('cache_entry_count', 'scratch');
    for (const { scratch } of [one, other]) {
      await scratch.set('a', 1);
      scratch.getIfPresent('a');
    }
    expect(await hits()).toBe(2);
    expect(await size()).toBe(2);
    // A counter that goes down would look like a restart.
    await other.app.close();
    expect(await hits()).toBe(2);
    expect(await size()).toBe(1);
    one.scratch.getIfPresent('a');
    expect(await hits()).toBe(3);
  });

  it('count a cache once, however often it is instrumented, and go on where it is again', async () => {
    const sdk = await Sdk.start();
    const { app, scratch } = await startTelemetryApp(sdk, {}, []);
    const options = { meterProvider: sdk.meterProvider, tracerProvider: sdk.tracerProvider };
    const hits = async () => (await sdk.scrape()).value('cache_hits_total', 'scratch');
    const cache = app.get(CacheService);
    await scratch.set('a', 1);
    const [first, second] = [instrumentCache(cache, options), instrumentCache(cache, options)];
    scratch.getIfPresent('a');
    expect(await hits()).toBe(1);
    first();
    first();
    scratch.getIfPresent('a');
    expect(await hits()).toBe(2);
    second();
    scratch.getIfPresent('a');
    const third = instrumentCache(cache, options);
    expect(await hits()).toBe(3);
    third();
  });

  it('keep what was counted when the application has stopped, for the last export, and are 0 for all else', async () => {
    const sdk = await Sdk.start();
    const { app, scratch, drafts } = await startTelemetryApp(sdk);
    await scratch.set('a', 1);
    await drafts.set('a', 1);
    scratch.getIfPresent('a');
    // An SDK goes on with the last value of a series that is not observed any more.
    expect((await sdk.scrape()).value('cache_dirty_count', 'drafts')).toBe(1);
    await app.close();
    const scrape = await sdk.scrape();
    expect(scrape.value('cache_hits_total', 'scratch')).toBe(1);
    expect(scrape.value('cache_sets_total', 'scratch')).toBe(1);
    for (const name of ['cache_entry_count', 'cache_entry_limit', 'cache_dirty_age'])
      expect(scrape.value(name, 'scratch')).toBe(0);
    for (const name of ['cache_entry_count', 'cache_dirty_count', 'cache_dirty_usage', 'cache_dirty_age'])
      expect(scrape.value(name, 'drafts')).toBe(0);
  });

  it('show after a stop what it could not write', async () => {
    const sdk = await Sdk.start();
    const storage = new FaultyStorage(new InMemoryStorage());
    const options = { storage, rescueJournal: false, shutdownTimeoutMs: 100 } as const;
    const { app, drafts } = await startTelemetryApp(sdk, options);
    await drafts.set('a', 1);
    storage.failWrites(Infinity);
    await app.close();
    // The process is to end so.
    process.exitCode = undefined;
    const scrape = await sdk.scrape();
    expect(scrape.value('cache_dirty_count', 'drafts')).toBe(1);
    expect(scrape.value('cache_entry_count', 'drafts')).toBe(0);
  });

  it('count what the cache writes in the last hook of the application', async () => {
    const sdk = await Sdk.start();
    const started = await startTelemetryApp(sdk, {}, [telemetryOf(sdk), LateWriterModule]);
    await started.app.close();
    expect((await sdk.scrape()).value('cache_storage_writes_total', 'drafts')).toBe(1);
  });

  it('of a cache that is measured no more are those that it had then', async () => {
    const sdk = await Sdk.start();
    const { app, scratch } = await startTelemetryApp(sdk, {}, []);
    const { meterProvider, tracerProvider } = sdk;
    const stop = instrumentCache(app.get(CacheService), { meterProvider, tracerProvider });
    await scratch.set('a', 1);
    stop();
    await scratch.set('b', 1);
    const scrape = await sdk.scrape();
    expect(scrape.value('cache_sets_total', 'scratch')).toBe(1);
    expect(scrape.value('cache_entry_count', 'scratch')).toBe(0);
  });

  it('are not made where the telemetry is of spans alone', async () => {
    const sdk = await Sdk.start();
    const { meterProvider, tracerProvider } = sdk;
    const { carts } = await startTelemetryApp(sdk, {}, [
      CacheTelemetryModule.forRoot({ meterProvider, tracerProvider, metrics: false }),
    ]);
    await carts.set('a', 1);
    expect(sdk.writes).toHaveLength(1);
    expect([...(await sdk.scrape()).names].filter((name) => name.startsWith('cache_'))).toEqual([]);
  });

  it.runIf(onPostgres)('tell of the backplane, without an attribute', async () => {
    const sdk = await Sdk.start();
    const storage = await onPostgres?.();
    if (storage === undefined) return;
    const { carts, cache } = await startTelemetryApp(sdk, { storage });
    await carts.set('a', 1);
    await expect
      .poll(() => cache.getStats()['carts']?.backplane?.sent, { timeout: 10_000 })
      .toBeGreaterThan(0);
    const scrape = await sdk.scrape();
    const backplane = cache.getStats()['carts']?.backplane;
    expect(backplane).toBeDefined();
    expect(scrape.value('cache_backplane_sent_total')).toBe(backplane?.sent);
    expect(scrape.value('cache_backplane_received_total')).toBe(backplane?.received);
    expect(scrape.value('cache_backplane_lost_total')).toBe(0);
    expect(scrape.value('cache_backplane_outages_total')).toBe(backplane?.outages);
    expect(scrape.value('cache_backplane_down')).toBe(0);
  });
});

describe('the telemetry', () => {
  it.each<[what: string, options: unknown]>([
    ['an option that it does not have', { span: false }],
    ['what is no options', null],
    ['a flag that is none', { spans: 'yes' }],
    ['a provider that is none', { meterProvider: {} }],
    ['another one', { tracerProvider: {} }],
  ])('refuses %s, where it is given', (_what, options) => {
    const given = options as CacheTelemetryOptions;
    expect(() => CacheTelemetryModule.forRoot(given)).toThrow(errorWith('INVALID_OPTION'));
  });

  it('refuses what is no cache', () => {
    const what = { get: () => undefined } as unknown as CacheService;
    expect(() => instrumentCache(what)).toThrow(errorWith('INVALID_OPTION'));
  });

  it('fails the start of an application without a cache, and says what to import', async () => {
    await expect(startApp([CacheTelemetryModule.forRoot()])).rejects.toMatchObject({
      code: 'MISSING_MODULE',
      message: expect.stringContaining('CacheModule.forRoot()') as string,
    });
  });

  it('measures with a provider that another module registers when it starts', async () => {
    const sdk = await Sdk.start();
    onTestFinished(() => metrics.disable());
    @Module({})
    class SdkModule implements OnModuleInit {
      onModuleInit(): void {
        metrics.setGlobalMeterProvider(sdk.meterProvider);
      }
    }
    for (const modules of [
      [CacheTelemetryModule.forRoot(), SdkModule],
      [SdkModule, CacheTelemetryModule.forRoot()],
    ]) {
      const { app, carts } = await startTelemetryApp(sdk, {}, modules);
      await carts.set('a', 1);
      await app.close();
      metrics.disable();
    }
    const scrape = await sdk.scrape();
    expect(scrape.value('cache_sets_total', 'carts')).toBe(2);
    expect(scrape.value('cache_commit_duration_count', 'carts')).toBe(2);
  });

  it('does nothing where no SDK is registered', async () => {
    const sdk = await Sdk.start();
    const { carts } = await startTelemetryApp(sdk, {}, [CacheTelemetryModule.forRoot()]);
    await carts.set('a', 1);
    expect(await carts.get('a')).toBe(1);
    expect(sdk.spans.getFinishedSpans()).toEqual([]);
  });
});
