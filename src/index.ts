export { CacheModule } from './nest/cache.module.js';
export { CacheService } from './nest/cache.service.js';
export { InjectNamespace } from './nest/inject-namespace.decorator.js';
export { Cached, type CachedOptions } from './nest/decorators/cached.decorator.js';
export { CacheEvict, type CacheEvictOptions } from './nest/decorators/cache-evict.decorator.js';
export { CachePut, type CachePutOptions } from './nest/decorators/cache-put.decorator.js';
export { CACHE_OPTIONS, getNamespaceToken } from './nest/cache.tokens.js';
export type {
  CacheModuleAsyncOptions,
  CacheModuleOptions,
  CacheOptions,
  CacheOptionsFactory,
} from './nest/cache-module-options.js';

export {
  defineNamespace,
  type NamespaceDefinition,
  type NamespaceOptions,
  type NamespaceTuning,
} from './core/definition/namespace-definition.js';
export type { Conflict, ConflictMerge, ConflictRule } from './core/definition/conflict-rule.js';
export type {
  LoadOptions,
  NamespaceCache,
  ReadOptions,
  ScanOptions,
  TouchOptions,
  WriteOptions,
} from './core/namespace/namespace-cache.js';
export type { KeyOf, NamespaceOf, ValueOf } from './core/namespace/namespace-types.js';
export type { BackplaneStats } from './core/definition/backplane-stats.js';
export type { NamespaceStats, NamespaceSummary, WriteErrorStats } from './core/definition/namespace-stats.js';
export { STORAGE_CHANNEL, type StorageEvent } from './core/diagnostics.js';
export {
  COMMIT_CHANNEL,
  FLUSH_CHANNEL,
  LOAD_CHANNEL,
  READ_CHANNEL,
  type CommitTrace,
  type FlushTrace,
  type LoadTrace,
  type ReadTrace,
} from './core/tracing.js';
export type { CacheStats } from './core/engine/cache-engine.js';
export type { CacheHealth } from './core/engine/health-check.js';
export { CachePersistenceLevel } from './core/definition/persistence-level.js';
export type { FlushReport, LoadReport } from './core/reports.js';
export type { EngineOptions } from './core/engine/engine-options.js';
export type { CacheTimer, Clock } from './core/clock.js';

export type { KeyCodec } from './core/keys/key-codec.js';
export type { KeyPrefix } from './core/keys/key-prefix.js';
export type { KeyRange } from './core/keys/key-range.js';
export { stringKey } from './core/keys/string-key.js';
export { numberKey } from './core/keys/number-key.js';
export { bigintKey } from './core/keys/bigint-key.js';
export { tupleKey, type TupleOf } from './core/keys/tuple-key.js';
export type { ValueCodec } from './core/values/value-codec.js';
export { json, type JsonFunction, type JsonOptions, type UncheckedJsonOptions } from './core/values/json.js';
export type { AsJson, JsonOf, JsonValue } from './core/values/json-of.js';
export { rich } from './core/values/rich.js';
export type { Immutable } from './core/values/immutable.js';
export type { ReadValue, ValueMode } from './core/values/value-mode.js';

export { CacheError, isCacheError, type CacheErrorCode, type CacheErrorContext } from './core/cache-error.js';

export {
  CACHE_STORAGE,
  type Atom,
  type AtomOutcome,
  type CacheStorageAdapter,
  type Commit,
  type LoadCursor,
  type LoadedPage,
  type LoadPage,
  type LogPosition,
  type RowWrite,
  type Stamp,
  type StampedEntry,
  type StorageFailure,
  type StoredEntry,
  type Writer,
} from './core/storage-adapter.js';
export { MAX_TEXT_BYTES, type Backplane, type BackplaneChannel } from './core/sharing/backplane.js';
export type { BackplaneConnect, BackplaneLink, LinkRequest } from './core/sharing/backplane-link.js';
export { LinkedBackplane, type LinkedBackplaneOptions } from './core/sharing/linked-backplane.js';
export { postgresBackplane } from './backplane/postgres/postgres-backplane.js';
export {
  isSharedStorage,
  type Instance,
  type InstanceMode,
  type LoggedInstance,
  type LogHead,
  type LogNote,
  type Rival,
  type SharedStorage,
} from './core/sharing/shared-storage.js';
export { noteOfRemoval, noteOfRows } from './core/sharing/note.js';
export { CacheStorage } from './storage/cache-storage.entity.js';
export { InMemoryStorage } from './storage/in-memory-storage.js';
export type { SqliteSynchronous } from './storage/sqlite/dialect.js';
export { CACHE_MIGRATIONS_TABLE, cacheMigrations } from '../migrations/index.js';

export { CacheNamespace, getPersistenceLevel } from './chat/cache-namespace.js';
export type { ChatInfo, ChatRecord, ChatSettings, UserData, UserState } from './chat/chat-types.js';
