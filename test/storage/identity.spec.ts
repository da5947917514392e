import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { cacheMigrations } from '../../src/index.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
let files = 0;
const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

interface Kind {
  readonly name: string;
  readonly isHere: boolean;
  readonly newDatabase: () => Promise<DataSourceOptions>;
}

const postgres = await postgresServer();
const mariadb = await mariadbServer();
const sqlite = (type: 'sqlite' | 'better-sqlite3'): Kind => ({
  name: type,
  isHere: true,
  newDatabase: async () => ({ type, database: join(folder, `${(files += 1)}.sqlite`) }),
});
const KINDS: readonly Kind[] = [
  sqlite('sqlite'),
  sqlite('better-sqlite3'),
  {
    name: 'postgres',
    isHere: postgres !== undefined,
    newDatabase: async () => ({ type: 'postgres', url: (await postgres?.newDatabase()) ?? '' }),
  },
  {
    name: 'mariadb',
    isHere: mariadb !== undefined,
    newDatabase: async () => ({ type: 'mariadb', url: (await mariadb?.newDatabase()) ?? '' }),
  },
];

interface Opening {
  readonly migrationsRun?: boolean;
  readonly readsOnly?: boolean;
}

const storageAt = (storage: DataSourceOptions, { migrationsRun = true, readsOnly = false }: Opening = {}) =>
  new TypeOrmStorage({ storage, migrationsRun, readsOnly, synchronous: 'normal' });

/** What a storage that is opened there says, and closed again. */
async function identityAt(storage: DataSourceOptions, opening: Opening = {}): Promise<string | undefined> {
  const opened = storageAt(storage, opening);
  await opened.open();
  await opened.close();
  return opened.identity;
}

async function on<T>(storage: DataSourceOptions, task: (db: DataSource) => Promise<T>): Promise<T> {
  const dataSource = await new DataSource({ ...storage, migrations: cacheMigrations }).initialize();
  try {
    return await task(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

const query = (storage: DataSourceOptions, sql: string): Promise<unknown> =>
  on(storage, (db) => db.query<unknown>(sql));

for (const { name, isHere, newDatabase } of KINDS)
  describe.skipIf(!isHere)(`the identity of a database of ${name}`, () => {
    it('is random, stored once, and the same at each start', async () => {
      const [one, other] = [await newDatabase(), await newDatabase()];
      const identity = await identityAt(one);
      expect(identity).toMatch(UUID);
      expect(await identityAt(one)).toBe(identity);
      expect(await identityAt(one, { readsOnly: true })).toBe(identity);
      expect(await query(one, 'SELECT * FROM cache_identity')).toEqual([{ id: identity }]);
      expect(await identityAt(other)).not.toBe(identity);
    });

    it('is what the migrations of the app have stored, and they leave one that is there', async () => {
      const storage = await newDatabase();
      await on(storage, (db) => db.runMigrations());
      const [row] = (await query(storage, 'SELECT id FROM cache_identity')) as { id: string }[];
      expect(await identityAt(storage, { migrationsRun: false })).toBe(row?.id);
      // The cache has no account of its own of them yet: it runs all of them again.
      expect(await identityAt(storage)).toBe(row?.id);
    });

    it.each([true, false])(
      'is made once where somebody has emptied its table, by several at once (migrationsRun: %s)',
      async (migrationsRun) => {
        const storage = await newDatabase();
        const before = await identityAt(storage);
        await query(storage, 'DELETE FROM cache_identity');
        const made = await Promise.all(
          Array.from({ length: 5 }, () => identityAt(storage, { migrationsRun })),
        );
        expect(new Set(made).size).toBe(1);
        expect(made[0]).toMatch(UUID);
        expect(made[0]).not.toBe(before);
        expect(await query(storage, 'SELECT * FROM cache_identity')).toEqual([{ id: made[0] }]);
      },
    );

    it('is made where its table is missing by a start that may migrate, and by no other', async () => {
      const storage = await newDatabase();
      await identityAt(storage);
      await query(storage, 'DROP TABLE cache_identity');
      expect(await identityAt(storage, { migrationsRun: false })).toBeUndefined();
      expect(await identityAt(storage, { readsOnly: true })).toBeUndefined();
      expect(await identityAt(storage)).toMatch(UUID);
    });

    it('is another one where its migration was reverted and run again', async () => {
      const storage = await newDatabase();
      await on(storage, (db) => db.runMigrations());
      const before = await identityAt(storage, { migrationsRun: false });
      await on(storage, async (db) => {
        await undoMigrations(db, 2);
        await db.runMigrations();
      });
      const after = await identityAt(storage, { migrationsRun: false });
      expect(after).toMatch(UUID);
      expect(after).not.toBe(before);
    });

    it('is asked for by a warning at a start that may not migrate, where its table is missing', async () => {
      const storage = await newDatabase();
      await on(storage, async (db) => {
        await db.runMigrations();
        await undoMigrations(db, 2);
      });
      const warningsAt = async (opening: Opening): Promise<readonly string[]> => {
        const opened = storageAt(storage, opening);
        expect(opened.warnings).toEqual([]);
        await opened.open();
        await opened.close();
        return opened.warnings;
      };
      expect(await warningsAt({ migrationsRun: false })).toEqual([
        expect.stringMatching(/no table cache_identity.* CreateCacheIdentity of cacheMigrations/),
        expect.stringMatching(/no table cache_instances.* CreateCacheInstances of cacheMigrations/),
      ]);
      expect(await warningsAt({ readsOnly: true })).toEqual([]);
      await on(storage, (db) => db.runMigrations());
      expect(await warningsAt({ migrationsRun: false })).toEqual([]);
    });

    it('is not made by a tool that only reads', async () => {
      const storage = await newDatabase();
      await identityAt(storage);
      await query(storage, 'DELETE FROM cache_identity');
      expect(await identityAt(storage, { readsOnly: true })).toBeUndefined();
      expect(await query(storage, 'SELECT * FROM cache_identity')).toEqual([]);
    });
  });

/** Reverts the last of them: of the identity, of the instances. */
async function undoMigrations(db: DataSource, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await db.undoLastMigration();
}

describe.skipIf(postgres === undefined)('the identity of a schema of PostgreSQL', () => {
  it('is the schema’s own', async () => {
    const url = (await postgres?.newDatabase()) ?? '';
    await query({ type: 'postgres', url }, 'CREATE SCHEMA "of the cache"');
    const inPublic = await identityAt({ type: 'postgres', url });
    const inSchema = await identityAt({ type: 'postgres', url, schema: 'of the cache' });
    expect(inSchema).toMatch(UUID);
    expect(inSchema).not.toBe(inPublic);
    expect(await query({ type: 'postgres', url }, 'SELECT * FROM "of the cache".cache_identity')).toEqual([
      { id: inSchema },
    ]);
  });
});

describe('the identity of a database of another kind', () => {
  it('is made in TypeORM’s words', async () => {
    const dataSource = await new DataSource({
      type: 'sqljs',
      migrations: cacheMigrations,
    }).initialize();
    // As TypeORM knows databases of which the cache knows nothing more.
    Object.assign(dataSource.options, { type: 'expo' });
    await dataSource.runMigrations();
    const [row] = await dataSource.query<{ id: string }[]>('SELECT id FROM cache_identity');
    expect(row?.id).toMatch(UUID);
    await dataSource.query("INSERT INTO cache_storage (namespace, key, value) VALUES ('n', 'a', '1')");
    expect(await dataSource.query('SELECT version FROM cache_storage')).toEqual([{ version: 0 }]);
    await undoMigrations(dataSource, 3);
    const runner = dataSource.createQueryRunner();
    expect(await runner.hasTable('cache_identity')).toBe(false);
    expect(await runner.hasColumn('cache_storage', 'version')).toBe(false);
    expect(await dataSource.query('SELECT * FROM cache_storage')).toHaveLength(1);
    await dataSource.destroy();
  });
});
