import { CacheError } from '../core/cache-error.js';
import type { ListedStorage } from '../storage/listed-storage.js';
import type { TypeOrmStorage } from '../storage/typeorm-storage.js';
import { StorageLocation } from './storage-location.js';

/**
 * Runs `task` on the cache at an address, to read from it: nothing is claimed, so that this may be done beside any application,
 * and nothing is made or changed. Rejects with `UNKNOWN_NAMESPACE` where there is no cache.
 */
export async function reading<T>(
  address: string,
  task: (storage: TypeOrmStorage, location: StorageLocation) => Promise<T>,
): Promise<T> {
  const location = await StorageLocation.parse('database', address);
  const storage = location.forReading();
  await storage.open();
  try {
    if (!(await storage.hasTable())) throw noCache(storage);
    return await task(storage, location);
  } finally {
    await storage.close();
  }
}

/** Throws `UNKNOWN_NAMESPACE`, with the names there are, for those of `wanted` that have no rows. */
export async function assertNamespaces(storage: ListedStorage, wanted: readonly string[]): Promise<void> {
  const error = await unknownNamespaces(storage, wanted);
  if (error !== undefined) throw error;
}

/** That error; `undefined` where each of them has rows. */
export async function unknownNamespaces(
  storage: ListedStorage,
  wanted: readonly string[],
): Promise<CacheError | undefined> {
  const names = await storage.namespaces();
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length === 0) return undefined;
  const there = names.length === 0 ? 'It has no rows at all' : `It has '${names.join("', '")}'`;
  return new CacheError(
    'UNKNOWN_NAMESPACE',
    `The database has no rows of namespace '${unknown.join("', '")}'. ${there}.`,
  );
}

function noCache(storage: ListedStorage): CacheError {
  return new CacheError(
    'UNKNOWN_NAMESPACE',
    `There is no table of a cache in ${storage.describe()}. Check the address (--database).`,
  );
}
