import type { Clock } from '../clock.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import { isEvery, type KeyRange } from '../keys/key-range.js';
import type { ChangeListener } from '../sharing/change-listener.js';
import type { Freshness } from '../sharing/freshness.js';
import type { Changes } from '../sharing/note.js';
import type { KeySpace, MemoryKey } from '../keys/key-space.js';
import type { CacheStorageAdapter, Stamp, StampedEntry } from '../storage-adapter.js';
import { HeldValue, StoredValue } from '../values/stored-value.js';
import { EntryStore } from './entry-store.js';
import { InFlight, LoadWatch, type Covers, type Supersedable } from './in-flight.js';
import { Knowledge } from './knowledge.js';
import { ABSENT, present, stampOf, type KnownValue } from './known-value.js';
import { MissReader } from './miss-reader.js';
import { RowDecoder } from './row-decoder.js';
import type { RowWatcher } from './row-watcher.js';

export interface PersistedEntriesOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly storage: CacheStorageAdapter;
  readonly clock: Clock;
  readonly counters: NamespaceCounters;
  /** Whether other processes write to the same rows: then memory keeps their stamps. */
  readonly isShared: boolean;
  /** How far memory can be trusted where they do. */
  readonly freshness: Freshness;
  /** Called with why the database could not be read. */
  readonly onReadFailed?: ((cause: unknown) => void) | undefined;
}

/** The entries of a persisted namespace in memory, the knowledge about its other keys, and what is on its way into memory. */
export class PersistedEntries<V> implements ChangeListener {
  readonly store: EntryStore<V>;
  readonly reader: MissReader<V>;
  readonly rows: RowDecoder<V>;
  readonly inFlight = new InFlight();
  readonly #knowledge: Knowledge;
  readonly #watches = new Set<LoadWatch>();
  /** What is being committed: others may write the same rows meanwhile, and be told of before the commit is. */
  readonly #commits = new Set<LoadWatch>();
  #isUnsaved: (key: MemoryKey) => boolean = () => false;
  #onEvict: (key: MemoryKey) => void = () => undefined;
  #rowWatcher: RowWatcher | undefined;
  #toldOfOthers: Supersedable | undefined;

  constructor(private readonly options: PersistedEntriesOptions<V>) {
    const { definition, keys, storage, clock, counters, isShared, freshness } = options;
    this.#knowledge = new Knowledge(definition.maxEntries);
    this.store = new EntryStore<V>({
      maxEntries: definition.maxEntries,
      maxBytes: definition.maxBytes,
      clock,
      codec: definition.value,
      keepsStamps: isShared,
      onEvict: (key) => this.#evicted(key),
      onLeft: (key) => this.#rowWatcher?.left(key),
    });
    this.rows = new RowDecoder(definition.name, keys, definition.value, counters);
    this.reader = new MissReader({
      namespace: definition.name,
      storage,
      clock,
      keys,
      rows: this.rows,
      onFound: (key, found) => {
        // It is newer than the rows that a load has read.
        for (const watch of this.#watches) watch.supersede(key);
        if (isShared) this.reader.supersede(key);
        this.#remember(key, found);
        if (this.#rowWatcher !== undefined && found.kind === 'present') this.#tellSeen(key, found.stored);
      },
      onAsked: (asked) => {
        counters.storageReads += asked;
      },
      onFailed: options.onReadFailed,
      maxStaleMs: freshness.maxStaleMs,
    });
    this.inFlight.add(this.reader);
  }

  /** Calls `evicted` from now on for every entry that leaves memory to make room. */
  watchEvictions(evicted: (key: MemoryKey) => void): void {
    this.#onEvict = evicted;
  }

  /** Keeps entries that `isUnsaved` names, whatever others do: they are newer than their rows. */
  keepUnsaved(isUnsaved: (key: MemoryKey) => boolean): void {
    this.#isUnsaved = isUnsaved;
  }

  /** Whether what is dirty decides what becomes of the row of `key`. */
  isUnsaved(key: MemoryKey): boolean {
    return this.#isUnsaved(key);
  }

  /** Tells `watcher` from now on of every row that is read into memory, and of every entry that leaves it. */
  watchRows(watcher: RowWatcher): void {
    this.#rowWatcher = watcher;
  }

  /** How old an answer of memory may be, ms. */
  get maxStaleMs(): number {
    return this.options.freshness.maxStaleMs;
  }

  /** Tells `told` from now on of what others write. */
  tellOfOthers(told: Supersedable): void {
    this.#toldOfOthers = told;
  }

  /** The value of `key` in memory. With `needsText`, only its stored text: encoding a decoded value may give another text. */
  held(key: MemoryKey, needsText = false): KnownValue<V> | undefined {
    const { store } = this;
    if (needsText) {
      const text = store.peekText(key);
      if (text === undefined) return undefined;
      return present(new StoredValue<V>(text, store.expiresAt(key), store.stampOf(key)));
    }
    const value = store.peek(key);
    if (value === undefined) return undefined;
    const text = store.peekText(key);
    // A value that can't be frozen is decoded anew for each reader.
    const stamp = store.stampOf(key);
    if (text !== undefined) return present(new StoredValue<V>(text, store.expiresAt(key), stamp));
    return present(new HeldValue(value, store.expiresAt(key), this.options.definition.value, stamp));
  }

  /** What memory knows of `key`, absence included; `undefined` where only the database can tell. */
  known(key: MemoryKey, needsText = false): KnownValue<V> | undefined {
    const held = this.held(key, needsText);
    if (held !== undefined || (needsText && this.store.has(key))) return held;
    return this.isKnownAbsent(key) ? ABSENT : undefined;
  }

  /** Whether the database surely has no row for a key that is not in memory. */
  isKnownAbsent(key: MemoryKey): boolean {
    return this.#knowledge.isAbsent(key);
  }

  /** Whether memory holds every entry there is, and that is known for sure. */
  get isComplete(): boolean {
    return this.#knowledge.isComplete && this.options.freshness.isFresh;
  }

  /** Whether memory would answer for `key` with what others may have changed. */
  dependsOnOthers(key: MemoryKey): boolean {
    return this.options.isShared && !this.#isUnsaved(key) && (this.store.has(key) || this.isKnownAbsent(key));
  }

  /**
   * Whether the rows alone tell what others see of `key`: memory has nothing of it, or a commit of this instance may have
   * happened that memory does not show yet.
   */
  isOpen(key: MemoryKey): boolean {
    if (!this.options.isShared || this.#isUnsaved(key)) return false;
    return this.#commits.size > 0 || this.isInDoubt || !this.dependsOnOthers(key);
  }

  /** Forgets what memory has of `key`, unless it may answer for it now: then the database is asked. */
  lapse(key: MemoryKey): void {
    const { isShared, freshness } = this.options;
    if (
      isShared &&
      !freshness.isFresh &&
      this.dependsOnOthers(key) &&
      freshness.permissionNow !== 'unconfirmed'
    )
      this.forget(key);
  }

  changed(changes: Changes, stamp: Stamp): void {
    if (!('prefix' in changes)) {
      for (const text of changes) {
        const key = this.options.keys.parse(text);
        if (key !== undefined) this.#changedByOthers(key, stamp);
      }
      return;
    }
    const covers = this.covers(changes);
    this.inFlight.supersedeWhere(covers);
    for (const watch of this.#commits) watch.supersedeWhere(covers);
    this.#toldOfOthers?.supersedeWhere(covers);
    for (const key of Array.from(this.store.keys()))
      if (covers(key) && !this.#isUnsaved(key)) this.store.delete(key);
    // Others may have written behind it, and been told of before.
    this.#lacksSome();
  }

  lostTrack(): void {
    this.inFlight.supersedeAll();
    for (const watch of this.#commits) watch.supersedeAll();
    this.#toldOfOthers?.supersedeAll();
    for (const key of Array.from(this.store.keys())) if (!this.#isUnsaved(key)) this.store.delete(key);
    this.#knowledge.expire();
    this.#lacksSome();
  }

  /** Records what others write from now until {@link unwatchOthers}. */
  watchOthers(): LoadWatch {
    const watch = new LoadWatch();
    this.#commits.add(watch);
    return watch;
  }

  unwatchOthers(watch: LoadWatch): void {
    this.#commits.delete(watch);
  }

  /** Others have written `key`: what there is now only the database can tell. */
  forget(key: MemoryKey): void {
    this.inFlight.supersede(key);
    for (const watch of this.#watches) watch.forgotten.add(key);
    this.store.delete(key);
    this.#knowledge.unknown(key);
  }

  /**
   * Somebody is told of what was read of `key` beside memory. Nothing older is to be found in memory later: where that says
   * something else, others have written since, and it is forgotten.
   */
  saw(key: MemoryKey, found: KnownValue<V>): void {
    this.#sawRow(key, stampOf(found), found.kind === 'absent');
  }

  /** The same of a row that is listed. */
  sawListed(key: MemoryKey, { stamp }: StampedEntry): void {
    this.#sawRow(key, stamp, false);
  }

  /** Puts what a write left of `key` in the place of what was known of it. */
  applyWrite(key: MemoryKey, stored: StoredValue<V> | undefined, stamp?: Stamp): void {
    this.inFlight.supersede(key);
    this.#remember(key, stored === undefined ? ABSENT : present(stored), stamp);
  }

  /** The same for an encoded value. */
  applyText(key: MemoryKey, text: string, expiresAt: number | null): void {
    this.inFlight.supersede(key);
    this.#knowledge.present(key);
    this.store.putText(key, text, expiresAt);
  }

  /** Puts what the database has of `key` in the place of what was known of it, and supersedes what is on its way into memory. */
  replace(key: MemoryKey, found: KnownValue<V>): void {
    this.inFlight.supersede(key);
    this.#remember(key, found);
  }

  /** A commit that changes `key` was given up on, and may have happened. */
  doubt(key: MemoryKey): void {
    this.#knowledge.doubt(key);
  }

  /** The same of a clear. */
  doubtAll(): void {
    this.#knowledge.doubtAll();
  }

  get isInDoubt(): boolean {
    return this.#knowledge.isInDoubt;
  }

  /** The keys in doubt. */
  doubted(): MemoryKey[] {
    return this.isInDoubt ? this.#knowledge.doubted(this.store.keys()) : [];
  }

  /** Asks the database for what is in doubt. No write to it may be under way. Rejects when it can't be asked. */
  async resolveDoubts(): Promise<void> {
    if (!this.isInDoubt) return;
    const keys = this.doubted();
    const others = this.watchOthers();
    try {
      const found = await this.reader.ask(keys);
      keys.forEach((key, i) => {
        if (others.isNewer(key)) this.forget(key);
        else this.replace(key, found[i] ?? ABSENT);
      });
    } finally {
      this.unwatchOthers(others);
    }
    if (this.#knowledge.isAllInDoubt) this.#endLoads();
    this.#knowledge.settled();
  }

  /**
   * Puts a row of the database into memory, unless a write or a newer read came first. The row stays text until its first
   * read: most entries of a large namespace may never be read.
   */
  applyRow(key: MemoryKey, { value, expiresAt, stamp }: StampedEntry, watch: LoadWatch): boolean {
    if (watch.isNewer(key) || this.store.has(key)) return false;
    if (this.options.isShared) this.reader.supersede(key);
    this.#knowledge.present(key);
    this.store.putText(key, value, expiresAt, stamp);
    this.#rowWatcher?.seen(key, value, expiresAt, stamp);
    return true;
  }

  /** Every row was or will be removed: memory is empty and complete, unless others write behind it. */
  applyClear(): void {
    this.inFlight.supersedeAll();
    this.store.clear();
    if (!this.options.isShared) {
      this.#knowledge.complete();
      return;
    }
    this.expire();
    // A load under way has read what was there before it.
    this.#lacksSome();
  }

  /** The same of the rows in a range. */
  applyRemoval(range: KeyRange): void {
    if (isEvery(range)) {
      this.applyClear();
      return;
    }
    const covers = this.covers(range);
    this.inFlight.supersedeWhere(covers);
    for (const key of Array.from(this.store.keys())) if (covers(key)) this.store.delete(key);
    if (this.options.isShared) this.#lacksSome();
  }

  /** Tells which keys lie in a range. */
  covers(range: KeyRange): Covers {
    const { keys } = this.options;
    return (key) => keys.isIn(key, range);
  }

  /** Forgets that memory holds everything, and remembered absences: others may have written to the database. */
  expire(): void {
    this.#knowledge.expire();
  }

  /** Forgets all that memory holds, too: any row may be another one now. What is dirty is not lost with it. */
  forgetAll(): void {
    this.inFlight.supersedeAll();
    this.store.clear();
    this.#knowledge.expire();
    this.#lacksSome();
  }

  /** Records what is written from now until `unwatch`. */
  watch(): LoadWatch {
    const watch = new LoadWatch();
    this.#watches.add(watch);
    this.inFlight.add(watch);
    return watch;
  }

  /** Ends a watch. `sawAll` says that every row of the namespace was read during it. */
  unwatch(watch: LoadWatch, sawAll: boolean): void {
    this.#watches.delete(watch);
    this.inFlight.remove(watch);
    if (sawAll && !watch.missesSome)
      this.#knowledge.complete([...watch.forgotten].filter((key) => !this.store.has(key)));
  }

  /** Throws if the knowledge contradicts memory; for tests. */
  assertConsistent(): void {
    this.#knowledge.assertHolds((key) => this.store.has(key));
  }

  /** Throws if something counts as under way; for tests, where nothing is. */
  assertIdle(): void {
    const { size } = this.#commits;
    if (size > 0 || this.#watches.size > 0)
      throw new Error(`${size} commits and ${this.#watches.size} loads count as under way, and nothing is.`);
  }

  #tellSeen(key: MemoryKey, { text, expiresAt, stamp }: StoredValue<V>): void {
    if (stamp !== undefined) this.#rowWatcher?.seen(key, text, expiresAt, stamp);
  }

  #sawRow(key: MemoryKey, stamp: Stamp | null | undefined, isAbsent: boolean): void {
    if (!this.options.isShared) return;
    if (stamp !== undefined) for (const watch of this.#commits) watch.seen.set(key, stamp);
    const isOld = this.store.has(key)
      ? this.store.stampOf(key) !== stamp
      : !isAbsent && this.isKnownAbsent(key);
    if (isOld && !this.#isUnsaved(key)) this.forget(key);
    else this.#outrun(key);
  }

  /** Of questions that are under way at once nobody knows which one the database answers first: none may take back what another has found. */
  #outrun(key: MemoryKey): void {
    this.reader.supersede(key);
    if (this.store.has(key)) return;
    for (const watch of this.#watches) {
      watch.supersede(key);
      watch.forgotten.add(key);
    }
  }

  #changedByOthers(key: MemoryKey, stamp: Stamp): void {
    for (const watch of this.#commits) watch.supersede(key);
    this.#toldOfOthers?.supersede(key);
    if (!this.#isUnsaved(key) && this.store.stampOf(key) !== stamp) {
      this.forget(key);
      return;
    }
    // Memory has what they wrote already, or what is newer: only what is on its way is older, and what is known of the row.
    this.inFlight.supersede(key);
    if (!this.store.has(key)) this.#knowledge.unknown(key);
  }

  /** A clear may have happened: rows that were read before it are outdated, whatever their key. */
  #endLoads(): void {
    this.reader.supersedeAll();
    for (const watch of this.#watches) {
      watch.isOver = true;
      watch.missesSome = true;
    }
  }

  #remember(key: MemoryKey, found: KnownValue<V>, stamp?: Stamp): void {
    if (found.kind === 'present') {
      this.#knowledge.present(key);
      this.store.putStored(key, found.stored, stamp);
      return;
    }
    this.store.delete(key);
    if (found.kind === 'absent') this.#knowledge.absent(key);
    // A row exists that memory does not hold.
    else this.#lacksSome();
  }

  #lacksSome(): void {
    this.#knowledge.lacksSome();
    for (const watch of this.#watches) watch.missesSome = true;
  }

  #evicted(key: MemoryKey): void {
    this.#lacksSome();
    this.options.counters.evictions += 1;
    this.#onEvict(key);
  }
}
