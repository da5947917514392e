import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createClient } from '@redis/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LinkedBackplane, type Backplane } from '../../src/index.js';
import { redisBackplane, type RedisBackplaneOptions } from '../../src/integrations/redis/index.js';
import { BackplaneEnd } from '../../src/testing/contract/backplane-end.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { errorWith } from '../support/definitions.js';
import { freePort } from '../support/free-port.js';
import { redisServer } from '../support/services.js';

const server = (await redisServer()) ?? '';
const CHANNEL = 'ndc_test';

describe('the options of a backplane on Redis', () => {
  it.each<[string, RedisBackplaneOptions, string]>([
    ['neither a url nor a client', {}, 'client'],
    ['both', { url: 'redis://localhost', client: createClient() }, 'client'],
    ['a url of another protocol', { url: 'http://user:secret@localhost' }, 'url'],
    ['what is no url', { url: 'secret' }, 'url'],
    ['what is no client', { client: {} as never }, 'client'],
    ['a prefix with a space', { url: 'redis://localhost', prefix: 'my app' }, 'prefix'],
  ])('are refused when they are %s', (_what, options, option) => {
    const refused = expect.objectContaining({ code: 'INVALID_OPTION', option }) as Error;
    expect(() => redisBackplane(options)).toThrow(refused);
    expect(() => redisBackplane(options)).not.toThrow(/secret/);
  });

  it('are shown as they are meant where an address is given without them', () => {
    const given = 'redis://:secret@localhost' as RedisBackplaneOptions;
    expect(() => redisBackplane(given)).toThrow(
      "redisBackplane() takes { url: 'redis://localhost:6379' } or { client }: one of them.",
    );
  });

  it.each<[RedisBackplaneOptions, string]>([
    [{ url: 'redis://user:secret@cache.example.com:7000/3' }, 'Redis at cache.example.com:7000'],
    [{ url: 'rediss://cache.example.com' }, 'Redis at cache.example.com:6379'],
    [{ client: createClient({ url: 'redis://:secret@[::1]' }) }, 'Redis at [::1]:6379'],
    [{ client: createClient({ password: 'secret', socket: { host: 'one' } }) }, 'Redis at one:6379'],
    [
      { client: createClient({ socket: { path: '/run/redis.sock', tls: false } }) },
      'Redis at /run/redis.sock',
    ],
    [{ client: createClient() }, 'Redis at localhost:6379'],
  ])('are described without credentials: %#', (options, described) => {
    expect(redisBackplane(options).describe()).toBe(described);
  });
});

describe.skipIf(server === '')('a backplane on Redis', () => {
  const closing: (() => Promise<unknown> | void)[] = [];
  /** A server that takes connections and says nothing. */
  const silent = createServer();

  beforeAll(async () => {
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
  });

  afterAll(() => silent.close());

  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  const newEnd = (backplane: Backplane): BackplaneEnd => {
    closing.push(() => backplane.close());
    return new BackplaneEnd(backplane, undefined);
  };

  const proxied = async (): Promise<CuttingProxy> => {
    const proxy = await CuttingProxy.before(server);
    closing.push(() => proxy.close());
    return proxy;
  };

  it("leaves the application's client alone: it may be closed, or never be connected", async () => {
    const client = createClient({ url: server });
    const end = await newEnd(redisBackplane({ client })).open(CHANNEL);
    expect(client.isOpen).toBe(false);
    await client.connect();
    await end.backplane.close();
    expect(await client.ping()).toBe('PONG');

    const other = await newEnd(redisBackplane({ client })).open(CHANNEL);
    await client.close();
    await other.hearsItself('a');
  });

  it('hears what has its prefix, and nothing else', async () => {
    const staging = await newEnd(redisBackplane({ url: server, prefix: 'staging:' })).open(CHANNEL);
    const other = await newEnd(redisBackplane({ url: server })).open(CHANNEL);
    const bare = createClient({ url: server });
    await bare.connect();
    closing.push(() => bare.destroy());
    await other.hearsItself('a');
    await bare.publish(`staging:${CHANNEL}`, 'b');
    await staging.heard(1);
    expect(staging.texts).toEqual(['b']);
    expect(other.texts).toEqual(['a']);
  });

  it('comes back with a client that would not, and with one whose offline queue would keep texts', async () => {
    const proxy = await proxied();
    const url = proxy.through(server);
    for (const socket of [{ reconnectStrategy: false as const }, {}]) {
      const client = createClient({ url, socket });
      const end = await newEnd(redisBackplane({ client })).open(CHANNEL);
      proxy.cutClients();
      await end.until(() => end.states.includes('down'));
      await end.refusesToPublish();
      await end.told(3);
      await end.hearsItself('again');
      expect(end.texts).toEqual(['again']);
    }
  });

  it('goes on trying where there is no server, and ends nothing but itself', async () => {
    const url = `redis://user:secret@127.0.0.1:${await freePort()}`;
    const uncaught: unknown[] = [];
    const note = (error: unknown): void => void uncaught.push(error);
    process.on('uncaughtException', note);
    process.on('unhandledRejection', note);
    let attempts = 0;
    let enough: () => void = () => undefined;
    const tried = new Promise<void>((resolve) => {
      enough = resolve;
    });
    const original = createClient({ url });
    const client = {
      options: original.options,
      duplicate: (settings: object): unknown => {
        attempts += 1;
        if (attempts === 8) enough();
        return original.duplicate(settings);
      },
    };
    const end = newEnd(redisBackplane({ client }));
    const error: unknown = await end.open(CHANNEL).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    expect(String(error)).not.toContain('secret');
    await tried;
    await end.refusesToPublish();
    await end.backplane.close();
    await new Promise(setImmediate);
    process.off('uncaughtException', note);
    process.off('unhandledRejection', note);
    expect(uncaught).toEqual([]);
    expect(end.states).toEqual([]);
  });

  it('rejects what is published into a silence when it is told of that, and comes back', async () => {
    const proxy = await proxied();
    const end = await newEnd(redisBackplane({ url: proxy.through(server) })).open(CHANNEL);
    const held = proxy.holdAnswersTo('into the dark');
    const published = end.publish('into the dark').catch((error: unknown) => error);
    await expect.poll(() => held.clients).toBe(1);
    const silence = new Error('nothing is heard');
    end.backplane.reconnect(silence);
    expect(await published).toBe(silence);
    await end.told(3);
    await end.hearsItself('again');
    held.release();
  });

  it('can be closed while the server does not answer', async () => {
    const proxy = await proxied();
    proxy.fallSilent();
    const end = newEnd(redisBackplane({ url: proxy.through(server) }));
    const opened = end.open(CHANNEL).catch((error: unknown) => error);
    await end.backplane.close();
    expect(await opened).toEqual(errorWith('CACHE_CLOSED'));
  });

  it('lets go of a connection that it gets after it was closed', async () => {
    const sockets = new Set<Socket>();
    const connected = new Promise<void>((resolve) => {
      silent.once('connection', () => resolve());
    });
    silent.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
      socket.resume();
    });
    const end = newEnd(
      redisBackplane({ url: `redis://127.0.0.1:${(silent.address() as AddressInfo).port}` }),
    );
    const opened = end.open(CHANNEL).catch((error: unknown) => error);
    await end.backplane.close();
    expect(await opened).toEqual(errorWith('CACHE_CLOSED'));
    await connected;
    await expect.poll(() => sockets.size).toBe(0);
  });

  it('is a backplane of links, as those of an application may be', () => {
    expect(redisBackplane({ url: server })).toBeInstanceOf(LinkedBackplane);
  });
});
