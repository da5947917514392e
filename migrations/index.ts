import { CreateCacheStorage1761350400000 } from './1761350400000-create-cache-storage.js';
import { AddExpiresAt1761436800000 } from './1761436800000-add-expires-at.js';
import { AddVersion1761523200000 } from './1761523200000-add-version.js';
import { CreateCacheIdentity1761609600000 } from './1761609600000-create-cache-identity.js';
import { CreateCacheInstances1761696000000 } from './1761696000000-create-cache-instances.js';

/** The cache's migrations, oldest first: for the `migrations` of an app that runs them itself (`migrationsRun: false`). */
export const cacheMigrations = [
  CreateCacheStorage1761350400000,
  AddExpiresAt1761436800000,
  AddVersion1761523200000,
  CreateCacheIdentity1761609600000,
  CreateCacheInstances1761696000000,
];

/** The table that records the cache's migrations, apart from the app's own. */
export const CACHE_MIGRATIONS_TABLE = 'cache_migrations';
