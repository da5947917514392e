import { tracingChannel } from 'node:diagnostics_channel';
import { diag } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { ATTR_ERROR_TYPE, ERROR_TYPE_VALUE_OTHER } from '@opentelemetry/semantic-conventions';
import { DataSource } from 'typeorm';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CacheService, COMMIT_CHANNEL, InMemoryStorage, type CommitTrace } from '../../../src/index.js';
import { instrumentCache } from '../../../src/integrations/opentelemetry/index.js';
import { DatabaseError } from '../../../src/storage/driver-error.js';
import { FaultyStorage } from '../../../src/testing/index.js';
import { Gate } from '../../support/gate.js';
import { isChildOf, isFailed, Sdk } from './sdk.js';
import { newFile, startTelemetryApp, telemetryOf } from './telemetry-app.js';

describe('the spans of the cache', () => {
  it('tell of the loads at the start', async () => {
    const sdk = await Sdk.start();
    const storage = { type: 'better-sqlite3', database: newFile() } as const;
    const before = await startTelemetryApp(sdk, { storage });
    await before.carts.setMany([
      ['a', 1],
      ['b', 2],
    ]);
    await before.app.close();
    sdk.spans.reset();
    await startTelemetryApp(sdk, { storage });
    const loads = sdk.named('cache.load').map(({ attributes }) => attributes);
    expect(loads).toContainEqual({
      'cache.namespace': 'carts',
      'cache.load.rows': 2,
      'cache.load.skipped': 0,
    });
    expect(new Set(loads.map((attributes) => attributes['cache.namespace']))).toEqual(
      new Set(['carts', 'drafts']),
    );
    expect(loads).toHaveLength(2);
  });

  it('show a commit and a read under the request that waits for them', async () => {
    const sdk = await Sdk.start();
    const { url } = await startTelemetryApp(sdk);
    for (const key of ['a', 'b', 'c']) await fetch(`${url}/carts/${key}/1`, { method: 'POST' });
    const first = sdk.writes.find((span) => isChildOf(span, sdk.span('POST a')));
    expect(first?.attributes).toEqual({
      'cache.commit.operation': 'write',
      'cache.commit.namespaces': ['carts'],
      'cache.commit.puts': 1,
      'cache.commit.deletes': 0,
    });
    expect(first && isFailed(first)).toBe(false);
    // Two entries are in memory.
    await fetch(`${url}/carts/a`);
    const read = sdk.span('cache.read');
    expect(isChildOf(read, sdk.span('GET a'))).toBe(true);
    expect(read.attributes).toEqual({
      'cache.namespace': 'carts',
      'cache.read.keys': 1,
      'cache.read.found': 1,
    });
    await fetch(`${url}/carts/a`);
    expect(sdk.named('cache.read')).toHaveLength(1);
  });

  it('show the commit that several requests share under the first of them', async () => {
    const sdk = await Sdk.start();
    const storage = new FaultyStorage(new InMemoryStorage());
    const { carts } = await startTelemetryApp(sdk, { storage });
    storage.hang('writes');
    const requests = ['one', 'two', 'three'].map((name) => sdk.request(name, () => carts.set(name, 1)));
    await new Promise(setImmediate);
    storage.heal();
    const [one] = await Promise.all(requests);
    const [commit, ...others] = sdk.writes;
    expect(others).toEqual([]);
    expect(commit?.attributes['cache.commit.puts']).toBe(3);
    expect(commit && one && isChildOf(commit, one)).toBe(true);
  });

  it('show a flush under its caller, and the commits of the flush under that', async () => {
    const sdk = await Sdk.start();
    const { drafts } = await startTelemetryApp(sdk);
    await sdk.request('edit', () => drafts.set('a', 1));
    const save = await sdk.request('save', () => drafts.flush());
    const flush = await sdk.endedSpan('cache.flush');
    expect(isChildOf(flush, save)).toBe(true);
    expect(flush.attributes).toEqual({
      'cache.namespace': 'drafts',
      'cache.flush.written': 1,
      'cache.flush.failed': 0,
      'cache.flush.remaining': 0,
    });
    expect(sdk.writes.map((span) => isChildOf(span, flush))).toEqual([true]);
  });

  it('show a flush that is tried again under nobody: it is not the business of its caller any more', async () => {
    const sdk = await Sdk.start();
    const storage = new FaultyStorage(new InMemoryStorage());
    const { drafts } = await startTelemetryApp(sdk, { storage });
    await drafts.set('a', 1);
    storage.failWrites(2);
    const save = await sdk.request('save', () => drafts.flush());
    await vi.waitFor(() => expect(sdk.named('cache.flush')).toHaveLength(3), { timeout: 10_000 });
    const [first, ...again] = sdk.named('cache.flush');
    expect(first && isChildOf(first, save)).toBe(true);
    expect(again.map(({ parentSpanContext }) => parentSpanContext)).toEqual([undefined, undefined]);
  });

  it('leave what goes on by itself out of the span in which it was set going, such as that of the start', async () => {
    const sdk = await Sdk.start();
    class TracedStorage extends InMemoryStorage {
      override heads() {
        sdk.tracer.startSpan('HEADS').end();
        return super.heads();
      }
    }
    const storage = new TracedStorage();
    await sdk.request('create', () => startTelemetryApp(sdk, { storage, instances: 'many', pollMs: 5 }));
    const seen = sdk.named('HEADS').length;
    await vi.waitFor(() => expect(sdk.named('HEADS').length).toBeGreaterThan(seen + 3), { timeout: 10_000 });
    expect(sdk.named('HEADS').at(-1)?.parentSpanContext).toBeUndefined();
  });

  it('are active while the database works, for the spans of its driver', async () => {
    const sdk = await Sdk.start();
    class TracedStorage extends InMemoryStorage {
      override write(...args: Parameters<InMemoryStorage['write']>) {
        sdk.tracer.startSpan('INSERT').end();
        return super.write(...args);
      }
    }
    const { carts } = await startTelemetryApp(sdk, { storage: new TracedStorage() });
    await carts.set('a', 1);
    expect(sdk.writes.map((span) => isChildOf(sdk.span('INSERT'), span))).toEqual([true]);
  });

  it('have the status of an error, with its code and nothing of its text', async () => {
    const sdk = await Sdk.start();
    const database = newFile();
    const { carts, drafts } = await startTelemetryApp(sdk, { storage: { type: 'better-sqlite3', database } });
    const file = await new DataSource({ type: 'better-sqlite3', database }).initialize();
    await file.query(`CREATE TRIGGER refusal BEFORE INSERT ON cache_storage WHEN NEW."key" = 'secret'
      BEGIN SELECT RAISE(ABORT, 'secret is refused'); END`);
    await file.destroy();
    await expect(sdk.request('POST', () => carts.set('secret', 1))).rejects.toMatchObject({
      code: 'ENTRY_REFUSED',
    });
    await drafts.set('secret', 1);
    await drafts.flush();
    const commits = sdk.writes.filter((span) => isFailed(span));
    expect(commits).toHaveLength(2);
    for (const { status, attributes } of commits) {
      expect(status.message).toBe('refused');
      expect(attributes[ATTR_ERROR_TYPE]).toBe('SQLITE_CONSTRAINT_TRIGGER');
    }
    const flush = await sdk.endedSpan('cache.flush');
    expect(isFailed(flush)).toBe(true);
    expect(flush.attributes).toMatchObject({
      'cache.flush.failed': 1,
      [ATTR_ERROR_TYPE]: ERROR_TYPE_VALUE_OTHER,
    });
    const told = sdk.spans
      .getFinishedSpans()
      .map(({ attributes, events, status }) => [attributes, events, status]);
    expect(JSON.stringify(told)).not.toContain('secret');
  });

  it('have that status where the database is away, for each attempt', async () => {
    const sdk = await Sdk.start();
    const storage = new FaultyStorage(new InMemoryStorage());
    const { carts } = await startTelemetryApp(sdk, { storage });
    storage.failWrites(1);
    await carts.set('a', 1);
    expect(sdk.writes.map((span) => isFailed(span))).toEqual([true, false]);
    storage.failReads(1);
    await carts.set('b', 1);
    await carts.set('c', 1);
    await expect(carts.get('a')).rejects.toMatchObject({ code: 'READ_FAILED' });
    expect(isFailed(sdk.span('cache.read'))).toBe(true);
  });

  it('name the class of an error that has no code', async () => {
    const sdk = await Sdk.start();
    const storage = new FaultyStorage(new InMemoryStorage());
    const { carts } = await startTelemetryApp(sdk, { storage });
    storage.failWrites(1, new DatabaseError('Connection terminated unexpectedly', undefined, 'transient'));
    await carts.set('a', 1);
    expect(sdk.writes[0]?.attributes[ATTR_ERROR_TYPE]).toBe('DatabaseError');
  });

  it('are made once, also where two applications have telemetry, and until both have stopped', async () => {
    const sdk = await Sdk.start();
    const one = await startTelemetryApp(sdk);
    const other = await startTelemetryApp(sdk, {}, [telemetryOf(sdk), telemetryOf(sdk)]);
    await one.carts.set('a', 1);
    expect(sdk.writes).toHaveLength(1);
    await other.app.close();
    await one.carts.set('b', 1);
    expect(sdk.writes).toHaveLength(2);
    await one.drafts.set('a', 1);
    // What is written in the stop is told of, too.
    await one.app.close();
    expect(sdk.named('cache.flush').map(({ attributes }) => attributes['cache.flush.written'])).toContain(1);
    const told = sdk.spans.getFinishedSpans().length;
    const without = await startTelemetryApp(sdk, {}, []);
    await without.carts.set('a', 1);
    expect(sdk.spans.getFinishedSpans()).toHaveLength(told);
  });

  it('end with their operations, also when the telemetry has ended before', async () => {
    const sdk = await Sdk.start();
    const storage = new FaultyStorage(new InMemoryStorage());
    const { app, carts } = await startTelemetryApp(sdk, { storage }, []);
    const { meterProvider, tracerProvider } = sdk;
    const stop = instrumentCache(app.get(CacheService), { meterProvider, tracerProvider });
    storage.hang('writes');
    const begun = new Gate();
    const { start } = tracingChannel<unknown, CommitTrace>(COMMIT_CHANNEL);
    const look = (trace: unknown): void => {
      if ((trace as CommitTrace).operation === 'write') begun.open();
    };
    start.subscribe(look);
    const written = carts.set('a', 1);
    await begun.opened;
    start.unsubscribe(look);
    stop();
    storage.heal();
    await written;
    expect(sdk.writes).toHaveLength(1);
    expect((await sdk.scrape()).value('cache_commit_duration_count', 'carts')).toBe(1);
    await carts.set('b', 1);
    expect(sdk.writes).toHaveLength(1);
    expect(tracingChannel(COMMIT_CHANNEL).hasSubscribers).toBe(false);
  });

  it('are not made where the telemetry is of metrics alone', async () => {
    const sdk = await Sdk.start();
    const { app, carts } = await startTelemetryApp(sdk, {}, []);
    const { meterProvider, tracerProvider } = sdk;
    const stop = instrumentCache(app.get(CacheService), { meterProvider, tracerProvider, spans: false });
    await carts.set('a', 1);
    expect(sdk.writes).toEqual([]);
    expect((await sdk.scrape()).value('cache_commit_duration_count', 'carts')).toBe(1);
    stop();
  });

  it('never stop the cache: a sampler that throws is told to the diagnostics of OpenTelemetry', async () => {
    const sdk = await Sdk.start();
    const told = vi.fn<(...args: unknown[]) => void>();
    const ignore = (): void => undefined;
    diag.setLogger({ error: told, warn: ignore, info: ignore, debug: ignore, verbose: ignore });
    onTestFinished(() => diag.disable());
    const broken = new Error('the sampler is broken');
    const tracerProvider = new BasicTracerProvider({
      sampler: {
        shouldSample() {
          throw broken;
        },
      },
    });
    const { app, carts } = await startTelemetryApp(sdk, {}, []);
    const stop = instrumentCache(app.get(CacheService), { tracerProvider, metrics: false });
    await carts.set('a', 1);
    expect(await carts.get('a')).toBe(1);
    expect(told).toHaveBeenCalledWith(expect.any(String), broken);
    stop();
  });
});
