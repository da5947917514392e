import type { CacheError } from '../../cache-error.js';
import type { EngineContext } from '../../context.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import type { NamespaceCounters } from '../../definition/namespace-stats.js';
import { storedOf, valueOf, type KnownValue } from '../../entries/known-value.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import { Preload } from '../../entries/preload.js';
import { ValueEncoder } from '../../entries/value-encoder.js';
import type { KeyRange } from '../../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { EntryPages, Listing } from '../../listing/entry-pages.js';
import type { NewerEntries } from '../../listing/newer-entries.js';
import { RowPages } from '../../listing/row-pages.js';
import type { FlushReport, LoadReport } from '../../reports.js';
import type { CacheStorageAdapter, Stamp } from '../../storage-adapter.js';
import type { Decide } from '../../values/decision.js';
import type { StorageWriter } from '../../writing/storage-writer.js';
import type { Drainable } from '../drainable.js';
import type { Level, LevelFigures } from '../level.js';
import { CommitLine } from './commit-line.js';
import type { GroupCommitter } from './group-committer.js';
import { StoredLoads } from './stored-loads.js';

export interface WriteThroughOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly storage: CacheStorageAdapter;
  readonly writer: StorageWriter;
  readonly committer: GroupCommitter;
  readonly counters: NamespaceCounters;
  readonly context: EngineContext;
  /** How long after its call a write is given up on, ms. */
  readonly writeTimeoutMs: number;
  /** Whether other processes write to the same rows. */
  readonly isShared: boolean;
}

/**
 * `ON_CHANGE`: a write waits in the line of its namespace for the group committer, takes effect in memory when the
 * transaction that holds it has committed, and is acknowledged then. It is tried again while the database can't take it,
 * until its own deadline.
 */
export class WriteThrough<V> implements Level<V>, Drainable {
  readonly refused = 0;
  readonly values: ValueEncoder<V>;
  readonly #preload: Preload<V>;
  readonly #line: CommitLine<V>;

  constructor(private readonly options: WriteThroughOptions<V>) {
    this.values = new ValueEncoder(options.definition, options.context.clock);
    this.#preload = new Preload({ ...options, unsaved: () => [], removed: () => [] });
    const { isShared, entries, context } = options;
    const loads = isShared ? new StoredLoads(context.clock, entries.maxStaleMs, this.#takeBack) : undefined;
    if (loads !== undefined) entries.tellOfOthers(loads);
    this.#line = new CommitLine({ ...options, loads });
  }

  /** Removes what a loader gave, if it is still there. Where the database does not take that, it stays. */
  readonly #takeBack = (key: MemoryKey, stamp: Stamp): void => {
    const decide: Decide<V, undefined> = (_, stored) => ({
      next: stored?.stamp === stamp ? null : undefined,
      result: undefined,
    });
    this.#line.push({ kind: 'modify', key, decide }).catch(() => undefined);
  };

  get dirty(): number {
    return this.#line.length;
  }

  figures(): LevelFigures {
    return {
      dirty: this.dirty,
      dirtyBytes: 0,
      waiting: 0,
      waitingBytes: 0,
      oldestUnwrittenMs: this.#line.oldestMs,
      refused: 0,
    };
  }

  recall(): undefined {
    // What is queued is not visible before it has committed.
    return undefined;
  }

  async get(key: MemoryKey): Promise<V | undefined> {
    const { entries, definition } = this.options;
    if (entries.isKnownAbsent(key)) return undefined;
    return valueOf(await this.#find(key, entries.reader.read(key)), definition.value);
  }

  async expiresAt(key: MemoryKey): Promise<number | null | undefined> {
    const { entries } = this.options;
    if (entries.isKnownAbsent(key)) return undefined;
    return storedOf(await this.#find(key, entries.reader.read(key)))?.expiresAt;
  }

  async refresh(key: MemoryKey): Promise<V | undefined> {
    const { entries, definition } = this.options;
    return valueOf(await this.#find(key, entries.reader.readAnew(key)), definition.value);
  }

  set(key: MemoryKey, value: V, ttlMs: number | undefined): Promise<void> {
    return this.prepare(key, value, ttlMs)();
  }

  prepare(key: MemoryKey, value: V, ttlMs: number | undefined): () => Promise<void> {
    const stored = this.values.stored(value, ttlMs);
    return () => this.#line.push({ kind: 'set', key, stored }) as Promise<void>;
  }

  modify<R>(key: MemoryKey, decide: Decide<V, R>): Promise<R> {
    return this.#line.push({ kind: 'modify', key, decide }) as Promise<R>;
  }

  delete(key: MemoryKey): Promise<boolean> {
    return this.#line.push({ kind: 'delete', key }) as Promise<boolean>;
  }

  rename(from: MemoryKey, to: MemoryKey): Promise<boolean> {
    return this.#line.push({ kind: 'rename', key: from, to }) as Promise<boolean>;
  }

  async clear(): Promise<void> {
    await this.#line.push({ kind: 'clear' });
  }

  removeRange(range: KeyRange): Promise<number> {
    return this.#line.push({ kind: 'remove', range }) as Promise<number>;
  }

  count(): Promise<number> {
    const { definition, storage, entries, context } = this.options;
    return entries.reader.asking(() => storage.count(definition.name, context.clock.now()));
  }

  /** A key in doubt is listed as readers see it. */
  get newer(): NewerEntries<V> {
    const { entries, isShared } = this.options;
    // Where others write, too, the rows are what there is.
    const shown = (key: MemoryKey): KnownValue<V> | undefined => (isShared ? undefined : entries.held(key));
    return {
      keys: () => entries.doubted().filter((key) => shown(key) !== undefined),
      watch: () => ({ isEmptied: false, known: shown, end: () => undefined }),
    };
  }

  pages(listing: Listing): EntryPages<V> {
    return new RowPages(this.options, listing, this.newer);
  }

  /** Waits for the writes accepted so far; each tells its own caller how it went. */
  async flush(): Promise<FlushReport> {
    const { counters, context } = this.options;
    const startedAt = context.clock.monotonic();
    const { written } = counters;
    const before = this.#line.rejected.count;
    await this.#line.settled();
    const { count, lastError } = this.#line.rejected;
    return {
      written: counters.written - written,
      failed: count - before,
      remaining: this.dirty,
      durationMs: context.clock.monotonic() - startedAt,
      error: count > before ? lastError : undefined,
    };
  }

  load(): Promise<LoadReport> {
    return this.#preload.load();
  }

  refuseWrites(error?: CacheError): void {
    this.#line.close(error);
  }

  giveUp(): void {
    this.#line.giveUp();
  }

  async settled(): Promise<void> {
    // What is queued takes effect with its commit: flush() waits for it.
  }

  unwritten(): [] {
    // Nothing unwritten was ever acknowledged here, and each such write rejects.
    return [];
  }

  /** What there is, `reading` over. What was committed meanwhile is newer, unless others may have come between. */
  async #find(key: MemoryKey, reading: Promise<KnownValue<V>>): Promise<KnownValue<V>> {
    const { entries, isShared } = this.options;
    const found = await reading;
    if (!isShared) return entries.held(key) ?? found;
    entries.saw(key, found);
    return found;
  }
}
