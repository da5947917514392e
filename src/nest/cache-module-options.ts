import type { ModuleMetadata, Provider, Type } from '@nestjs/common';
import type { DataSource, DataSourceOptions } from 'typeorm';
import { faultOfAdapter } from '../core/adapter-check.js';
import { CacheError } from '../core/cache-error.js';
import { systemClock, type Clock } from '../core/clock.js';
import {
  ENGINE_OPTIONS,
  resolveEngineOptions,
  type EngineOptions,
  type ResolvedEngineOptions,
} from '../core/engine/engine-options.js';
import {
  assertTuning,
  isDefinition,
  type NamespaceDefinition,
  type NamespaceTuning,
} from '../core/definition/namespace-definition.js';
import { assertRecord, refuseUnknown } from '../core/option-checks.js';
import type { CacheStorageAdapter } from '../core/storage-adapter.js';
import type { SqliteSynchronous } from '../storage/sqlite/dialect.js';
import { sqliteDriver } from '../storage/sqlite/driver.js';
import { assertShareable, defaultInstances } from './instance-mode.js';

/** How the cache of an application is set up. Every option has a default. */
export interface CacheOptions extends EngineOptions {
  /**
   * Where persisted namespaces are stored: TypeORM options, a DataSource of the app to connect like (it is only read;
   * the cache opens a connection of its own), or a {@link CacheStorageAdapter}.
   * Default `data/cache.sqlite` under the working directory, with the SQLite driver that is installed: `sqlite3` where TypeORM
   * has a driver for it (0.3), else `better-sqlite3`.
   */
  readonly storage?: DataSourceOptions | DataSource | CacheStorageAdapter | undefined;
  /** Namespaces to declare besides those of `forFeature`. Default none. */
  readonly namespaces?: readonly NamespaceDefinition[] | undefined;
  /** Other tuning for declared namespaces, by name, the built-in ones included: `{ chats: { maxEntries: 50_000 } }`. */
  readonly overrides?: Readonly<Record<string, NamespaceTuning>> | undefined;
  /**
   * Whether to declare the namespaces of a chat bot (`chats`, `chatUsers`, `users`). A namespace of the application that has
   * one of these names takes the place of the built-in one. Default true.
   */
  readonly chatNamespaces?: boolean | undefined;
  /** Whether to run the cache's migrations at start. Set to false where `cacheMigrations` are run by the app. Default true. */
  readonly migrationsRun?: boolean | undefined;
  /**
   * What the names of the files begin with that take what a stop could not write within `shutdownTimeoutMs`, for the next
   * start to replay; `false` for none. Default: `<database>.rescue.ndjson` beside a SQLite file, `data/<database>@<host>-<port>.rescue.ndjson` under the
   * working directory for a server, none for an adapter that names none.
   */
  readonly rescueJournal?: string | false | undefined;
  /**
   * SQLite's `synchronous`. `full`: an acknowledged commit survives power loss. `normal`: it survives a crash of the
   * process, and commits cost less. Default `full`.
   */
  readonly synchronous?: SqliteSynchronous | undefined;
  /** Time as the cache sees it, for tests. Default the machine's. */
  readonly clock?: Clock | undefined;
}

/** {@link CacheOptions}, and what Nest must know before any factory runs. */
export interface CacheModuleOptions extends CacheOptions {
  /** Whether `CacheService` can be injected without importing the module. Default true. */
  readonly isGlobal?: boolean | undefined;
}

/** Gives the options of `forRootAsync({ useClass })` and `({ useExisting })`. */
export interface CacheOptionsFactory {
  createCacheOptions(): CacheOptions | Promise<CacheOptions>;
}

/** How `forRootAsync` gets its options: exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface CacheModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly useFactory?: ((...dependencies: never[]) => CacheOptions | Promise<CacheOptions>) | undefined;
  readonly inject?: Extract<Provider, { inject?: unknown }>['inject'] | undefined;
  readonly useClass?: Type<CacheOptionsFactory> | undefined;
  readonly useExisting?: Type<CacheOptionsFactory> | undefined;
  /** See {@link CacheModuleOptions.isGlobal}. */
  readonly isGlobal?: boolean | undefined;
  /** Namespaces for `@InjectNamespace`: those that only the factory names are reached by `CacheService.namespace()`. */
  readonly namespaces?: readonly NamespaceDefinition[] | undefined;
}

/** The options with every default filled in. */
export interface ResolvedCacheOptions {
  readonly engine: ResolvedEngineOptions;
  readonly storage: DataSourceOptions | DataSource | CacheStorageAdapter;
  /** The namespaces that the options name. */
  readonly namespaces: readonly NamespaceDefinition[];
  readonly chatNamespaces: boolean;
  readonly overrides: Readonly<Record<string, NamespaceTuning>>;
  readonly migrationsRun: boolean;
  readonly synchronous: SqliteSynchronous;
  /** `undefined` for the storage's own choice. */
  readonly rescueJournal: string | false | undefined;
  readonly clock: Clock;
}

const OWN_OPTIONS = [
  'storage',
  'namespaces',
  'overrides',
  'chatNamespaces',
  'migrationsRun',
  'synchronous',
  'rescueJournal',
  'clock',
  'isGlobal',
] as const;

/** What a clock can do. */
const CLOCK_METHODS = ['now', 'monotonic', 'setTimer', 'immediate'] as const;

/** What {@link CacheModuleAsyncOptions} may hold. */
export const ASYNC_OPTIONS = [
  'imports',
  'inject',
  'useFactory',
  'useClass',
  'useExisting',
  'isGlobal',
  'namespaces',
] as const;

/** Checks options and fills in the defaults. Throws `INVALID_OPTION` with the remedy. */
export function resolveCacheOptions(
  given: CacheModuleOptions,
  /** Where the options don't say. */
  hasChatNamespaces = true,
): ResolvedCacheOptions {
  assertRecord(given, 'CacheModule', "{ storage: { type: 'postgres', url } }, from a factory too");
  refuseUnknown(given, [...OWN_OPTIONS, ...ENGINE_OPTIONS], 'CacheModule');
  const {
    storage,
    namespaces,
    overrides,
    chatNamespaces,
    migrationsRun,
    synchronous,
    rescueJournal,
    clock,
    isGlobal: _,
    ...engine
  } = given;
  if (storage !== undefined) assertStorage(storage);
  if (namespaces !== undefined) assertDefinitions(namespaces);
  if (overrides !== undefined) assertOverrides(overrides);
  for (const [option, value] of Object.entries({ chatNamespaces, migrationsRun })) {
    if (value !== undefined && typeof value !== 'boolean') throw invalid(option, 'must be true or false');
  }
  if (
    rescueJournal !== undefined &&
    rescueJournal !== false &&
    (typeof rescueJournal !== 'string' || rescueJournal === '')
  ) {
    throw invalid('rescueJournal', 'must be the path of a file, or false');
  }
  if (synchronous !== undefined && synchronous !== 'full' && synchronous !== 'normal') {
    throw invalid('synchronous', "must be 'full' or 'normal'");
  }
  if (clock !== undefined) assertClock(clock);
  const used = storage ?? { type: sqliteDriver(), database: 'data/cache.sqlite' };
  const instances = engine.instances ?? defaultInstances(used);
  assertShareable(used, instances);
  const resolved: ResolvedCacheOptions = {
    engine: resolveEngineOptions({ ...engine, instances }),
    storage: used,
    namespaces: namespaces ?? [],
    chatNamespaces: chatNamespaces ?? hasChatNamespaces,
    overrides: overrides ?? {},
    migrationsRun: migrationsRun ?? true,
    synchronous: synchronous ?? 'full',
    rescueJournal,
    clock: clock ?? systemClock,
  };
  return Object.freeze(resolved);
}

/** Shows nothing of what was given: an address may hold a password. */
function assertStorage(storage: unknown): void {
  if (typeof storage === 'string') {
    throw invalid(
      'storage',
      "must be an object: { type: 'postgres', url } for an address, { type: 'better-sqlite3', database: 'data/cache.sqlite' } " +
        "for the path of a file (type: 'sqlite' with sqlite3); left out, it is that file, with the driver that is installed",
    );
  }
  if (typeof storage !== 'object' || storage === null || Array.isArray(storage)) {
    throw invalid('storage', 'must be TypeORM options, a DataSource, or a CacheStorageAdapter');
  }
  if ('then' in storage)
    throw invalid('storage', 'is a promise: await it, in the useFactory of forRootAsync');
  const fault = faultOfAdapter(storage);
  if (fault !== undefined) throw invalid('storage', fault);
}

function assertClock(clock: unknown): void {
  const methods = Object(clock) as Partial<Record<string, unknown>>;
  const { jitter } = methods;
  if (jitter !== undefined && typeof jitter !== 'function')
    throw invalid('clock', "must have a method for 'jitter', or none");
  if (CLOCK_METHODS.every((method) => typeof methods[method] === 'function')) return;
  throw invalid('clock', `must have the methods ${CLOCK_METHODS.join(', ')}; tests take a TestClock`);
}

/** Throws `INVALID_OPTION` for a list that holds anything but definitions. */
export function assertDefinitions(namespaces: unknown): asserts namespaces is readonly NamespaceDefinition[] {
  const remedy = 'must be a list of what defineNamespace() gives, not copies of it';
  if (!Array.isArray(namespaces)) throw invalid('namespaces', remedy);
  const wrong = namespaces.findIndex((namespace) => !isDefinition(namespace));
  if (wrong >= 0) throw invalid('namespaces', `${remedy}: that at index ${wrong} is none`);
}

/** Each tuning is checked here, also where no namespace of its name is declared yet. */
function assertOverrides(overrides: unknown): void {
  assertRecord(overrides, "CacheModule: 'overrides'", '{ chats: { maxEntries: 50_000 } }');
  for (const [name, changes] of Object.entries(overrides)) assertTuning(name, changes);
}

function invalid(option: string, remedy: string): CacheError {
  return new CacheError('INVALID_OPTION', `CacheModule: '${option}' ${remedy}.`, { option });
}
