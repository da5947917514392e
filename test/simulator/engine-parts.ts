import type { Clock } from '../../src/core/clock.js';
import { resolveEngineOptions, type ResolvedEngineOptions } from '../../src/core/engine/engine-options.js';
import type { RescueJournal } from '../../src/core/rescue/rescue-journal.js';
import {
  CachePersistenceLevel,
  defineNamespace,
  stringKey,
  type CacheStorageAdapter,
  type NamespaceDefinition,
} from '../../src/index.js';
import { THROUGH, type Name, type Plan } from './plan.js';
import type { Random } from './random.js';
import { simulatedCodec } from './unruly.js';

export const SHUTDOWN_TIMEOUT_MS = 5000;
/** How long the engine may try to commit a write-through write. */
export const WRITE_TIMEOUT_MS = 2000;
/** Longer than any history, with every step of the wall clock. */
export const TTL_MS = 10 * 365 * 86_400_000;
/** What the engine is given. */
export interface EngineParts {
  readonly storage: CacheStorageAdapter;
  readonly clock: Clock;
  readonly journal: RescueJournal;
  readonly options: ResolvedEngineOptions;
}

/** What a plan says of the engine. */
export function optionsOf({ maxDirty, maxDirtyBytes, checkpointIntervalMs }: Plan): ResolvedEngineOptions {
  return resolveEngineOptions({
    maxDirty,
    shutdownTimeoutMs: SHUTDOWN_TIMEOUT_MS,
    writeTimeoutMs: WRITE_TIMEOUT_MS,
    checkpointIntervalMs,
    maxDirtyBytes,
  });
}

/** What a plan says of one of its namespaces. */
export function definitionOf(name: Name, plan: Plan, random: Random): NamespaceDefinition<string, number> {
  const isThrough = (THROUGH as readonly Name[]).includes(name);
  return defineNamespace({
    name,
    key: stringKey(),
    value: simulatedCodec(random, plan.unruly.includes('codec')),
    persistence: isThrough ? CachePersistenceLevel.ON_CHANGE : CachePersistenceLevel.ON_SHUTDOWN,
    maxEntries: plan.maxEntries,
    ttlMs: plan.expires ? TTL_MS : undefined,
  });
}
