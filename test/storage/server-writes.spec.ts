import { join } from 'node:path';
import pg from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CacheModule, CacheService, type StoredEntry } from '../../src/index.js';
import { STAMP, writeChanges } from '../../src/testing/contract/changes.js';
import { Child } from '../support/child-process.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { errorWith, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { startApp } from '../support/nest-app.js';
import { connectTo, MARIADB, optionsOf, POSTGRES, storageOf, until } from '../support/server-kind.js';
import { mariadbServer, postgresServer } from '../support/services.js';

const KINDS = [
  { kind: POSTGRES, name: 'PostgreSQL', server: await postgresServer() },
  { kind: MARIADB, name: 'MariaDB', server: await mariadbServer() },
];
/** Statements are given up after this long. */
const IMPATIENT = { extra: { query_timeout: 1000 } };

/** The stamp of a second write. */
const NEW_STAMP = STAMP + 1;

const row = (key: string, value = '"old"'): StoredEntry => ({ key, value, expiresAt: null });

for (const { kind, name, server } of KINDS)
  describe.skipIf(server === undefined)(`a write to ${name}`, () => {
    let url: string;
    let db: DataSource;
    let others: QueryRunner[];

    beforeEach(async () => {
      if (server === undefined) return;
      url = await server.newDatabase();
      db = await connectTo(kind, url);
      others = [db.createQueryRunner(), db.createQueryRunner()];
    });

    afterEach(async () => {
      if (server === undefined) return;
      for (const other of others) await other.release();
      await db.destroy();
    });

    const key = (): string => db.driver.escape('key');

    /** Another session changes a row, and does not commit. */
    async function hold(other: QueryRunner, name_: string): Promise<void> {
      if (!other.isTransactionActive) await other.startTransaction();
      await other.query(
        `UPDATE cache_storage SET value = '"held"' WHERE namespace = 'n' AND ${key()} = '${name_}'`,
      );
    }

    it.skipIf(kind === MARIADB)(
      'fails once when its session has lost what it kept prepared, and then no more',
      async () => {
        const query = vi.spyOn(pg.Client.prototype, 'query');
        const storage = storageOf(kind, url);
        await storage.open();
        await writeChanges(storage, [{ namespace: 'n', puts: [row('a')] }], 1);
        const [own] = query.mock.contexts.slice(-1) as [pg.Client];
        query.mockRestore();
        await own.query('DEALLOCATE ALL');
        const write = (): Promise<unknown> =>
          writeChanges(storage, [{ namespace: 'n', puts: [row('b')] }], 2, NEW_STAMP);
        await expect(write()).rejects.toThrow(expect.objectContaining({ failure: 'transient' }));
        await write();
        expect(await storage.read('n', ['b'])).toEqual([{ ...row('b'), stamp: NEW_STAMP }]);
        await storage.close();
      },
    );

    it.skipIf(kind === POSTGRES)(
      'is whole or not at all when the server ends its transaction (a deadlock)',
      async () => {
        const storage = storageOf(kind, url);
        await storage.open();
        await writeChanges(storage, [{ namespace: 'n', puts: [row('a'), row('b')] }], 1);
        const [other] = others as [QueryRunner];
        await other.startTransaction();
        // The one that has changed less is ended.
        for (let i = 0; i < 50; i += 1)
          await other.query(
            `INSERT INTO cache_storage (namespace, ${key()}, value) VALUES ('m', 'x${i}', '1')`,
          );
        await hold(other, 'b');
        const write = writeChanges(
          storage,
          [{ namespace: 'n', puts: [row('new')], deletes: ['a', 'b'] }],
          2,
          NEW_STAMP,
        ).catch((error: unknown) => error);
        await until(db, kind.waiting, (n) => n > 0);
        await hold(other, 'a');
        expect(storage.classify(await write)).toBe('transient');
        await other.rollbackTransaction();
        const { rows } = await storage.load('n', { after: undefined, limit: 10, now: 1 });
        expect(rows).toEqual([
          { ...row('a'), stamp: STAMP },
          { ...row('b'), stamp: STAMP },
        ]);
        await storage.close();
      },
    );

    it.each(
      [
        [0, {}],
        [1500, {}],
        [2999, {}],
        // One statement on its way at a time.
        [1500, { extra: { pipeline: false } }],
      ].slice(0, kind === POSTGRES ? 4 : 3) as [number, object][],
    )(
      'is nothing at all when one of its statements is refused, whatever is on its way behind it (row %s, %o)',
      async (bad, more) => {
        const warnings: Error[] = [];
        const warned = (warning: Error): number => warnings.push(warning);
        process.on('warning', warned);
        const storage = storageOf(kind, url, more);
        await storage.open();
        await db.query(`ALTER TABLE cache_storage ADD CONSTRAINT good CHECK (value <> '"bad"')`);
        const puts = Array.from({ length: 3000 }, (_, i) =>
          row(`k${String(i).padStart(4, '0')}`, i === bad ? '"bad"' : undefined),
        );
        const write = (): Promise<unknown> => writeChanges(storage, [{ namespace: 'n', puts }], 1);
        // The second time the server has planned the statements already.
        for (const _ of ['new', 'planned']) {
          const error = await write().catch((cause: unknown) => cause);
          expect(storage.classify(error)).toBe('permanent');
          expect(await storage.count('n', 1)).toBe(0);
        }
        puts[bad] = row('good');
        await write();
        expect(await storage.count('n', 1)).toBe(3000);
        await storage.close();
        process.off('warning', warned);
        expect(warnings).toEqual([]);
      },
    );

    it('has its time for each of its statements', async () => {
      const storage = storageOf(kind, url, { extra: { query_timeout: 4000 } });
      await storage.open();
      await writeChanges(storage, [{ namespace: 'n', puts: [row('a'), row('b')] }], 1);
      const [one, other] = others as [QueryRunner, QueryRunner];
      await hold(one, 'a');
      await hold(other, 'b');
      const write = writeChanges(
        storage,
        [{ namespace: 'n', puts: [row('b', '"new"')], deletes: ['a'] }],
        2,
        NEW_STAMP,
      );
      // More than half of the time for the first, and as much for the second.
      for (const holder of [one, other]) {
        await new Promise((resolve) => {
          setTimeout(resolve, 2500);
        });
        await holder.rollbackTransaction();
      }
      await write;
      const { rows } = await storage.load('n', { after: undefined, limit: 10, now: 1 });
      expect(rows).toEqual([{ ...row('b', '"new"'), stamp: NEW_STAMP }]);
      await storage.close();
    });

    it('that was given up on does not undo what is acknowledged after it', async () => {
      const counters = namespaceOf<number>(ON_CHANGE, { name: 'n' });
      const app = await startApp([
        CacheModule.forRoot({
          storage: optionsOf(kind, url, IMPATIENT),
          namespaces: [counters],
          chatNamespaces: false,
          rescueJournal: false,
          writeTimeoutMs: 1000,
        }),
      ]);
      const cache = app.get(CacheService).namespace(counters);
      const [other] = others as [QueryRunner];
      await other.startTransaction();
      await other.query(`INSERT INTO cache_storage (namespace, ${key()}, value) VALUES ('n', 'a', '0')`);
      await expect(cache.set('a', 7)).rejects.toThrow(errorWith('WRITE_FAILED'));
      // MariaDB has a removal wait for what the other session holds, too, until it is given up on.
      const removed = await cache.delete('a').catch((error: unknown) => error);
      expect([false, errorWith('WRITE_FAILED')]).toContainEqual(removed);
      await other.rollbackTransaction();
      expect(await cache.delete('a')).toBe(false);
      await until(db, kind.waiting, (n) => n === 0);
      expect(await db.query(`SELECT * FROM cache_storage`)).toEqual([]);
      await app.close();
    });

    it.each(['write', 'reads'])(
      'and its end let the process end when the server has gone silent (after %s)',
      async (what) => {
        const proxy = await CuttingProxy.before(url);
        const script = join(import.meta.dirname, '..', 'crash', 'silent-server.mjs');
        const child = new Child(process.execPath, [script, kind.type, proxy.through(url), what]);
        await child.prints(/open/);
        proxy.fallSilent();
        child.process.stdin.write('close\n');
        await child.prints(/closed/);
        // Nothing of the storage keeps it: otherwise this waits for ever.
        expect((await child.ended).code).toBe(0);
        await proxy.close();
      },
    );
  });
