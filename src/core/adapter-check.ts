import type { CacheStorageAdapter } from './storage-adapter.js';

/** What every adapter has. */
type Method = {
  [Name in keyof CacheStorageAdapter]-?: object extends Pick<CacheStorageAdapter, Name> ? never : Name;
}[keyof CacheStorageAdapter];

/** Whether there is something of that name on other things that a storage can be given as, such as a DataSource. */
const METHODS: Readonly<Record<Method, 'own' | 'common'>> = {
  open: 'common',
  close: 'common',
  count: 'common',
  load: 'own',
  read: 'own',
  writtenAt: 'own',
  write: 'own',
  clear: 'common',
  clearRange: 'own',
  purgeExpired: 'own',
  classify: 'own',
  describe: 'common',
};

/** Whether `storage` has all methods of the storage port. */
export function isCacheStorage(storage: object): storage is CacheStorageAdapter {
  return missingMethods(storage).length === 0;
}

/** The methods of the storage port that `storage` lacks, where it is meant to be an adapter: it has some that nothing else has. */
export function lackingMethods(storage: object): readonly string[] {
  const missing = missingMethods(storage);
  const isMeant = Object.entries(METHODS).some(([name, kind]) => kind === 'own' && !missing.includes(name));
  return isMeant ? missing : [];
}

function missingMethods(storage: object): string[] {
  return Object.keys(METHODS).filter(
    (name) => typeof (storage as Readonly<Record<string, unknown>>)[name] !== 'function',
  );
}
