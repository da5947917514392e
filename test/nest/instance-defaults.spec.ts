import { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { InMemoryStorage, type CacheModuleOptions, type CacheStorageAdapter } from '../../src/index.js';
import { resolveCacheOptions } from '../../src/nest/cache-module-options.js';
import { errorWith } from '../support/definitions.js';
import { onPostgres, SHOP_DATABASES, Shops } from '../support/shops.js';

const shops = new Shops();
const byDefault = { instances: undefined };

/** An adapter that an application may have written before caches could share one. */
function withoutSharing(): CacheStorageAdapter {
  const storage = new InMemoryStorage();
  return new Proxy(storage, {
    has: (target, name) => name !== 'join' && Reflect.has(target, name),
    get: (target, name): unknown => {
      if (name === 'join') return undefined;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe.each(SHOP_DATABASES)(
  'an application on $name that does not say how many it is',
  ({ name, newStorage }) => {
    const isServer = name === 'PostgreSQL' || name === 'MariaDB';

    it.runIf(isServer)('works beside others', async () => {
      const [one, other] = await shops.startTwo({ storage: await newStorage(), ...byDefault });
      await one.carts.set('a', 1);
      expect(await other.carts.get('a', { fresh: true })).toBe(1);
    });

    it.skipIf(isServer)('is alone', async () => {
      const storage = await newStorage();
      await shops.start({ storage, ...byDefault });
      await expect(shops.start({ storage, ...byDefault })).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    });
  },
);

describe('how many instances there are, unless an application says so', () => {
  const ofDatabase = (type: string) => ({ type, database: 'db' }) as CacheModuleOptions['storage'];
  /** An adapter that can be shared, and says nothing else. */
  const shareable = Object.assign(new InMemoryStorage(), { defaultInstances: undefined });

  it.each([
    ['PostgreSQL', 'many', ofDatabase('postgres')],
    ['MySQL', 'many', ofDatabase('mysql')],
    ['MariaDB', 'many', ofDatabase('mariadb')],
    ['a DataSource of MySQL', 'many', new DataSource({ type: 'mysql', database: 'db' })],
    ['SQLite through sqlite3', 'one', ofDatabase('sqlite')],
    ['SQLite through better-sqlite3', 'one', ofDatabase('better-sqlite3')],
    ['no storage, which is a file', 'one', undefined],
    ['memory', 'one', new InMemoryStorage()],
    ['a database without a dialect of its own, as SQL Server', 'one', ofDatabase('mssql')],
    ['an adapter that can be shared', 'many', shareable],
    ['an adapter that can’t be shared', 'one', withoutSharing()],
  ] as const)("on %s is '%s'", (_where, instances, storage) => {
    expect(resolveCacheOptions({ storage }).engine.instances).toBe(instances);
  });
});

describe('a storage in memory', () => {
  it('has no claim: a second application starts beside the first, though each takes itself to be alone', async () => {
    const shared = await shops.startTwo({ storage: new InMemoryStorage(), ...byDefault });
    for (const shop of shared)
      expect(await shop.cache.health()).toMatchObject({ status: 'up', instances: 1 });
  });
});

describe('an adapter that can’t be shared', () => {
  it('has one application, and is refused where there are to be many', async () => {
    const storage = withoutSharing();
    await expect(shops.start({ storage, instances: 'many' })).rejects.toThrow(errorWith('INVALID_OPTION'));
    const alone = await shops.start({ storage, ...byDefault });
    await alone.carts.set('a', 1);
    expect(await alone.carts.get('a', { fresh: true })).toBe(1);
  });

  it.each([':memory:', '', 'file:shared?mode=memory'])(
    'a SQLite database in memory (%j) is one process, and no other value is taken',
    async (database) => {
      const storage = { type: 'better-sqlite3', database } as const;
      await expect(shops.start({ storage, instances: 'many' })).rejects.toThrow(/path of a file/);
    },
  );
});

describe.runIf(onPostgres !== undefined)('applications on one PostgreSQL with a schema each', () => {
  it('are alone each, and see nothing of each other', async () => {
    const storage = (await onPostgres?.()) as { type: 'postgres'; url: string };
    const db = await new DataSource(storage).initialize();
    for (const schema of ['first', 'second']) await db.query(`CREATE SCHEMA ${schema}`);
    await db.destroy();
    const one = await shops.start({ storage: { ...storage, schema: 'first' }, instances: 'one' });
    const other = await shops.start({ storage: { ...storage, schema: 'second' }, instances: 'one' });
    await one.carts.set('a', 1);
    await other.carts.set('a', 2);
    expect([await one.carts.refresh('a'), await other.carts.refresh('a')]).toEqual([1, 2]);
  });
});
