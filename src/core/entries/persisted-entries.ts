import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import type { KeySpace, MemoryKey } from '../keys/key-space.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import type { CacheStorageAdapter } from '../storage-adapter.js';
import type { StoredValue } from '../values/stored-value.js';
import { EntryStore } from './entry-store.js';
import { ABSENT, type KnownValue } from './known-value.js';
import { InDoubt } from './in-doubt.js';
import { MissReader } from './miss-reader.js';
import { RowDecoder } from './row-decoder.js';

/** Remembered absences at most, as a multiple of nothing but caution: each costs a key and some 60 bytes. */
const MAX_ABSENT = 10_000;

export interface PersistedEntriesOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly storage: CacheStorageAdapter;
  readonly clock: Clock;
  readonly counters: NamespaceCounters;
}

/** What is told of keys written to while a load is under way: the load must not put older rows over them. */
export interface WriteWatch {
  readonly written: Set<MemoryKey>;
  cleared: boolean;
  evicted: boolean;
}

/**
 * The part of a persisted namespace that is in memory, and what is known of the rest: whether memory holds all of the
 * namespace (then a miss needs no query), which keys the database is known not to have, and the reads under way.
 */
export class PersistedEntries<V> {
  readonly store: EntryStore<V>;
  readonly reader: MissReader<V>;
  readonly rows: RowDecoder<V>;
  /** Told of every entry that left memory to make room. */
  onEvict: (key: MemoryKey) => void = () => undefined;

  #complete = false;
  #absent: LRUCache<MemoryKey, true> | undefined;
  readonly #watches = new Set<WriteWatch>();
  readonly #inDoubt = new InDoubt();

  constructor(private readonly options: PersistedEntriesOptions<V>) {
    const { definition, keys, storage, clock, counters } = options;
    this.store = new EntryStore<V>({
      maxEntries: definition.maxEntries,
      maxBytes: definition.maxBytes,
      clock,
      codec: definition.value,
      onEvict: (key) => this.#evicted(key),
    });
    this.rows = new RowDecoder(definition.name, keys, definition.value, counters);
    this.reader = new MissReader({
      namespace: definition.name,
      storage,
      clock,
      keys,
      rows: this.rows,
      onFound: (key, found) => this.#remember(key, found),
      onAsked: (asked) => {
        counters.storageReads += asked;
      },
    });
  }

  /** Whether the database surely has no row for a key that is not in memory. */
  isKnownAbsent(key: MemoryKey): boolean {
    return this.#complete || this.#absent?.get(key) === true;
  }

  /** Puts what a write left of `key` in the place of what was known of it. */
  applyWrite(key: MemoryKey, snapshot: StoredValue<V> | undefined): void {
    this.#replace(key, snapshot === undefined ? ABSENT : { kind: 'present', snapshot });
  }

  /** The same for an encoded value. */
  applyText(key: MemoryKey, text: string, expiresAt: number | null): void {
    this.#supersede(key);
    this.#absent?.delete(key);
    this.store.putText(key, text, expiresAt);
  }

  /** A commit that would have changed `key` was given up on, and may have happened. */
  doubt(key: MemoryKey): void {
    this.#inDoubt.add(key);
  }

  /** The same of a clear. */
  doubtAll(): void {
    this.#inDoubt.addAll();
  }

  get isInDoubt(): boolean {
    return !this.#inDoubt.isEmpty;
  }

  /** Asks the database for what is in doubt. No write to it may be under way. Rejects when it can't be asked. */
  async resolveDoubts(): Promise<void> {
    if (this.#inDoubt.isEmpty) return;
    const keys = this.#inDoubt.keys(this.store.keys());
    const found = await this.reader.ask(keys);
    keys.forEach((key, i) => this.#replace(key, found[i] ?? ABSENT));
    this.#inDoubt.resolved();
  }

  /**
   * Puts a row of the database into memory, unless a write or a newer read was there first. As text: most of a large
   * namespace may never be asked for, and what is takes its decoding at the first read.
   */
  applyRow(key: MemoryKey, text: string, expiresAt: number | null, watch: WriteWatch): boolean {
    if (watch.cleared || watch.written.has(key) || this.store.has(key)) return false;
    this.#absent?.delete(key);
    this.store.putText(key, text, expiresAt);
    return true;
  }

  /** Every row was or will be removed: memory is empty, and that is all there is. */
  applyClear(): void {
    this.reader.supersedeAll();
    for (const watch of this.#watches) watch.cleared = true;
    this.store.clear();
    this.#absent = undefined;
    this.#complete = true;
  }

  /** Forgets that memory holds everything, and remembered absences: others may have written to the database. */
  expire(): void {
    this.#complete = false;
    this.#absent = undefined;
  }

  /** From now until `unwatch`, keeps account of what is written. */
  watch(): WriteWatch {
    const watch: WriteWatch = { written: new Set(), cleared: false, evicted: false };
    this.#watches.add(watch);
    return watch;
  }

  /** Ends a watch. `sawAll` says that every row of the namespace was read during it. */
  unwatch(watch: WriteWatch, sawAll: boolean): void {
    this.#watches.delete(watch);
    if (sawAll && !watch.evicted) this.#complete = true;
  }

  /** Puts what there is now of `key` in the place of what was known of it, and of what is on its way. */
  #replace(key: MemoryKey, found: KnownValue<V>): void {
    this.#supersede(key);
    this.#remember(key, found);
  }

  #supersede(key: MemoryKey): void {
    this.reader.supersede(key);
    for (const watch of this.#watches) watch.written.add(key);
  }

  #remember(key: MemoryKey, found: KnownValue<V>): void {
    if (found.kind === 'present') {
      this.#absent?.delete(key);
      this.store.putSnapshot(key, found.snapshot);
    } else {
      this.store.delete(key);
      if (found.kind === 'absent' && !this.#complete) this.#rememberAbsent(key);
    }
  }

  #rememberAbsent(key: MemoryKey): void {
    this.#absent ??= new LRUCache({ max: Math.min(this.options.definition.maxEntries, MAX_ABSENT) });
    this.#absent.set(key, true);
  }

  #evicted(key: MemoryKey): void {
    this.#complete = false;
    for (const watch of this.#watches) watch.evicted = true;
    this.options.counters.evictions += 1;
    this.onEvict(key);
  }
}
