import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CacheModule, CacheService, type CacheModuleOptions } from '../../src/index.js';
import { errorWith } from '../support/definitions.js';
import { NestLog, startApp } from '../support/nest-app.js';
import { privateMariadb } from '../support/private-mariadb.js';
import { privatePostgres } from '../support/private-postgres.js';
import { connectTo, MARIADB, optionsOf, POSTGRES } from '../support/server-kind.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
let journals = 0;

const KINDS = [
  { kind: POSTGRES, name: 'PostgreSQL', server: await privatePostgres() },
  { kind: MARIADB, name: 'MariaDB', server: await privateMariadb() },
];

for (const { kind, name, server } of KINDS)
  describe.skipIf(server === undefined)(`a running cache on ${name}`, () => {
    let app: INestApplicationContext;
    let cache: CacheService;
    let log: NestLog;
    let rescueJournal: string;

    async function start(options: CacheModuleOptions = {}, more: object = {}): Promise<void> {
      if (server === undefined) return;
      log = new NestLog();
      app = await startApp(
        [CacheModule.forRoot({ storage: optionsOf(kind, server.url, more), rescueJournal, ...options })],
        log,
      );
      cache = app.get(CacheService);
    }

    /** The database as the test sees it. */
    async function onServer<T>(task: (db: DataSource) => Promise<T>): Promise<T> {
      const db = await connectTo(kind, server?.url ?? '');
      try {
        return await task(db);
      } finally {
        await db.destroy();
      }
    }

    beforeEach(() => {
      rescueJournal = join(folder, `${(journals += 1)}.ndjson`);
    });

    afterEach(async () => {
      if (server === undefined) return;
      // Left frozen or ended by a test that failed, it would fail all that follow.
      await server.revive();
      await onServer((db) => db.query('DELETE FROM cache_storage'));
    });

    afterAll(() => server?.remove());

    it.each(['SIGTERM', 'SIGKILL'] as const)(
      'keeps what is acknowledged when the server ends by %s and comes back',
      async (signal) => {
        await start({ checkpointIntervalMs: 50 });
        await cache.setUserData(1, 1, 'a', 1);
        await cache.setChatSettings(1, { before: true });
        // PostgreSQL waits for its clients on SIGTERM: SIGINT ends them.
        await server?.stop(name === 'PostgreSQL' && signal === 'SIGTERM' ? 'SIGINT' : signal);
        const write = cache.setUserData(1, 1, 'b', 2);
        await cache.setChatSettings(2, { meanwhile: true });
        await vi.waitFor(() => expect(cache.getStats()['chatUsers']?.writeFailures).toBeGreaterThan(1), {
          timeout: 20_000,
        });
        expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
        await server?.start();
        await write;
        await vi.waitFor(() => expect(cache.getStats()['chats']?.dirty).toBe(0), { timeout: 20_000 });
        await app.close();
        expect(log.with('cannot write to its database')).toHaveLength(1);
        expect(log.with('writes to its database again')).toHaveLength(1);
        await start();
        expect(await cache.getUserData(1, 1)).toEqual({ a: 1, b: 2 });
        expect(await cache.getChatSettings(1)).toEqual({ before: true });
        expect(await cache.getChatSettings(2)).toEqual({ meanwhile: true });
        await app.close();
      },
    );

    it('puts into the journal what a stop can’t write, and brings it back', async () => {
      await start({ shutdownTimeoutMs: 500 });
      await cache.setUserData(1, 1, 'a', 1);
      await server?.stop(name === 'PostgreSQL' ? 'SIGINT' : 'SIGTERM');
      await cache.setChatSettings(1, { kept: true });
      await app.close();
      expect(log.with(rescueJournal)).toHaveLength(1);
      await server?.start();
      await start();
      expect(await cache.getChatSettings(1)).toEqual({ kept: true });
      expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
      await app.close();
    });

    it('does not wait for ever for a server that stopped answering', async () => {
      await start({ writeTimeoutMs: 1500 }, { extra: { query_timeout: 1500 } });
      await cache.setUserData(1, 1, 'a', 1);
      await server?.freeze();
      await expect(cache.setUserData(1, 1, 'a', 2)).rejects.toThrow(errorWith('WRITE_FAILED'));
      expect(log.with('cannot write to its database (NO_ANSWER)')).toHaveLength(1);
      expect(log.with('a write was rejected with WRITE_FAILED')).toHaveLength(1);
      expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
      server?.thaw();
      // Whatever became of the write that was rejected: it does not come after this one.
      await vi.waitFor(() => cache.setUserData(1, 1, 'a', 3), { timeout: 15_000 });
      await app.close();
      await start();
      expect(await cache.getUserData(1, 1)).toEqual({ a: 3 });
      await app.close();
    });

    it('stops in time when the server stopped answering', async () => {
      await start({ shutdownTimeoutMs: 500 });
      await cache.setChatSettings(1, { a: 1 });
      await server?.freeze();
      await app.close();
      expect(log.with(rescueJournal)).toHaveLength(1);
      server?.thaw();
      await start();
      expect(await cache.getChatSettings(1)).toEqual({ a: 1 });
      await app.close();
    });

    it('waits for a lock that another connection holds', async () => {
      await start();
      await cache.setUserData(1, 1, 'a', 1);
      await onServer(async (db) => {
        let write: Promise<void> | undefined;
        await db.transaction(async (manager) => {
          await manager.query('UPDATE cache_storage SET value = \'{"a":0}\'');
          write = cache.setUserData(1, 1, 'a', 2);
          // The longest that a statement waits, after which it is tried again.
          await vi.waitFor(() => expect(cache.getStats()['chatUsers']?.writeFailures).toBeGreaterThan(0), {
            timeout: 15_000,
          });
        });
        await write;
      });
      expect(log.with(name === 'PostgreSQL' ? '55P03' : 'ER_LOCK_WAIT_TIMEOUT')).toHaveLength(1);
      await app.close();
      await start();
      expect(await cache.getUserData(1, 1)).toEqual({ a: 2 });
      await app.close();
    });

    describe('with little room', () => {
      const large = 'x'.repeat(3_000_000);
      let disk: string | undefined;

      beforeAll(() => {
        if (server === undefined) return;
        disk = server.subfolder('disk');
        if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk]).status !== 0) {
          console.log(`Skipped: a full disk under ${name}, since no small file system can be mounted here.`);
          disk = undefined;
          return;
        }
        chmodSync(disk, 0o700);
        server.own(disk);
      });

      afterAll(async () => {
        if (disk === undefined) return;
        await server?.stop('SIGKILL');
        execFileSync('umount', [disk]);
      });

      /** Puts the cache's table on the small disk. */
      async function move(db: DataSource, to: string): Promise<void> {
        if (name === 'PostgreSQL') {
          await db.query(`CREATE TABLESPACE small LOCATION '${to}'`);
          await db.query('ALTER TABLE cache_storage SET TABLESPACE small');
          // Stored as it is, and not compressed to nothing.
          await db.query('ALTER TABLE cache_storage ALTER COLUMN value SET STORAGE EXTERNAL');
        } else {
          const [table] = await db.query<{ 'Create Table': string }[]>('SHOW CREATE TABLE cache_storage');
          await db.query('DROP TABLE cache_storage');
          await db.query(`${table?.['Create Table']} DATA DIRECTORY = '${to}'`);
        }
      }

      it(
        'keeps everything when it is used up, and writes it when there is more',
        { timeout: 240_000 },
        async (context) => {
          if (disk === undefined) {
            context.skip();
            return;
          }
          const small = disk;
          // Ample for the megabytes that there is room for, on a busy machine too.
          await start({ writeTimeoutMs: 6000, checkpointIntervalMs: 50 });
          await onServer((db) => move(db, small));
          await cache.setUserData(1, 1, 'a', 1);
          spawnSync('dd', ['if=/dev/zero', `of=${join(small, 'filler')}`, 'bs=4k', 'count=5000']);
          await expect(cache.setUserData(1, 1, 'large', large)).rejects.toThrow(errorWith('WRITE_FAILED'));
          await cache.setChatSettings(2, { large });
          expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
          expect(await cache.getChatSettings(2)).toEqual({ large });
          const code = name === 'PostgreSQL' ? '53100' : 'ER_RECORD_FILE_FULL';
          expect(log.with(`cannot write to its database (${code})`)).toHaveLength(1);
          expect(log.with('a write was rejected with WRITE_FAILED')).toHaveLength(1);
          unlinkSync(join(small, 'filler'));
          // A server may wait for a minute before it looks at its disk again.
          await vi.waitFor(() => cache.setUserData(1, 1, 'large', large), { timeout: 90_000 });
          await vi.waitFor(() => expect(cache.getStats()['chats']?.dirty).toBe(0), { timeout: 90_000 });
          await app.close();
          await start();
          expect(Object.keys(await cache.getUserData(1, 1))).toEqual(['a', 'large']);
          expect(await cache.getChatSettings(2)).toEqual({ large });
          await app.close();
        },
      );
    });
  });
