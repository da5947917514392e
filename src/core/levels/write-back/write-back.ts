import type { CacheError } from '../../cache-error.js';
import { nextTurn } from '../../clock.js';
import type { EngineContext } from '../../context.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import type { NamespaceCounters } from '../../definition/namespace-stats.js';
import { ABSENT, storedOf, type KnownValue } from '../../entries/known-value.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import { Preload } from '../../entries/preload.js';
import { ValueEncoder } from '../../entries/value-encoder.js';
import { EVERY_KEY, type KeyRange } from '../../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { EntryPages, Listing } from '../../listing/entry-pages.js';
import type { NewerEntries } from '../../listing/newer-entries.js';
import { RowPages } from '../../listing/row-pages.js';
import type { FlushReport, LoadReport } from '../../reports.js';
import type { RescuedWrite } from '../../rescue/rescue-journal.js';
import type { CacheStorageAdapter } from '../../storage-adapter.js';
import type { Decide } from '../../values/decision.js';
import type { StoredValue } from '../../values/stored-value.js';
import type { StorageWriter } from '../../writing/storage-writer.js';
import type { WriteTurns } from '../../writing/write-turns.js';
import type { Drainable } from '../drainable.js';
import { closedError, DONE, type Level, type LevelFigures } from '../level.js';
import { Conflicts } from './conflicts.js';
import type { DirtyBudget } from './dirty-budget.js';
import { DirtyEntries } from './dirty-entries.js';
import { DirtyView } from './dirty-view.js';
import { Flusher } from './flusher.js';
import { LiveCount } from './live-count.js';
import { OperationOrder } from './operation-order.js';
import { Provenance } from './provenance.js';
import { bytesOfText, changeOf, expiryOf as expiryOfChange, REMOVAL, type RowChange } from './row-change.js';
import { rescuedWrites } from './rescued-writes.js';

/** So much is written without waiting for the next checkpoint; half of what may be dirty, where that is less. */
const FLUSH_AT = { entries: 10_000, bytes: 2 ** 23 };
/** Past that mark a turn of the event loop follows so many writes: a caller that only awaits them leaves none by itself. */
const WRITES_PER_TURN = 256;

export interface WriteBackOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly storage: CacheStorageAdapter;
  readonly writer: StorageWriter;
  readonly turns: WriteTurns;
  readonly budget: DirtyBudget;
  readonly counters: NamespaceCounters;
  readonly context: EngineContext;
  /** Whether what a stop can't write goes to a rescue journal. */
  readonly isJournalled: boolean;
  /** Whether other processes write to the same rows. */
  readonly isShared: boolean;
}

/**
 * `ON_SHUTDOWN`: a write takes effect and is acknowledged in memory, and leaves a change (the last one of each key) that
 * the flusher writes to the database: at checkpoints, when dirty entries are evicted or grow many, and at the stop. It
 * waits where it has to: behind an earlier one of its key, for the database to say what it builds on, and for room.
 */
export class WriteBack<V> implements Level<V>, Drainable {
  readonly values: ValueEncoder<V>;
  readonly #dirty: DirtyEntries;
  readonly #view: DirtyView<V>;
  readonly #order = new OperationOrder();
  readonly #preload: Preload<V>;
  readonly #flusher: Flusher;
  readonly #provenance: Provenance | undefined;
  readonly #conflicts: Conflicts<V> | undefined;
  readonly #count: LiveCount<V>;
  readonly #mark: { readonly entries: number; readonly bytes: number };
  /** Whether the last write left more dirty than the mark says. */
  #isPastMark = false;
  #writesPastMark = 0;
  #closed = false;
  /** Why, where it was not the stop. */
  #refusal: CacheError | undefined;
  /** Set when what is unwritten has been gathered for the last time: nothing may be acknowledged after that. */
  #ended = false;

  constructor(private readonly options: WriteBackOptions<V>) {
    const { definition, keys, entries, budget, context, isJournalled, isShared } = options;
    this.values = new ValueEncoder(definition, context.clock);
    const becomesDirty = (key: MemoryKey): void => this.#provenance?.becomesDirty(key);
    const hasProvenance = isJournalled || isShared;
    this.#dirty = new DirtyEntries(budget, keys, context.clock, hasProvenance ? becomesDirty : undefined);
    const dirty = this.#dirty;
    const provenance = hasProvenance ? new Provenance(dirty, options) : undefined;
    this.#provenance = provenance;
    if (isShared && provenance !== undefined)
      this.#conflicts = new Conflicts<V>({ ...options, values: this.values, dirty, provenance });
    this.#view = new DirtyView(this.#dirty, options);
    this.#preload = new Preload({
      ...options,
      unsaved: () => this.#dirty.keys(),
      removed: () => this.#dirty.removals,
    });
    const parts = { ...options, provenance, conflicts: this.#conflicts };
    this.#flusher = new Flusher(dirty, () => this.#isMarkReached, parts);
    this.#count = new LiveCount(this.#dirty, this.#flusher, options);
    const { limits } = budget;
    this.#mark = {
      entries: Math.min(FLUSH_AT.entries, Math.ceil(limits.entries / 2)),
      bytes: Math.min(FLUSH_AT.bytes, Math.ceil(limits.bytes / 2)),
    };
    entries.keepUnsaved((key) => this.#view.isDirty(key));
    entries.watchEvictions((key) => {
      if (this.#dirty.get(key) !== undefined) this.#flusher.want();
    });
  }

  get dirty(): number {
    return this.#dirty.dirty;
  }

  get refused(): number {
    return this.#dirty.refusedCount;
  }

  figures(): LevelFigures {
    return {
      dirty: this.#dirty.dirty,
      dirtyBytes: this.#dirty.bytes + (this.#provenance?.bytes ?? 0),
      waiting: this.#order.length,
      waitingBytes: this.#order.bytes,
      oldestUnwrittenMs: this.#dirty.oldestMs,
      refused: this.#dirty.refusedCount,
    };
  }

  recall(key: MemoryKey): V | undefined {
    const known = this.#view.dirtyValue(key);
    if (known?.kind !== 'present') return undefined;
    // Evicted, but not written yet: back into memory it goes.
    const value = this.#view.read(key, known);
    this.options.entries.store.putStored(key, known.stored);
    return value;
  }

  async get(key: MemoryKey): Promise<V | undefined> {
    return this.#view.read(key, await this.#find(key));
  }

  async expiresAt(key: MemoryKey): Promise<number | null | undefined> {
    return storedOf(await this.#find(key))?.expiresAt;
  }

  async refresh(key: MemoryKey): Promise<V | undefined> {
    return this.#view.read(key, await this.#inView(key, () => this.#readAnew(key)));
  }

  set(key: MemoryKey, value: V, ttlMs: number | undefined): Promise<void> {
    try {
      // At the call, also where the write has to wait: what becomes of the object then is not what was set.
      return this.#setText(key, this.values.text(value), this.values.expiry(ttlMs));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  prepare(key: MemoryKey, value: V, ttlMs: number | undefined): () => Promise<void> {
    const text = this.values.text(value);
    const expiresAt = this.values.expiry(ttlMs);
    return async () => this.#setText(key, text, expiresAt);
  }

  modify<R>(key: MemoryKey, decide: Decide<V, R>, held?: StoredValue<V>): Promise<R> {
    const modify = (known: KnownValue<V>): R | Promise<R> => this.#modify(key, known, decide);
    const bytes = held === undefined ? 0 : bytesOfText(held.text);
    return this.#inOrder([key], () => this.#withKnown(key, modify), bytes);
  }

  delete(key: MemoryKey): Promise<boolean> {
    return this.#inOrder([key], () =>
      this.#withKnown(key, (known) => {
        if (known.kind === 'absent') return false;
        return this.#withRoom([[key, REMOVAL]], () => this.#remove(key, known));
      }),
    );
  }

  rename(from: MemoryKey, to: MemoryKey): Promise<boolean> {
    const move = (known: KnownValue<V>): boolean | Promise<boolean> => {
      if (this.#view.read(from, known) === undefined || known.kind !== 'present') return false;
      if (from === to) return true;
      const { text, expiresAt } = known.stored;
      const change = changeOf(text, expiresAt);
      return this.#withRoom(
        [
          [from, REMOVAL],
          [to, change],
        ],
        () => {
          this.#remove(from, known);
          this.#put(to, text, change);
          this.#dirty.tie(from, to);
          return true;
        },
        () => this.#withKnown(from, move, true),
      );
    };
    return this.#inOrder(from === to ? [from] : [from, to], () => this.#withKnown(from, move, true));
  }

  clear(): Promise<void> {
    return this.#inOrder([], () => this.#removeRange(EVERY_KEY));
  }

  /** Counts what it removes, with the database's help where memory does not hold all of it. */
  removeRange(range: KeyRange): Promise<number> {
    return this.#inOrder([], async () => {
      const count = await this.#count.of(range, true);
      if (count > 0) await this.#withRoomToRemove(range);
      return count;
    });
  }

  count(): Promise<number> {
    return this.#count.of(EVERY_KEY, false);
  }

  get newer(): NewerEntries<V> {
    return { keys: () => this.#dirty.putKeys(), watch: () => this.#view.watchNewer() };
  }

  pages(listing: Listing): EntryPages<V> {
    return new RowPages(this.options, listing, this.newer);
  }

  flush(): Promise<FlushReport> {
    return this.#flusher.flush();
  }

  load(): Promise<LoadReport> {
    return this.#preload.load();
  }

  refuseWrites(error?: CacheError): void {
    this.#closed = true;
    this.#refusal ??= error;
  }

  giveUp(): void {
    this.#ended = true;
    this.#flusher.giveUp();
  }

  settled(): Promise<void> {
    return this.#order.idle();
  }

  unwritten(): RescuedWrite[] {
    const { definition, keys } = this.options;
    return rescuedWrites(definition.name, keys, this.#dirty, this.#provenance);
  }

  #setText(key: MemoryKey, text: string, expiresAt: number | null): Promise<void> {
    const change = changeOf(text, expiresAt);
    if (this.#takesEffectNow && this.#dirty.hasRoomFor(key, change)) {
      this.#put(key, text, change);
      return this.#pace();
    }
    const put = (): void => this.#put(key, text, change);
    return this.#inOrder([key], () => this.#withRoom([[key, change]], put), bytesOfText(text));
  }

  get #isMarkReached(): boolean {
    return this.#dirty.size >= this.#mark.entries || this.#dirty.bytes >= this.#mark.bytes;
  }

  /** Whether no operation has to be waited for. */
  get #takesEffectNow(): boolean {
    return this.#order.isIdle && !this.#closed;
  }

  /** Runs an operation in its place; see {@link OperationOrder}. */
  #inOrder<T>(keys: readonly MemoryKey[], task: () => T | Promise<T>, bytes = 0): Promise<T> {
    if (this.#closed) return Promise.reject(this.#refusal ?? closedError(this.options.definition.name));
    return this.#order.run(keys, task, bytes);
  }

  /** What there is of a key. */
  #find(key: MemoryKey): Promise<KnownValue<V>> {
    return this.#inView(key, async () => {
      const known = this.#view.known(key);
      if (known !== undefined) return known;
      return this.#shown(key, await this.options.entries.reader.read(key));
    });
  }

  /** The row of a key, read now, where nothing that is dirty is newer than it. */
  async #readAnew(key: MemoryKey): Promise<KnownValue<V>> {
    if (this.#view.isDirty(key)) return this.#view.known(key) ?? ABSENT;
    return this.#shown(key, await this.options.entries.reader.readAnew(key));
  }

  /** What there is, where the database has answered with `found`. What took effect meanwhile is newer, unless others may have come between. */
  #shown(key: MemoryKey, found: KnownValue<V>): KnownValue<V> {
    const { entries, isShared } = this.options;
    const known = this.#view.known(key);
    if (known !== undefined && (!isShared || this.#view.isDirty(key))) return known;
    entries.saw(key, found);
    return found;
  }

  /** Runs a read when what was called before it shows, unless that waits for room. */
  #inView<T>(key: MemoryKey, read: () => Promise<T>): Promise<T> {
    const waits = this.#order.holds(key) && !this.options.budget.isAwaited;
    return waits ? this.#order.run([key], read) : read();
  }

  /** Runs `task` on what there is of `key`: at once when memory knows, else when the database has answered. */
  #withKnown<T>(
    key: MemoryKey,
    task: (known: KnownValue<V>) => T | Promise<T>,
    needsText = false,
  ): T | Promise<T> {
    this.options.entries.lapse(key);
    const known = this.#view.known(key, needsText);
    return known === undefined ? this.#rowOf(key).then(task) : task(known);
  }

  /** The row of a key, read again where others have changed it meanwhile. */
  async #rowOf(key: MemoryKey): Promise<KnownValue<V>> {
    const { entries, isShared } = this.options;
    if (!isShared) return entries.reader.read(key);
    for (;;) {
      const others = entries.watchOthers();
      try {
        const found = await entries.reader.read(key);
        if (!others.isNewer(key)) return found;
      } finally {
        entries.unwatchOthers(others);
      }
    }
  }

  /**
   * Makes `effect` take effect when there is room for what it leaves: at once, or in its turn. Where a conflict was settled
   * meanwhile, what it was decided on may be outdated: then `again` decides anew.
   */
  #withRoom<T>(
    changes: readonly (readonly [MemoryKey, RowChange])[],
    effect: () => T,
    again: () => T | Promise<T> = effect,
  ): T | Promise<T> {
    if (changes.every(([key, change]) => this.#dirty.hasRoomFor(key, change))) return effect();
    const settled = this.#conflicts?.settled;
    return this.#whenAdmitted(() => (settled === this.#conflicts?.settled ? effect() : again()));
  }

  #withRoomToRemove(range: KeyRange): void | Promise<void> {
    if (this.#dirty.hasRoomToRemove(range)) return this.#removeRange(range);
    return this.#whenAdmitted(() => this.#removeRange(range));
  }

  #whenAdmitted<T>(effect: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        try {
          resolve(effect());
        } catch (error) {
          reject(error);
        }
      };
      this.options.budget.wait(admit, reject);
    });
  }

  // A write takes effect in memory, and leaves the change.

  #modify<R>(key: MemoryKey, known: KnownValue<V>, decide: Decide<V, R>): R | Promise<R> {
    const { next, result } = decide(this.#view.read(key, known), storedOf(known));
    if (next === undefined) return result;
    const change = next === null ? REMOVAL : changeOf(next.text, next.expiresAt);
    const effect = (): R => {
      this.#provenance?.builtOn(key, known);
      this.#leave(key, change);
      this.options.entries.applyWrite(key, next ?? undefined);
      return result;
    };
    return this.#withRoom([[key, change]], effect, () =>
      this.#withKnown(key, (newer) => this.#modify(key, newer, decide)),
    );
  }

  #put(key: MemoryKey, text: string, change: RowChange): void {
    this.#conflicts?.overrule(key);
    this.#leave(key, change);
    this.options.entries.applyText(key, text, expiryOfChange(change));
  }

  #remove(key: MemoryKey, known: KnownValue<V>): boolean {
    this.#provenance?.builtOn(key, known);
    this.#conflicts?.overrule(key);
    this.#leave(key, REMOVAL);
    this.options.entries.applyWrite(key, undefined);
    return true;
  }

  #removeRange(range: KeyRange): void {
    this.#assertNotEnded();
    this.#provenance?.remove(range);
    this.#dirty.remove(range);
    this.options.entries.applyRemoval(range);
    // It may have taken the room that others wait for.
    this.#flusher.removes();
  }

  #leave(key: MemoryKey, change: RowChange): void {
    this.#assertNotEnded();
    this.#dirty.put(key, change);
    this.#isPastMark = this.#isMarkReached;
    if (this.#isPastMark) this.#flusher.reconsider();
  }

  /** Resolves at once, or past the mark now and then in the next turn of the event loop, so that flushes get theirs. */
  #pace(): Promise<void> {
    if (!this.#isPastMark) return DONE;
    this.#writesPastMark += 1;
    if (this.#writesPastMark < WRITES_PER_TURN) return DONE;
    this.#writesPastMark = 0;
    return nextTurn(this.options.context.clock);
  }

  #assertNotEnded(): void {
    if (this.#ended) throw closedError(this.options.definition.name);
  }
}
