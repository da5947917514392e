import { CacheNamespace } from '../chat/cache-namespace.js';
import type { ChatDeclaration } from '../chat/chat-declaration.js';
import { isCacheStorage } from '../core/adapter-check.js';
import { CacheError } from '../core/cache-error.js';
import { CachePersistenceLevel } from '../core/definition/persistence-level.js';
import { isSharedStorage, type InstanceMode } from '../core/sharing/shared-storage.js';
import { isDataSource } from '../storage/connection-options.js';
import { isEphemeral } from '../storage/sqlite/file.js';
import type { ResolvedCacheOptions } from './cache-module-options.js';

/** The types of databases that several instances share unless the application says otherwise. */
const SERVERS: ReadonlySet<unknown> = new Set(['postgres', 'mysql', 'mariadb']);

/** How many instances work on a storage where the options don't say. */
export function defaultInstances(storage: ResolvedCacheOptions['storage']): InstanceMode {
  if (isCacheStorage(storage)) return isSharedStorage(storage) ? (storage.defaultInstances ?? 'many') : 'one';
  const { type } = isDataSource(storage) ? storage.options : storage;
  return SERVERS.has(type) ? 'many' : 'one';
}

/** Throws `INVALID_OPTION` where several instances are to share a database that no other process can see. */
export function assertShareable(storage: ResolvedCacheOptions['storage'], instances: InstanceMode): void {
  if (instances === 'one' || isCacheStorage(storage) || isDataSource(storage)) return;
  if ((storage.type !== 'sqlite' && storage.type !== 'better-sqlite3') || !isEphemeral(storage.database))
    return;
  throw new CacheError(
    'INVALID_OPTION',
    "CacheModule: 'instances' must be 'one' on a SQLite database in memory, which no other process can see. To share it, give 'database' " +
      'the path of a file.',
    { option: 'instances' },
  );
}

/**
 * Throws `INVALID_OPTION` where the built-in `users` would be persisted beside other instances: its methods answer at once, which
 * memory can't where others write.
 */
export function assertUsersInMemory(
  chat: ChatDeclaration,
  { engine, overrides }: ResolvedCacheOptions,
): void {
  const name = CacheNamespace.USERS;
  const level = Object.hasOwn(overrides, name) ? overrides[name]?.persistence : undefined;
  if (engine.instances === 'one' || level === undefined || level === CachePersistenceLevel.MEMORY_ONLY)
    return;
  if (!chat.isBuiltIn(name)) return;
  throw new CacheError(
    'INVALID_OPTION',
    `CacheModule: 'overrides' must leave '${name}' in memory where several instances work on the database: getUserState() answers at ` +
      "once, and can't ask what others have changed. Declare a namespace of your own for it, or set instances to 'one'.",
    { option: 'overrides', namespace: name },
  );
}
