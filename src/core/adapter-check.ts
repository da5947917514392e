import { CACHE_STORAGE, type CacheStorageAdapter } from './storage-adapter.js';

/** The edition of the storage port that the engine works with. */
const EDITION = 2;

/** What every adapter has. */
type Method = {
  [Name in keyof CacheStorageAdapter]-?: object extends Pick<CacheStorageAdapter, Name>
    ? never
    : Name extends string
      ? Name
      : never;
}[keyof CacheStorageAdapter];

/** Whether there is something of that name on other things that a storage can be given as, such as a DataSource. */
const METHODS: Readonly<Record<Method, 'own' | 'common'>> = {
  open: 'common',
  close: 'common',
  count: 'common',
  load: 'own',
  read: 'own',
  write: 'own',
  modify: 'own',
  clear: 'common',
  clearRange: 'own',
  purgeExpired: 'own',
  classify: 'own',
  describe: 'common',
};

/** Whether `storage` says that it is a storage, of the edition of the port that the engine works with. */
export function isCacheStorage(storage: object): storage is CacheStorageAdapter {
  return brandOf(storage) === EDITION;
}

/** What is wrong with a storage that is, or seems to be, meant as an adapter: words that follow its name. */
export function faultOfAdapter(storage: object): string | undefined {
  const missing = Object.keys(METHODS).filter(
    (name) => typeof (storage as Readonly<Record<string, unknown>>)[name] !== 'function',
  );
  const brand = brandOf(storage);
  const isMeant =
    brand !== undefined ||
    Object.entries(METHODS).some(([name, kind]) => kind === 'own' && !missing.includes(name));
  if (!isMeant) return undefined;
  if (brand !== EDITION) {
    return (
      `does not say that it implements edition ${EDITION} of the storage port: give it the member ` +
      `[CACHE_STORAGE] = ${EDITION} when it does`
    );
  }
  return missing.length === 0
    ? undefined
    : `is no complete CacheStorageAdapter: it lacks ${missing.join('(), ')}()`;
}

function brandOf(storage: object): unknown {
  return (storage as { readonly [CACHE_STORAGE]?: unknown })[CACHE_STORAGE];
}
