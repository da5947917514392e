import type { INestApplicationContext } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { CacheModule, CacheService } from '../../src/index.js';
import { startApp } from '../support/nest-app.js';
import { connectTo, MARIADB, POSTGRES } from '../support/server-kind.js';
import { mariadbServer, postgresServer } from '../support/services.js';

const KINDS = [
  { kind: POSTGRES, name: 'PostgreSQL', server: await postgresServer(), scheme: 'postgres' },
  { kind: MARIADB, name: 'MariaDB', server: await mariadbServer(), scheme: 'mysql' },
];

@Entity()
class Note {
  @PrimaryColumn()
  id!: number;

  @Column()
  text!: string;
}

for (const { kind, name, server, scheme } of KINDS)
  describe.skipIf(server === undefined)(`a DataSource of an app on ${name}, as storage`, () => {
    const newUrl = async (): Promise<string> => (await server?.newDatabase()) ?? '';

    /** An app with TypeORM, whose DataSource the cache connects like. */
    function appOn(url: string, more: object = {}): Promise<INestApplicationContext> {
      return startApp([
        TypeOrmModule.forRoot({ type: kind.type, url, entities: [Note], synchronize: true, ...more }),
        CacheModule.forRootAsync({
          inject: [DataSource],
          useFactory: (storage: DataSource) => ({ storage, rescueJournal: false }),
        }),
      ]);
    }

    it('is left alone: its transactions and those of the cache don’t meet', async () => {
      const url = await newUrl();
      const app = await appOn(url, { poolSize: 1, entityPrefix: 'app_' });
      const cache = app.get(CacheService);
      const rolledBack = app.get(DataSource).transaction(async (manager) => {
        await manager.save(Note, { id: 1, text: 'app' });
        await cache.setUserData(1, 1, 'a', 1);
        throw new Error('roll back');
      });
      await expect(rolledBack).rejects.toThrow('roll back');
      expect(await app.get(DataSource).getRepository(Note).count()).toBe(0);
      await app.close();
      const db = await connectTo(kind, url);
      expect(await db.query('SELECT value FROM cache_storage')).toEqual([{ value: '{"a":1}' }]);
      await db.destroy();
    });

    it('gives server and credentials, and not the size of its pool', async () => {
      const url = await newUrl();
      const app = await appOn(url, {
        poolSize: 10,
        extra: { [kind === POSTGRES ? 'max' : 'connectionLimit']: 10 },
      });
      const cache = app.get(CacheService);
      const db = await connectTo(kind, url);
      const connections = async (): Promise<number> =>
        Number((await db.query<{ n: string }[]>(kind.others))[0]?.n);
      const before = await connections();
      await Promise.all(Array.from({ length: 100 }, (_, i) => cache.chatUsers.get([i, i])));
      await Promise.all(Array.from({ length: 100 }, (_, i) => cache.setUserData(i, i, 'a', i)));
      expect((await connections()) - before).toBeLessThanOrEqual(3);
      await app.close();
      await db.destroy();
    });

    it('with replicas is read from its master: what is acknowledged is there', async () => {
      const url = await newUrl();
      const nowhere = `${scheme}://nobody@127.0.0.1:1/nothing`;
      const template = new DataSource({
        type: kind.type,
        replication: { master: { url }, slaves: [{ url: nowhere }] },
      });
      const app = await startApp([CacheModule.forRoot({ storage: template, rescueJournal: false })]);
      const cache = app.get(CacheService);
      await cache.setUserData(1, 1, 'a', 1);
      await cache.loadFromDatabase();
      expect(await cache.getUserData(1, 1)).toEqual({ a: 1 });
      expect(template.isInitialized).toBe(false);
      await app.close();
    });
  });
