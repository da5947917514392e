import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InMemoryStorage, LinkedBackplane, postgresBackplane, type Backplane } from '../../src/index.js';
import { carriesMessages } from '../../src/core/sharing/messaging-storage.js';
import { messageLinks } from '../../src/storage/postgres/message-link.js';
import type { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { BackplaneEnd } from '../../src/testing/contract/backplane-end.js';
import { storageOn } from '../contract/sql-storage.js';
import { certificateFor, hasOpenssl } from '../support/certificate.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { errorWith } from '../support/definitions.js';
import { FakeClock } from '../support/fake-clock.js';
import { privatePostgres } from '../support/private-postgres.js';
import { POSTGRES, storageOf } from '../support/server-kind.js';
import { postgresServer } from '../support/services.js';
import { TransactionPooler } from '../support/transaction-pooler.js';

const server = await postgresServer();
const CHANNEL = 'ndc_test';

/** The sessions of a database that listen or notify, and how each of them is called. */
const LISTENERS = `FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^(LISTEN|SELECT pg_notify)'`;

describe.skipIf(server === undefined)('a backplane on PostgreSQL', () => {
  let url: string;
  let db: DataSource;
  const closing: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    url = (await server?.newDatabase()) ?? '';
    db = await new DataSource({ type: 'postgres', url, poolSize: 2 }).initialize();
    closing.push(() => db.destroy());
  });

  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  const opened = async (at: string): Promise<TypeOrmStorage> => {
    const storage = storageOf(POSTGRES, at);
    await storage.open();
    closing.push(() => storage.close());
    return storage;
  };

  const endOf = async (storage: TypeOrmStorage, backplane: Backplane): Promise<BackplaneEnd> => {
    closing.push(() => backplane.close());
    return new BackplaneEnd(backplane, storage.connectMessages).open(CHANNEL);
  };

  const listeners = async (): Promise<number> => {
    const [row] = await db.query<{ n: string }[]>(`SELECT COUNT(*) AS n ${LISTENERS}`);
    return Number(row?.n);
  };

  it('takes one session beside those of the pool, with the name of the cache, outside of any transaction', async () => {
    const storage = await opened(url);
    const end = await endOf(storage, postgresBackplane());
    await end.hearsItself('a');
    const sessions = await db.query<unknown[]>(`SELECT application_name AS name, state ${LISTENERS}`);
    expect(sessions).toEqual([{ name: 'nestjs-durable-cache', state: 'idle' }]);
    await end.backplane.close();
    await expect.poll(listeners).toBe(0);
  });

  it('is heard by whoever listens on the channel, and by nobody of another database', async () => {
    const here = await endOf(await opened(url), postgresBackplane());
    const there = await endOf(await opened((await server?.newDatabase()) ?? ''), postgresBackplane());
    await here.publish('a');
    await here.heard(1);
    await there.hearsItself('b');
    expect(there.texts).toEqual(['b']);
  });

  it('sends one text in a millisecond at most, so that a busy writer does not notify for each commit', async () => {
    const end = await endOf(await opened(url), postgresBackplane());
    const from = performance.now();
    for (let i = 0; i < 50; i += 1) await end.publish(`${i}`);
    // A timer counts in whole milliseconds.
    expect(performance.now() - from).toBeGreaterThan(45);
    await end.heard(50);
  });

  it('says that it is down when its session is ended, with the reason, and comes back', async () => {
    const end = await endOf(await opened(url), postgresBackplane());
    await db.query(`SELECT pg_terminate_backend(pid) ${LISTENERS}`);
    await end.told(3);
    expect(end.states).toEqual(['up', 'down', 'up']);
    expect(end.causes).toEqual([
      expect.objectContaining({
        name: 'DatabaseError',
        code: '57P01',
        message: expect.stringMatching(/terminat/),
      }),
    ]);
    await end.hearsItself('again');
    expect(await listeners()).toBe(1);
  });

  it('comes back when the network cuts it, though the server has not heard of that', async () => {
    const proxy = await CuttingProxy.before(url);
    closing.push(() => proxy.close());
    const end = await endOf(await opened(proxy.through(url)), postgresBackplane());
    proxy.cutClients();
    await end.told(3);
    await end.hearsItself('again');
    expect(end.texts).toEqual(['again']);
  });

  it('finds a connection that is open and silent when it publishes', async () => {
    const proxy = await CuttingProxy.before(url);
    closing.push(() => proxy.close());
    const storage = await opened(proxy.through(url));
    const clock = new FakeClock();
    const connect = storage.connectMessages ?? (() => Promise.reject(new Error('none')));
    const end = await endOf(storage, new LinkedBackplane({ name: 'silent', connect, clock }));
    proxy.fallSilent();
    const published = end.publish('into the dark').catch((error: unknown) => error);
    await clock.advance(5000);
    expect(await published).toEqual(errorWith('BACKPLANE_FAILED'));
    expect(end.states).toEqual(['up', 'down']);
    await end.refusesToPublish();
  });

  it('makes a new connection when it is told of a silence, without waiting for the old one', async () => {
    const proxy = await CuttingProxy.before(url);
    closing.push(() => proxy.close());
    const end = await endOf(await opened(proxy.through(url)), postgresBackplane());
    // The answers of this connection are held, as on a dead one. Another one is as good as new.
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

  it('does not open where a pooler takes LISTEN and delivers nothing', async () => {
    const pooler = await TransactionPooler.before(url, 'session');
    closing.push(() => pooler.close());
    const storage = await opened(pooler.url);
    pooler.swallowNotifications();
    await expect(endOf(storage, postgresBackplane())).rejects.toThrow(
      "The backplane (PostgreSQL's NOTIFY) does not bring back what is sent to it.",
    );
  });

  it('works through a pooler that gives whole sessions', async () => {
    const pooler = await TransactionPooler.before(url, 'session');
    closing.push(() => pooler.close());
    const end = await endOf(await opened(pooler.url), postgresBackplane());
    await end.hearsItself('a');
  });

  it('does not open behind a pooler that lends sessions for a transaction, with the remedy', async () => {
    const pooler = await TransactionPooler.before(url, 'transaction');
    closing.push(() => pooler.close());
    // A storage would not open there either.
    const dataSource = await new DataSource({ type: 'postgres', url: pooler.url }).initialize();
    closing.push(() => dataSource.destroy());
    const backplane = postgresBackplane();
    closing.push(() => backplane.close());
    const error: unknown = await new BackplaneEnd(backplane, messageLinks(dataSource))
      .open(CHANNEL)
      .catch((reason: unknown) => reason);
    expect(error).toEqual(errorWith('UNSUPPORTED_STORAGE'));
    expect(String(error)).toMatch(/session mode/);
  });

  it('shows neither what is sent nor credentials when a text is refused', async () => {
    const end = await endOf(await opened(url), postgresBackplane());
    const error: unknown = await end.publish('secret'.repeat(2000)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'DatabaseError', code: '22023' });
    expect(JSON.stringify(error) + String(error)).not.toContain('secret');
    expect(end.states).toEqual(['up']);
    await end.hearsItself('a');
  });

  it('is what a storage on PostgreSQL offers, and no other', async () => {
    expect(carriesMessages(storageOf(POSTGRES, url))).toBe(true);
    expect(carriesMessages(storageOn({ type: 'better-sqlite3', database: ':memory:' }))).toBe(false);
    expect(carriesMessages(new InMemoryStorage())).toBe(false);
    const backplane = postgresBackplane();
    closing.push(() => backplane.close());
    await expect(new BackplaneEnd(backplane, undefined).open(CHANNEL)).rejects.toThrow(
      errorWith('INVALID_OPTION'),
    );
  });
});

const secured = hasOpenssl ? await privatePostgres() : undefined;

describe.skipIf(secured === undefined)('a backplane on a PostgreSQL with TLS', () => {
  afterAll(() => secured?.remove());

  it('is reached as the storage is, by the certificate that it was told to trust', async () => {
    if (secured === undefined) return;
    const { certFile, keyFile, pem } = certificateFor(secured);
    appendFileSync(
      join(secured.folder, 'data', 'postgresql.conf'),
      `ssl = on\nssl_cert_file = '${certFile}'\nssl_key_file = '${keyFile}'\n`,
    );
    await secured.stop('SIGINT');
    await secured.start();
    const url = secured.url.replace('127.0.0.1', 'localhost');
    const storage = storageOf(POSTGRES, url, { ssl: { ca: pem } });
    await storage.open();
    const backplane = postgresBackplane();
    const end = await new BackplaneEnd(backplane, storage.connectMessages).open(CHANNEL);
    await end.hearsItself('a');
    const admin = await new DataSource({ type: 'postgres', url: secured.url }).initialize();
    const sessions = await admin.query<unknown[]>(
      `SELECT ssl FROM pg_stat_ssl JOIN (SELECT pid ${LISTENERS}) l USING (pid)`,
    );
    expect(sessions).toEqual([{ ssl: true }]);
    await admin.destroy();
    await backplane.close();
    await storage.close();
  });
});
