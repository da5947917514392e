import type { EngineContext } from '../context.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import { CachePersistenceLevel } from '../definition/persistence-level.js';
import { EntryStore } from '../entries/entry-store.js';
import { InFlight } from '../entries/in-flight.js';
import type { PersistedEntries } from '../entries/persisted-entries.js';
import type { KeySpace } from '../keys/key-space.js';
import type { NewerEntries } from '../listing/newer-entries.js';
import type { CacheStorageAdapter } from '../storage-adapter.js';
import type { StorageWriter } from '../writing/storage-writer.js';
import type { WriteTurns } from '../writing/write-turns.js';
import type { Drainable } from './drainable.js';
import type { Level } from './level.js';
import { MemoryOnly } from './memory-only.js';
import type { DirtyBudget } from './write-back/dirty-budget.js';
import { WriteBack } from './write-back/write-back.js';
import type { GroupCommitter } from './write-through/group-committer.js';
import { WriteThrough } from './write-through/write-through.js';

/** What a persisted namespace is made of. */
export interface PersistedParts<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly counters: NamespaceCounters;
  readonly storage: CacheStorageAdapter;
  readonly writer: StorageWriter;
  readonly turns: WriteTurns;
  readonly committer: GroupCommitter;
  readonly budget: DirtyBudget;
  readonly context: EngineContext;
  readonly writeTimeoutMs: number;
  /** Whether what a stop can't write goes to a rescue journal. */
  readonly isJournalled: boolean;
  /** Whether other processes write to the same rows. */
  readonly isShared: boolean;
}

/** A persisted level in use. */
export type PersistedLevel<V> = Level<V> & Drainable & Newer<V>;

/** A level that knows of entries what the rows may not show. */
interface Newer<V> {
  readonly newer: NewerEntries<V>;
}

interface PersistedKind {
  /** Whether a write is acknowledged before it is in the database: a stop has to write it. */
  readonly acknowledgesEarly: boolean;
  create<V>(parts: PersistedParts<V>): PersistedLevel<V>;
}

/** The levels that have rows; the only place that decides by level. */
const PERSISTED: ReadonlyMap<CachePersistenceLevel, PersistedKind> = new Map([
  [
    CachePersistenceLevel.ON_CHANGE,
    { acknowledgesEarly: false, create: <V>(parts: PersistedParts<V>) => new WriteThrough(parts) },
  ],
  [
    CachePersistenceLevel.ON_SHUTDOWN,
    { acknowledgesEarly: true, create: <V>(parts: PersistedParts<V>) => new WriteBack(parts) },
  ],
]);

/** Whether a namespace has rows in the database. */
export function isPersisted({ persistence }: Pick<NamespaceDefinition, 'persistence'>): boolean {
  return PERSISTED.has(persistence);
}

/** Whether a process that ends without a stop loses what this namespace has acknowledged. */
export function acknowledgesEarly({ persistence }: Pick<NamespaceDefinition, 'persistence'>): boolean {
  return PERSISTED.get(persistence)?.acknowledgesEarly === true;
}

/** The level of a namespace that {@link isPersisted}. */
export function persistedLevel<V>(parts: PersistedParts<V>): PersistedLevel<V> {
  const { name, persistence } = parts.definition;
  const kind = PERSISTED.get(persistence);
  if (kind === undefined) throw new Error(`Namespace '${name}' has no rows at its level, '${persistence}'.`);
  return kind.create(parts);
}

/** The memory and the level of a namespace that has no rows. */
export function memoryLevel<V>(
  definition: NamespaceDefinition<unknown, V>,
  keys: KeySpace<unknown>,
  counters: NamespaceCounters,
  context: EngineContext,
): { readonly store: EntryStore<V>; readonly inFlight: InFlight; readonly level: Level<V> } {
  const store = new EntryStore<V>({
    maxEntries: definition.maxEntries,
    maxBytes: definition.maxBytes,
    clock: context.clock,
    codec: definition.value,
    onEvict: () => {
      counters.evictions += 1;
    },
  });
  const inFlight = new InFlight();
  return { store, inFlight, level: new MemoryOnly(definition, store, inFlight, keys, context) };
}
