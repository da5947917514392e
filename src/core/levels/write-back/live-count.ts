import { within } from '../../clock.js';
import type { EngineContext } from '../../context.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import { contains, type KeyRange } from '../../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { CacheStorageAdapter } from '../../storage-adapter.js';
import type { DirtyEntries } from './dirty-entries.js';
import type { Flusher } from './flusher.js';
import { storedIn } from './row-change.js';

/** Keys in one query. */
const KEYS_PER_QUERY = 1000;
/** While flushes go on, the last of so many attempts is as good as any to who does not wait. */
const MAX_ATTEMPTS = 4;
/** How long each of them waits for the end of a write, ms. */
const MAX_WAIT_MS = 2000;

export interface LiveCountOptions<V> {
  readonly definition: Pick<NamespaceDefinition, 'name'>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly storage: CacheStorageAdapter;
  readonly context: EngineContext;
}

/**
 * Counts the entries of a write-back namespace, those that are dirty and those that have rows: in memory, where that holds
 * all there is; else the rows, without those of dirty keys, and what the dirty keys become.
 */
export class LiveCount<V> {
  constructor(
    private readonly dirty: DirtyEntries,
    private readonly flusher: Flusher,
    private readonly options: LiveCountOptions<V>,
  ) {}

  /**
   * How many entries there are whose keys lie in `range`. With `isExact` it waits for flushes as long as they take, else for
   * some time. Rejects with `READ_FAILED` or `CACHE_CLOSED`.
   */
  async of(range: KeyRange, isExact: boolean): Promise<number> {
    const { entries, keys } = this.options;
    if (entries.isComplete) {
      let held = 0;
      for (const key of entries.store.keys()) if (keys.isIn(key, range)) held += 1;
      return held;
    }
    return entries.reader.asking(() => this.#ask(range, isExact));
  }

  /** A write between the questions would have them answered of different rows: then they are asked once more. */
  async #ask(range: KeyRange, isExact: boolean): Promise<number> {
    const { flusher } = this;
    for (let attempt = 1; ; attempt += 1) {
      if (flusher.isWriting) await this.#writeOver(isExact);
      const isQuiet = !flusher.isWriting;
      const { attempts } = flusher;
      const count = await this.#once(range);
      if (isQuiet && attempts === flusher.attempts) return count;
      if (!isExact && attempt === MAX_ATTEMPTS) return count;
    }
  }

  async #once(range: KeyRange): Promise<number> {
    const now = this.options.context.clock.now();
    const { keys, puts } = this.#dirtyIn(range, now);
    const { removals } = this.dirty;
    if (removals.some((removal) => contains(removal, range))) return puts;
    const replaced = await this.#rowsOf(keys, now);
    let rows = await this.#rowsIn(range, now);
    for (const removal of removals) if (contains(range, removal)) rows -= await this.#rowsIn(removal, now);
    return rows - replaced + puts;
  }

  async #writeOver(isExact: boolean): Promise<void> {
    const over = this.flusher.writeOver();
    await (isExact ? over : within(this.options.context.clock, MAX_WAIT_MS, over));
  }

  #rowsIn(range: KeyRange, now: number): Promise<number> {
    return this.options.storage.count(this.options.definition.name, now, range);
  }

  /** The dirty keys whose rows may stay otherwise, and how many of all get a value. */
  #dirtyIn(range: KeyRange, now: number): { readonly keys: MemoryKey[]; readonly puts: number } {
    const found: MemoryKey[] = [];
    let puts = 0;
    for (const [key, change] of this.dirty.entries()) {
      if (!this.options.keys.isIn(key, range)) continue;
      // The rows of the others are to be removed in any case.
      if (!this.dirty.isRemoved(key)) found.push(key);
      if (storedIn(change, now) !== undefined) puts += 1;
    }
    return { keys: found, puts };
  }

  /** How many of `keys` have a row that has not expired. */
  async #rowsOf(keys: readonly MemoryKey[], now: number): Promise<number> {
    const { definition, storage, keys: space } = this.options;
    let count = 0;
    for (let start = 0; start < keys.length; start += KEYS_PER_QUERY) {
      const texts = keys.slice(start, start + KEYS_PER_QUERY).map((key) => space.textOf(key));
      for (const { expiresAt } of await storage.read(definition.name, texts))
        if (expiresAt === null || expiresAt > now) count += 1;
    }
    return count;
  }
}
