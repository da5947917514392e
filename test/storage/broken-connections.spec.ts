import type { INestApplicationContext } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CacheModule, CacheService, type NamespaceCache, type StoredEntry } from '../../src/index.js';
import type { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { STAMP, writeChanges } from '../../src/testing/contract/changes.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { increment, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { NestLog, startApp } from '../support/nest-app.js';
import { connectTo, MARIADB, optionsOf, POSTGRES, storageOf, until } from '../support/server-kind.js';
import { mariadbServer, postgresServer } from '../support/services.js';

const KINDS = [
  { kind: POSTGRES, name: 'PostgreSQL', server: await postgresServer() },
  { kind: MARIADB, name: 'MariaDB', server: await mariadbServer() },
];

/** Those of a write that is cut off, and of one after it. */
const OLD_STAMP = STAMP + 1;
const NEW_STAMP = STAMP + 2;

const row = (key: string, value: string): StoredEntry => ({ key, value, expiresAt: null });

for (const { kind, name, server } of KINDS)
  describe.skipIf(server === undefined)(`a broken connection to ${name}`, () => {
    let url: string;
    let proxy: CuttingProxy;
    let db: DataSource;

    beforeEach(async () => {
      if (server === undefined) return;
      url = await server.newDatabase();
      proxy = await CuttingProxy.before(url);
      db = await connectTo(kind, url);
    });

    afterEach(async () => {
      if (server === undefined) return;
      await db.destroy();
      await proxy.close();
    });

    describe('under a running cache', () => {
      const counters = namespaceOf<number>(ON_CHANGE, { name: 'counters' });
      let app: INestApplicationContext;
      let cache: NamespaceCache<string, number>;
      let log: NestLog;

      beforeEach(async () => {
        if (server === undefined) return;
        log = new NestLog();
        app = await startApp(
          [
            CacheModule.forRoot({
              storage: optionsOf(kind, proxy.through(url)),
              namespaces: [counters],
              chatNamespaces: false,
              rescueJournal: false,
              // Beside others a commit may be a single statement, and be told of by a message with its keys.
              instances: 'one',
            }),
          ],
          log,
        );
        cache = app.get(CacheService).namespace(counters);
      });

      /** What a next start would find. */
      async function stored(): Promise<Record<string, string>> {
        const storage = storageOf(kind, url);
        await storage.open();
        const { rows } = await storage.load('counters', { after: undefined, limit: 1000, now: 1 });
        await storage.close();
        return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
      }

      it('after a commit whose answer is lost, neither doubles nor loses an update', async () => {
        await cache.set('counter', 0);
        for (let i = 1; i <= 5; i += 1) {
          // The key and not the statement, which is kept prepared and not sent again.
          const lost = proxy.loseAnswerTo('counter');
          const update = cache.update('counter', increment);
          await lost;
          expect(await update).toBe(i);
        }
        expect(await stored()).toEqual({ counter: '5' });
        expect(log.with('cannot write to its database')).toHaveLength(5);
        expect(log.with('writes to its database again')).toHaveLength(5);
        await app.close();
        expect(await stored()).toEqual({ counter: '5' });
      });

      it('after a transaction whose COMMIT is not answered, has all of it once', async () => {
        await cache.setMany([
          ['a', 1],
          ['gone', 1],
        ]);
        const lost = proxy.loseAnswerTo('COMMIT');
        const writes = [cache.update('a', increment), cache.delete('gone'), cache.set('b', 1)];
        await lost;
        expect(await Promise.all(writes)).toEqual([2, true, undefined]);
        expect(await stored()).toEqual({ a: '2', b: '1' });
        await app.close();
      });

      it('goes on when every connection is cut while it is idle, and between writes', async () => {
        for (let i = 1; i <= 5; i += 1) {
          await cache.set('a', i);
          proxy.cutClients();
        }
        await app.close();
        expect(await stored()).toEqual({ a: '5' });
      });

      it('goes on when the server ends every session', async () => {
        for (let i = 1; i <= 3; i += 1) {
          await cache.set('a', i);
          if (kind === POSTGRES) {
            await db.query(
              'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
            );
          } else {
            const sessions: { id: string }[] = await db.query(
              "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID() AND command = 'Sleep'",
            );
            for (const { id } of sessions) await db.query(`KILL ${id}`).catch(() => undefined);
          }
        }
        await app.close();
        expect(await stored()).toEqual({ a: '3' });
      });
    });

    describe('in the middle of a write', () => {
      let storage: TypeOrmStorage;

      beforeEach(async () => {
        if (server === undefined) return;
        storage = storageOf(kind, proxy.through(url), { poolSize: 3 });
        await storage.open();
      });

      /** Begins a write of m.x and n.a, and cuts it off while it waits in the server for the row m.x. */
      async function leaveWriteBehind(release: Promise<void>): Promise<{ holding: Promise<void> }> {
        const key = db.driver.escape('key');
        let locked = (): void => undefined;
        const isLocked = new Promise<void>((resolve) => {
          locked = resolve;
        });
        const holding = db.transaction(async (manager) => {
          await manager.query(
            `UPDATE cache_storage SET value = 'held' WHERE namespace = 'm' AND ${key} = 'x'`,
          );
          locked();
          await release;
        });
        await isLocked;
        const write = writeChanges(
          storage,
          [
            { namespace: 'm', puts: [row('x', 'old')] },
            { namespace: 'n', puts: [row('a', 'old')] },
          ],
          2,
          OLD_STAMP,
        ).catch((error: unknown) => error);
        await until(db, kind.waiting, (n) => n > 0);
        proxy.cutClients();
        expect(storage.classify(await write)).toBe('transient');
        return { holding };
      }

      it('can’t let the old statement overtake a newer write later', async () => {
        await writeChanges(storage, [{ namespace: 'm', puts: [row('x', 'first')] }], 1);
        let release = (): void => undefined;
        const { holding } = await leaveWriteBehind(
          new Promise((resolve) => {
            release = resolve;
          }),
        );
        await until(db, kind.waiting, (n) => n > 0);
        await writeChanges(storage, [{ namespace: 'n', puts: [row('a', 'new')] }], 3, NEW_STAMP);
        // Ended by the newer write, and not because the lock came free. MariaDB lists a session for a little longer than it lives.
        await until(db, kind.waiting, (n) => n === 0);
        release();
        await holding;
        await until(db, kind.waiting, (n) => n === 0);
        expect(await storage.read('n', ['a'])).toEqual([{ ...row('a', 'new'), stamp: NEW_STAMP }]);
        expect(await storage.read('m', ['x'])).toEqual([{ ...row('x', 'held'), stamp: STAMP }]);
        await storage.close();
      });

      it.skipIf(kind === MARIADB)(
        'ends the old session also where the server writes times in a style of its own',
        async () => {
          await storage.close();
          const [{ name: database }] = (await db.query('SELECT current_database() AS name')) as [
            { name: string },
          ];
          await db.query(`ALTER DATABASE ${database} SET DateStyle = 'German'`);
          await db.query(`ALTER DATABASE ${database} SET TimeZone = 'Asia/Kolkata'`);
          storage = storageOf(kind, proxy.through(url));
          await storage.open();
          await writeChanges(storage, [{ namespace: 'm', puts: [row('x', 'first')] }], 1);
          let release = (): void => undefined;
          const { holding } = await leaveWriteBehind(
            new Promise((resolve) => {
              release = resolve;
            }),
          );
          await writeChanges(storage, [{ namespace: 'n', puts: [row('a', 'new')] }], 3);
          expect(await db.query(kind.waiting)).toEqual([{ n: '0' }]);
          release();
          await holding;
          await storage.close();
        },
      );

      it('keeps writes waiting while the server can’t be asked about it', async () => {
        await writeChanges(storage, [{ namespace: 'm', puts: [row('x', 'first')] }], 1);
        let release = (): void => undefined;
        const { holding } = await leaveWriteBehind(
          new Promise((resolve) => {
            release = resolve;
          }),
        );
        await proxy.close();
        const refused: unknown = await writeChanges(
          storage,
          [{ namespace: 'n', puts: [row('a', 'new')] }],
          3,
        ).catch((error: unknown) => error);
        expect(storage.classify(refused)).toBe('transient');
        release();
        await holding;
        await storage.close();
        proxy = await CuttingProxy.before(url);
      });
    });

    it('and more readers than connections: all are answered, and the write with them', async () => {
      const storage = storageOf(kind, proxy.through(url), { poolSize: 2 });
      await storage.open();
      await writeChanges(storage, [{ namespace: 'n', puts: [row('a', '1')] }], 1);
      const reads = Array.from({ length: 200 }, () => storage.read('n', ['a']));
      const write = writeChanges(storage, [{ namespace: 'n', puts: [row('b', '1')] }], 1);
      expect(await Promise.all(reads)).toHaveLength(200);
      await write;
      const [connections] = await db.query<{ n: string }[]>(kind.others);
      expect(Number(connections?.n)).toBeLessThanOrEqual(2);
      await storage.close();
      await vi.waitFor(
        async () => {
          const [left] = await db.query<{ n: string }[]>(kind.others);
          expect(Number(left?.n)).toBe(0);
        },
        { timeout: 20_000 },
      );
    });
  });
