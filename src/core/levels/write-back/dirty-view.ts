import { isCacheError } from '../../cache-error.js';
import type { EngineContext } from '../../context.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import { ABSENT, present, valueOf, type KnownValue } from '../../entries/known-value.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { NewerWatch } from '../../listing/newer-entries.js';
import type { DirtyEntries } from './dirty-entries.js';
import { storedIn, type RowChange } from './row-change.js';

export interface DirtyViewOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly context: EngineContext;
  /** Whether other processes write to the same rows. */
  readonly isShared: boolean;
}

/** What there is of a write-back namespace: what memory holds, over what is dirty, over what is known of the rows. */
export class DirtyView<V> {
  constructor(
    private readonly dirty: DirtyEntries,
    private readonly options: DirtyViewOptions<V>,
  ) {}

  /** What memory and the dirty entries know of `key`; `undefined` where only the database can tell. */
  known(key: MemoryKey, needsText = false): KnownValue<V> | undefined {
    const { entries } = this.options;
    // What is in memory is decoded already.
    const held = needsText ? undefined : entries.held(key);
    const known = held ?? this.dirtyValue(key) ?? entries.known(key, needsText);
    return known === undefined && this.dirty.isRemoved(key) ? ABSENT : known;
  }

  /** What a dirty entry is to become, unless that has expired. */
  dirtyValue(key: MemoryKey): KnownValue<V> | undefined {
    const change = this.dirty.get(key);
    return change === undefined ? undefined : this.#becoming(change);
  }

  /** Whether what is dirty decides what becomes of the row of `key`. */
  isDirty(key: MemoryKey): boolean {
    return this.dirty.get(key) !== undefined || this.dirty.isRemoved(key);
  }

  /** The value itself. Throws `UNREADABLE_ENTRY` where it does not decode, be it that of a dirty entry. */
  read(key: MemoryKey, known: KnownValue<V>): V | undefined {
    const { entries, definition, keys } = this.options;
    try {
      return valueOf(known, definition.value);
    } catch (cause) {
      throw isCacheError(cause) ? cause : entries.rows.unreadable(keys.textOf(key), cause);
    }
  }

  /**
   * For who reads rows: what memory and the dirty entries know, and what is committed meanwhile. Where others write, too, a row is
   * as good as what memory holds of it.
   */
  watchNewer(): NewerWatch<V> {
    const watch = this.dirty.watch();
    const { entries, isShared } = this.options;
    return {
      isEmptied: watch.isEmptied,
      known: (key) => {
        const known = (isShared ? undefined : entries.held(key)) ?? this.dirtyValue(key);
        if (known !== undefined) return known;
        const committed = watch.get(key);
        if (committed !== undefined) return this.#becoming(committed);
        return watch.isRemoved(key) ? ABSENT : undefined;
      },
      end: () => this.dirty.unwatch(watch),
    };
  }

  #becoming(change: RowChange): KnownValue<V> {
    const stored = storedIn<V>(change, this.options.context.clock.now());
    return stored === undefined ? ABSENT : present(stored);
  }
}
