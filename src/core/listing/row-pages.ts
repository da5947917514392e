import { nextTurn } from '../clock.js';
import type { EngineContext } from '../context.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import { valueOf, type KnownValue } from '../entries/known-value.js';
import { FIRST_PAGE, limitAfter } from '../entries/page-limit.js';
import type { PersistedEntries } from '../entries/persisted-entries.js';
import { compareStored, sortedByText, type KeyText } from '../keys/key-order.js';
import type { KeySpace, MemoryKey } from '../keys/key-space.js';
import type { CacheStorageAdapter, LoadCursor, LoadedPage, StampedEntry } from '../storage-adapter.js';
import type { EntryPages, ListedEntry, Listing } from './entry-pages.js';
import type { NewerEntries, NewerWatch } from './newer-entries.js';

/** Decoded in one go, between two turns of the event loop. */
const ENTRIES_PER_PAGE = 1000;
/** No rows, and none to follow. */
const NO_ROWS: LoadedPage = { rows: [], next: undefined };

export interface RowPagesOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly storage: CacheStorageAdapter;
  readonly context: EngineContext;
}

/** One entry of a page, to be decoded: what is known of it, or else its row. */
interface Candidate<V> {
  readonly key: MemoryKey;
  readonly row: StampedEntry | undefined;
  known: KnownValue<V> | undefined;
}

interface ReadPage<V> {
  readonly candidates: readonly Candidate<V>[];
  /** How many rows the next one takes. */
  readonly limit: number;
  readonly next: LoadCursor | undefined;
}

/**
 * The entries of a persisted namespace: pages of rows, each beginning behind the last key of the page before, and what is
 * newer than they are merged in. A page is read while the one before it is decoded.
 *
 * Why a key that is there throughout comes exactly once: when a page is read, such a key has a row, or it has been dirty
 * since the beginning. It can't have lost a row meanwhile, since only a delete or a clear takes one. So the keys that were
 * dirty at the beginning are kept, in order, and merged in where no row of the page has them. What a flush commits while a
 * page is read is noted by a watch, since neither the page nor the dirty entries need have it; a key of which nobody knows
 * anything any more was committed before, and is asked for.
 */
export class RowPages<V> implements EntryPages<V> {
  /** The keys without rows that are still to come, the next one last. */
  #newer: KeyText[] = [];
  #reading: Promise<ReadPage<V>> | undefined;
  #hasBegun = false;
  /** What was read, and how much of it was given. */
  #candidates: readonly Candidate<V>[] = [];
  #given = 0;

  constructor(
    private readonly options: RowPagesOptions<V>,
    private readonly listing: Listing,
    private readonly newer: NewerEntries<V>,
  ) {}

  async next(): Promise<readonly ListedEntry<V>[] | undefined> {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#reading = this.#begin();
    }
    if (this.#given >= this.#candidates.length) {
      if (this.#reading === undefined) return undefined;
      await this.#turnPage(this.#reading);
    }
    // The next page leaves with the turn. And a driver that works on this very thread would never leave the event loop to others.
    await nextTurn(this.options.context.clock);
    const from = this.#given;
    this.#given = from + ENTRIES_PER_PAGE;
    return this.#decoded(this.#candidates.slice(from, this.#given));
  }

  async #turnPage(reading: Promise<ReadPage<V>>): Promise<void> {
    const { candidates, limit, next } = await reading;
    this.#candidates = candidates;
    this.#given = 0;
    this.#reading = next === undefined ? undefined : this.#read(next, limit);
    // Nobody may ask for it any more.
    this.#reading?.catch(() => undefined);
  }

  async #begin(): Promise<ReadPage<V>> {
    const { keys, context } = this.options;
    const { range, reverse, limit } = this.listing;
    const those = Array.from(this.newer.keys()).filter((key) => keys.isIn(key, range));
    const sorted = await sortedByText(those, (key) => keys.textOf(key), context.clock);
    this.#newer = reverse ? [...sorted] : sorted.toReversed();
    return this.#read(undefined, Math.min(FIRST_PAGE, limit));
  }

  #read(after: LoadCursor | undefined, limit: number): Promise<ReadPage<V>> {
    const { definition, storage, context, entries } = this.options;
    const { range, reverse } = this.listing;
    return entries.reader.asking(async () => {
      const watch = this.newer.watch();
      try {
        const page = watch.isEmptied
          ? NO_ROWS
          : await storage.load(definition.name, { after, limit, now: context.clock.now(), range, reverse });
        entries.rows.countUnreadable(page.unreadable?.count ?? 0);
        const candidates = this.#merged(page, watch);
        await this.#askForTheRest(candidates, watch);
        return { candidates, limit: limitAfter(page.rows), next: page.next };
      } finally {
        watch.end();
      }
    });
  }

  /** The rows of a page, and the keys without rows up to its last one. */
  #merged({ rows, next }: LoadedPage, watch: NewerWatch<V>): Candidate<V>[] {
    const { entries } = this.options;
    const candidates: Candidate<V>[] = [];
    for (const row of rows) {
      this.#takeNewer(row.key, candidates, watch);
      const key = entries.rows.keyOf(row);
      if (key === undefined) continue;
      const known = watch.known(key);
      if (known === undefined) entries.sawListed(key, row);
      candidates.push({ key, row, known });
    }
    if (next === undefined) this.#takeNewer(undefined, candidates, watch);
    return candidates;
  }

  /** Takes the keys without rows that come before `text`, or all of them; the one that has this row is done with. */
  #takeNewer(text: string | undefined, candidates: Candidate<V>[], watch: NewerWatch<V>): void {
    const direction = this.listing.reverse ? -1 : 1;
    for (let first = this.#newer.at(-1); first !== undefined; first = this.#newer.at(-1)) {
      const order = text === undefined ? -1 : compareStored(first.text, text) * direction;
      if (order > 0) return;
      this.#newer.pop();
      if (order === 0) return;
      candidates.push({ key: first.key, row: undefined, known: watch.known(first.key) });
    }
  }

  async #askForTheRest(candidates: readonly Candidate<V>[], watch: NewerWatch<V>): Promise<void> {
    const unknown = candidates.filter(({ row, known }) => row === undefined && known === undefined);
    if (unknown.length === 0) return;
    const found = await this.options.entries.reader.ask(unknown.map(({ key }) => key));
    unknown.forEach((candidate, i) => {
      candidate.known = watch.known(candidate.key) ?? found[i];
    });
  }

  #decoded(candidates: readonly Candidate<V>[]): ListedEntry<V>[] {
    const { keys } = this.options;
    const page: ListedEntry<V>[] = [];
    for (const candidate of candidates) {
      const value = this.#valueOf(candidate);
      if (value !== undefined) page.push([keys.keyOf(candidate.key), value]);
    }
    return page;
  }

  /** `undefined` where there is none, and where it does not decode. */
  #valueOf({ known, row }: Candidate<V>): V | undefined {
    const { entries, definition } = this.options;
    if (known === undefined && row === undefined) return undefined;
    const value = known ?? entries.rows.decode(row as StampedEntry);
    if (value.kind === 'unreadable') return undefined;
    try {
      return valueOf(value, definition.value);
    } catch {
      // A codec that can't decode what it has encoded.
      entries.rows.countUnreadable(1);
      return undefined;
    }
  }
}
