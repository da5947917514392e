import type { CanActivate, INestApplication } from '@nestjs/common';
import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InMemoryStorage, type NamespaceDefinition } from '../../src/index.js';
import type { Overview } from '../../src/inspector/live/overview.js';
import type { Sample } from '../../src/inspector/live/sampler.js';
import { FaultyStorage, TestClock } from '../../src/testing/index.js';
import { namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { closeApp, inspectedApp, PLATFORMS, type InspectedApp } from './support/inspected-app.js';

const users = namespaceOf<number>(ON_CHANGE, { name: 'users' });
const drafts = namespaceOf(ON_SHUTDOWN, { name: 'drafts' });

/** How many readers the server has. Who does not read does not see that it was let go. */
function connections(app: INestApplication): Promise<number> {
  const server = app.getHttpServer() as Server;
  return promisify(server.getConnections.bind(server))();
}

interface Started extends InspectedApp {
  readonly clock: TestClock;
  readonly storage: FaultyStorage;
}

describe.each(PLATFORMS)('the events of an inspector on %s', (platform) => {
  async function start(more: readonly NamespaceDefinition[] = [], guard?: CanActivate): Promise<Started> {
    const clock = new TestClock();
    const storage = new FaultyStorage(new InMemoryStorage(), clock);
    const cache = {
      clock,
      storage,
      namespaces: [users, drafts, ...more],
      checkpointIntervalMs: false as const,
    };
    return { ...(await inspectedApp({ platform, cache, inspector: { guard } })), clock, storage };
  }

  /** With minutes behind it that take megabytes to tell, more than the buffers of the system. */
  async function startLong(): Promise<Started> {
    const started = await start(
      Array.from({ length: 500 }, (_, i) => namespaceOf(ON_CHANGE, { name: `namespace${i}` })),
    );
    await started.clock.advance(300_000);
    return started;
  }

  /** Counts the questions to the database; those that are held wait for what is given back. */
  function counted({ storage }: Started): { asked: number; hold: () => () => void } {
    const read = storage.read.bind(storage);
    let held: Promise<void> | undefined;
    const counts = {
      asked: 0,
      hold: () => {
        let release: () => void = () => undefined;
        held = new Promise((resolve) => {
          release = resolve;
        });
        return () => {
          held = undefined;
          release();
        };
      },
    };
    storage.read = async (...of) => {
      counts.asked += 1;
      await held;
      return read(...of);
    };
    return counts;
  }

  it('begin with the minutes before, and how the cache is', async () => {
    const { client, clock, cache } = await start();
    await cache.namespace(users).set('a', 1);
    await cache.namespace(users).get('a');
    await cache.namespace(users).get('b');
    await clock.advance(2000);
    await clock.advance(2000);
    const events = await client.events();
    expect(events.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(events.headers['cache-control']).toContain('no-store');
    const { samples } = await events.next<{ samples: Sample[] }>('history');
    expect(events.preamble).toBe('retry: 2000');
    expect(samples.map(({ namespaces }) => namespaces['users'])).toEqual([
      {
        size: 1,
        hitRate: 0.5,
        hitsPerSecond: 0.5,
        missesPerSecond: 0.5,
        writesPerSecond: 0.5,
        dirty: 0,
        waiting: 0,
      },
      {
        size: 1,
        hitRate: null,
        hitsPerSecond: 0,
        missesPerSecond: 0,
        writesPerSecond: 0,
        dirty: 0,
        waiting: 0,
      },
    ]);
    expect(samples[1]?.at).toBe(clock.now());
    const overview = await events.next<Overview>('overview');
    expect(overview.namespaces[0]).toMatchObject({ name: 'users', size: 1 });
    events.close();
  });

  it('tell of each second, and of each sample', async () => {
    const { client, clock, cache } = await start();
    const events = await client.events();
    await events.next<Overview>('overview');
    await cache.namespace(users).set('a', 1);
    await clock.advance(1000);
    expect((await events.next<Overview>('overview')).namespaces[0]).toMatchObject({
      size: 1,
      writesPerSecond: 0,
    });
    await clock.advance(1000);
    expect((await events.next<Sample>('sample')).namespaces['users']).toMatchObject({ writesPerSecond: 0.5 });
    await clock.advance(1000);
    expect(
      (await events.next<Overview>('overview', ({ namespaces }) => namespaces[0]?.writesPerSecond !== 0))
        .namespaces[0],
    ).toMatchObject({ writesPerSecond: 0.5 });
    events.close();
  });

  it('keep five minutes of samples', async () => {
    const { client, clock } = await start();
    await clock.advance(400_000);
    const events = await client.events();
    const { samples } = await events.next<{ samples: Sample[] }>('history');
    expect(samples).toHaveLength(150);
    expect(samples.at(-1)?.at).toBe(clock.now());
    events.close();
  });

  it('tell of failures in words, without a key or a value', async () => {
    const { client, clock, cache, storage } = await start();
    storage.failWrites(Infinity);
    const write = cache.namespace(users).set('the key', 1);
    const failed = write.catch((error: unknown) => error);
    await clock.advance(11_000);
    expect(await failed).toMatchObject({ code: 'WRITE_FAILED' });
    storage.failReads(1);
    await cache
      .namespace(drafts)
      .refresh('the key')
      .catch(() => undefined);
    const { failures, health } = await client.read<Overview>('/api/overview');
    expect(health.status).not.toBe('up');
    expect(failures).toMatchObject([
      { code: 'READ_FAILED', namespace: 'drafts', count: 1 },
      { code: 'WRITE_FAILED', namespace: 'users', message: 'A write was rejected to its caller.', count: 1 },
      { code: 'WRITE_FAILED', message: expect.stringContaining('could not be written to') as string },
    ]);
    expect(failures[2]?.count).toBeGreaterThan(2);
    expect(JSON.stringify(failures)).not.toContain('the key');
    storage.heal();
  });

  it('tell of no failure of what the page itself has asked', async () => {
    const { client, storage } = await start();
    storage.failReads(Infinity);
    const { status } = await client.get('/api/entries?namespace=users');
    expect(status).toBe(503);
    storage.heal();
    expect((await client.read<Overview>('/api/overview')).failures).toEqual([]);
  });

  it('cost nothing while nobody watches', async () => {
    const { client, clock, storage } = await start();
    let asked = 0;
    const read = storage.read.bind(storage);
    storage.read = (...of) => {
      asked += 1;
      return read(...of);
    };
    await clock.advance(60_000);
    expect(asked).toBe(0);
    const events = await client.events();
    await events.next('overview');
    expect(asked).toBe(1);
    const other = await client.events();
    await other.next('overview');
    asked = 0;
    await clock.advance(1000);
    await events.next('overview');
    await other.next('overview');
    // One for both.
    expect(asked).toBe(1);
    events.close();
    other.close();
    await Promise.all([events.ended, other.ended]);
    await expect
      .poll(
        async () => {
          asked = 0;
          await clock.advance(10_000);
          return asked;
        },
        { interval: 1 },
      )
      .toBe(0);
  });

  it('end with the application, which does not wait for them', async () => {
    const started = await start();
    const readers = await Promise.all(Array.from({ length: 5 }, () => started.client.events()));
    await Promise.all(readers.map((events) => events.next('overview')));
    await closeApp(started);
    await Promise.all(readers.map(({ ended }) => ended));
  });

  it('end with the application, though somebody has stopped to read', async () => {
    const started = await startLong();
    const reader = await started.client.events();
    reader.stall();
    await started.clock.advance(1000);
    await closeApp(started);
    reader.close();
  });

  it('bring the minutes before to whoever reads slowly, however long they are', async () => {
    const { client, clock } = await startLong();
    const reader = await client.events();
    reader.stall();
    await clock.advance(1000);
    await clock.advance(1000);
    reader.goOn();
    expect((await reader.next<{ samples: Sample[] }>('history')).samples).toHaveLength(150);
    await reader.next<Overview>('overview', ({ at }) => at === clock.now());
    reader.close();
  });

  it('are not sent to who has left while the guard was asked', async () => {
    let admit: () => void = () => undefined;
    let isAsked: (response: ServerResponse) => void = () => undefined;
    const asked = new Promise<ServerResponse>((resolve) => {
      isAsked = resolve;
    });
    const started = await start([], {
      canActivate: (context) => {
        const http = context.switchToHttp();
        if (!http.getRequest<{ url: string }>().url.endsWith('/events')) return true;
        const response = http.getResponse<ServerResponse & { raw?: ServerResponse }>();
        isAsked(response.raw ?? response);
        return new Promise<boolean>((resolve) => {
          admit = () => resolve(true);
        });
      },
    });
    const reader = started.client.events().catch(() => undefined);
    const response = await asked;
    const isGone = once(response, 'close');
    response.req.socket.destroy();
    await isGone;
    await reader;
    admit();
    await started.client.read('/api/overview');
    const counts = counted(started);
    await started.clock.advance(10_000);
    expect(counts.asked).toBe(0);
  });

  it('are told once a second, however readers come and go', async () => {
    const started = await start();
    const { client, clock, app } = started;
    const counts = counted(started);
    const first = await client.events();
    await first.next('overview');
    const release = counts.hold();
    await clock.advance(1000);
    first.close();
    await expect.poll(() => connections(app)).toBe(0);
    const second = await client.events();
    await second.next('history');
    await clock.advance(300);
    release();
    await second.next('overview');
    counts.asked = 0;
    for (let seconds = 0; seconds < 5; seconds += 1) {
      await clock.advance(1000);
      await second.next('overview');
    }
    expect(counts.asked).toBe(5);
    second.close();
  });

  it('end after ten minutes, so that the guard is asked again', async () => {
    const { client, clock } = await start();
    const events = await client.events();
    await events.next('overview');
    await clock.advance(590_000);
    await events.next<Overview>('overview', ({ at }) => at === clock.now());
    await clock.advance(11_000);
    await events.ended;
  });

  it('go to so many readers, and no more', async () => {
    const { client } = await start();
    const readers = await Promise.all(Array.from({ length: 50 }, () => client.events()));
    await Promise.all(readers.map((events) => events.next('overview')));
    const { status, body } = await client.get('/api/events');
    expect([status, JSON.parse(body)]).toMatchObject([503, { code: 'TOO_MANY_STREAMS' }]);
    readers[0]?.close();
    await expect
      .poll(async () => {
        const events = await client.events();
        events.close();
        return events.status;
      })
      .toBe(200);
    for (const events of readers) events.close();
  });

  it('let a reader go that does not read, and go on for the others', async () => {
    // Their overviews are long.
    const many = Array.from({ length: 100 }, (_, i) => namespaceOf(ON_CHANGE, { name: `n${i}` }));
    const { client, clock, app } = await start(many);
    const [slow, quick] = [await client.events(), await client.events()];
    await Promise.all([slow.next('overview'), quick.next('overview')]);
    slow.stall();
    // Buffers of the system take some first.
    for (let seconds = 0; (await connections(app)) > 1 && seconds < 2000; seconds += 1) {
      await clock.advance(1000);
      await quick.next('overview');
    }
    expect(await connections(app)).toBe(1);
    await clock.advance(1000);
    await quick.next('overview');
    quick.close();
  });
});
