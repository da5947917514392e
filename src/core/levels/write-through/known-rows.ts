import { ABSENT, stampOf, type KnownValue } from '../../entries/known-value.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { StampedEntry } from '../../storage-adapter.js';

/** What the writes of a round build on: what memory knows of their keys, and what the database has said of the others. */
export class KnownRows<V> {
  readonly #known = new Map<MemoryKey, KnownValue<V>>();
  /** The keys of which the database has said it for this round. */
  readonly #fresh = new Set<MemoryKey>();

  constructor(
    private readonly entries: PersistedEntries<V>,
    private readonly keys: KeySpace<unknown>,
    /** Whether others write to the rows, too: then a value without the stamp of its row is worth nothing. */
    private readonly isShared: boolean,
  ) {}

  get(key: MemoryKey): KnownValue<V> {
    return this.#known.get(key) ?? ABSENT;
  }

  isFresh(key: MemoryKey): boolean {
    return this.#fresh.has(key);
  }

  forget(): void {
    this.#known.clear();
    this.#fresh.clear();
  }

  /**
   * Gathers what memory knows of keys, now (an entry may be evicted while the database is asked for others); gives the
   * others. `needed` says of each whether its very text is needed.
   */
  gather(needed: ReadonlyMap<MemoryKey, boolean>): MemoryKey[] {
    const unknown: MemoryKey[] = [];
    for (const [key, needsText] of needed) {
      const known = this.entries.known(key, needsText);
      if (known === undefined || (this.isShared && stampOf(known) === undefined)) unknown.push(key);
      else this.#known.set(key, known);
    }
    return unknown;
  }

  /** Asks the database for keys. Rejects with what the storage throws. */
  async ask(keys: readonly MemoryKey[]): Promise<void> {
    if (keys.length === 0) return;
    const found = await this.entries.reader.ask(keys);
    keys.forEach((key, i) => this.#learn(key, found[i] ?? ABSENT));
  }

  /** Takes rows that were read of `keys`. Gives the keys of which memory did not know them. */
  take(keys: readonly MemoryKey[], rows: readonly StampedEntry[]): MemoryKey[] {
    const byText = new Map(rows.map((row) => [row.key, row]));
    return keys.filter((key) => {
      const found = this.entries.reader.found(byText.get(this.keys.textOf(key)));
      const known = this.entries.known(key);
      this.#learn(key, found);
      return known === undefined || stampOf(known) !== stampOf(found);
    });
  }

  #learn(key: MemoryKey, found: KnownValue<V>): void {
    this.#known.set(key, found);
    this.#fresh.add(key);
    // Who is told what there is must not find in memory later what there was before.
    this.entries.saw(key, found);
  }
}
