import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { queryObjects } from 'node:v8';
import type { DataSource } from 'typeorm';
import mysql from 'mysql2';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CacheModule, CacheService, type StoredEntry } from '../../src/index.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { CuttingProxy, type HeldAnswers } from '../support/cutting-proxy.js';
import { namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { startApp } from '../support/nest-app.js';
import { connectTo, MARIADB, optionsOf, POSTGRES, storageOf, until } from '../support/server-kind.js';
import { mariadbServer, postgresServer } from '../support/services.js';

const require = createRequire(import.meta.url);
/** The row parsers that mysql2 compiles, and keeps for all connections: one for each list of columns. */
const { _Entry: CompiledParser } = require(
  join(dirname(require.resolve('mysql2/package.json')), 'lib/parsers/parser_cache.js'),
) as { _Entry: typeof pg.Client };

/** `kept`: what must not become more with each connection. */
const KINDS = [
  { kind: POSTGRES, name: 'PostgreSQL', server: await postgresServer(), kept: [pg.Client] },
  {
    kind: MARIADB,
    name: 'MariaDB',
    server: await mariadbServer(),
    kept: [(mysql as unknown as { PoolConnection: typeof pg.Client }).PoolConnection, CompiledParser],
  },
];

const row = (key: string, value = '1'): StoredEntry => ({ key, value, expiresAt: null });

for (const { kind, name, server, kept } of KINDS)
  describe.skipIf(server === undefined)(`the connections to ${name}`, () => {
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

    const held = (answers: HeldAnswers, clients: number): Promise<void> =>
      vi.waitFor(() => expect(answers.clients).toBe(clients), { timeout: 10_000, interval: 5 });

    it.each([
      ['a question', 'cache_identity'],
      ['a trial of its rights', 'WHERE 1 = 0'],
    ])(
      'let a start on a table that is ready fail when the server does not answer %s',
      async (_, statement) => {
        const before = storageOf(kind, url);
        await before.open();
        await before.close();
        const answers = proxy.holdAnswersTo(statement);
        const storage = storageOf(kind, proxy.through(url), { extra: { query_timeout: 2000 } });
        await expect(storage.open()).rejects.toMatchObject({
          code: 'STORAGE_OPEN_FAILED',
          cause: { code: 'NO_ANSWER' },
        });
        expect(answers.clients).toBe(1);
      },
    );

    it('are forgotten when they are over, with what was made for them: it levels off over many reconnects', async () => {
      // pg drops what is idle by itself; a server ends what it likes.
      const storage = storageOf(kind, url, kind === POSTGRES ? { extra: { idleTimeoutMillis: 1 } } : {});
      await storage.open();
      const reconnect = async (): Promise<void> => {
        await writeChanges(storage, [{ namespace: 'n', puts: [row('a')] }], 1);
        if (kind === MARIADB) {
          const sessions: { id: string }[] = await db.query(
            'SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()',
          );
          for (const { id } of sessions) await db.query(`KILL ${id}`).catch(() => undefined);
        }
        await until(db, kind.others, (n) => n === 0);
      };
      for (let i = 0; i < 5; i += 1) await reconnect();
      const countKept = (): number[] => kept.map((one) => Number(queryObjects(one)));
      const before = countKept();
      for (let i = 0; i < 30; i += 1) await reconnect();
      for (const [i, count] of countKept().entries()) expect(count - Number(before[i])).toBeLessThan(5);
      await storage.close();
    });

    it.each([2, 3])(
      'are never all taken by slow reads: a write commits at once (poolSize %s)',
      async (poolSize) => {
        const storage = storageOf(kind, proxy.through(url), { poolSize });
        await storage.open();
        const answers = proxy.holdAnswersTo('slow');
        const reads = Array.from({ length: 10 }, (_, i) => storage.read('n', [`slow ${i}`]));
        await held(answers, poolSize - 1);
        await writeChanges(storage, [{ namespace: 'n', puts: [row('a')] }], 1);
        answers.release();
        expect(await Promise.all(reads)).toHaveLength(10);
        await storage.close();
      },
    );

    it('leave one for the writes of an app whose reads are slow, and many', async () => {
      const one = namespaceOf<number>(ON_CHANGE, { name: 'one', maxEntries: 1 });
      const two = namespaceOf<number>(ON_CHANGE, { name: 'two', maxEntries: 1 });
      const filling = storageOf(kind, url);
      await filling.open();
      // More than memory holds: what it has not, the database is asked for.
      for (const namespace of ['one', 'two'])
        await writeChanges(filling, [{ namespace, puts: [row('x'), row('y')] }], 1);
      await filling.close();
      const app = await startApp([
        CacheModule.forRoot({
          storage: optionsOf(kind, proxy.through(url)),
          namespaces: [one, two],
          chatNamespaces: false,
          rescueJournal: false,
        }),
      ]);
      const cache = app.get(CacheService);
      const keys = Array.from({ length: 5000 }, (_, i) => `slow ${i}`);
      const answers = proxy.holdAnswersTo('slow');
      const reads = [one, two].map((definition) => cache.namespace(definition).getMany(keys));
      await held(answers, 2);
      await cache.namespace(one).set('a', 1);
      await cache.namespace(two).set('a', 1);
      answers.release();
      for (const found of await Promise.all(reads)) expect(found).toEqual(keys.map(() => undefined));
      await app.close();
    });

    it('are waited for no longer than for an answer', async () => {
      const storage = storageOf(kind, proxy.through(url), { extra: { query_timeout: 2000 } });
      await storage.open();
      const answers = proxy.holdAnswersTo('slow');
      const reads = ['slow 1', 'slow 2', 'late'].map((key) => storage.read('n', [key]));
      for (const read of await Promise.allSettled(reads))
        expect(read).toMatchObject({ reason: { code: 'NO_ANSWER', failure: 'transient' } });
      answers.release();
      expect(await storage.read('n', ['late'])).toEqual([]);
      await storage.close();
    });
  });
