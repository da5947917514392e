import { DataSource, type DataSourceOptions } from 'typeorm';
import { StorageCopy, type NamespaceCopy } from '../../../src/cli/storage-copy.js';
import { TypeOrmStorage } from '../../../src/storage/typeorm-storage.js';

/** The table as another program could have made it: any type in any column, and no key. */
export const LOOSE_TABLE =
  'CREATE TABLE cache_storage (namespace, "key", value, updated_at, expires_at, version DEFAULT 0)';

/** Runs statements on a database, and gives the rows of the last one. */
export async function run(options: DataSourceOptions, ...statements: string[]): Promise<unknown[]> {
  const dataSource = await new DataSource(options).initialize();
  let rows: unknown;
  try {
    for (const statement of statements) rows = await dataSource.query(statement);
  } finally {
    await dataSource.destroy();
  }
  return rows as unknown[];
}

export async function withStorage<T>(
  storage: DataSourceOptions,
  task: (storage: TypeOrmStorage) => Promise<T>,
  readsOnly = false,
): Promise<T> {
  const opened = new TypeOrmStorage({ storage, migrationsRun: !readsOnly, readsOnly, synchronous: 'normal' });
  await opened.open();
  try {
    return await task(opened);
  } finally {
    await opened.close();
  }
}

/** Copies and verifies as the command does, on options that it takes from a module only. */
export function copyAll(
  from: DataSourceOptions,
  to: DataSourceOptions,
  now = Date.now(),
): Promise<NamespaceCopy[]> {
  return withStorage(
    from,
    (source) =>
      withStorage(to, async (target) => {
        const namespaces = await source.namespaces();
        const copy = new StorageCopy(source, target, { namespaces, force: false, now });
        const copies = await copy.run(await copy.plan(), () => undefined);
        await copy.verify(copies, () => undefined);
        return copies;
      }),
    true,
  );
}
