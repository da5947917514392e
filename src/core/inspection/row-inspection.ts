import { nextTurn, type Clock } from '../clock.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import { FIRST_PAGE, limitAfter } from '../entries/page-limit.js';
import type { KnownValue } from '../entries/known-value.js';
import type { PersistedEntries } from '../entries/persisted-entries.js';
import { compareStored, type KeyText } from '../keys/key-order.js';
import type { KeySpace, MemoryKey } from '../keys/key-space.js';
import type { NewerEntries, NewerWatch } from '../listing/newer-entries.js';
import type { CacheStorageAdapter, LoadedPage, StampedEntry } from '../storage-adapter.js';
import type {
  EntryFault,
  EntryInspection,
  InspectedDetails,
  InspectedEntry,
  InspectedListing,
  InspectedPage,
} from './entry-inspection.js';
import { keysBehind } from './keys-behind.js';
import { MOST_CHARACTERS } from './limits.js';
import { keyStoredAs } from './stored-keys.js';
import { timeOfWriting } from './times-of-writing.js';

/** No rows, and none to follow. */
const NO_ROWS: LoadedPage = { rows: [], next: undefined };

export interface RowInspectionOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly storage: CacheStorageAdapter;
  readonly clock: Clock;
  /** What the rows may not show. */
  readonly newer: NewerEntries<V>;
}

/** An entry to come: by its row, or as one of the keys that may have none. */
interface Candidate {
  readonly text: string;
  readonly key: MemoryKey | undefined;
  readonly row: StampedEntry | undefined;
}

/**
 * The entries of a persisted namespace: rows, with what is newer than they are merged in. Each page is on its own, since whoever
 * looks may never ask for the next one.
 */
export class RowInspection<V> implements EntryInspection {
  constructor(private readonly options: RowInspectionOptions<V>) {}

  page(listing: InspectedListing): Promise<InspectedPage> {
    return this.#watching((watch) => this.#page(listing, watch));
  }

  entry(text: string): Promise<InspectedDetails | undefined> {
    const { definition, keys, storage, clock } = this.options;
    return this.#watching(async (watch) => {
      const [rows, writtenAt] = await Promise.all([
        storage.read(definition.name, [text]),
        timeOfWriting(storage, definition.name, text),
      ]);
      const now = clock.now();
      const row = rows.find(
        ({ key, expiresAt }) => key === text && !watch.isEmptied && (expiresAt === null || expiresAt > now),
      );
      const entry = this.#inspected({ text, key: keys.parse(text), row }, watch);
      if (entry === undefined) return undefined;
      return { ...entry, stamp: row?.stamp ?? null, writtenAt: row === undefined ? null : writtenAt };
    });
  }

  keyOf(text: string): unknown {
    return keyStoredAs(text, this.options);
  }

  /** What a flush commits meanwhile is noted by the watch: neither the rows nor the dirty entries need have it. */
  #watching<T>(look: (watch: NewerWatch<V>) => Promise<T>): Promise<T> {
    const { entries, newer } = this.options;
    return entries.reader.looking(async () => {
      const watch = newer.watch();
      try {
        return await look(watch);
      } finally {
        watch.end();
      }
    });
  }

  async #page({ range, after, limit }: InspectedListing, watch: NewerWatch<V>): Promise<InspectedPage> {
    const { definition, keys, storage, clock, newer } = this.options;
    const behind = await keysBehind(newer.keys(), { keys, clock, range, after: after?.key, limit });
    // The next one last.
    const unwritten = behind.found.toReversed();
    const entries: InspectedEntry[] = [];
    let { key: last, cursor } = after ?? { key: undefined, cursor: undefined };
    let keyless: LoadedPage['unreadable'];
    let characters = 0;
    for (let rows = Math.min(FIRST_PAGE, limit); ;) {
      const page = watch.isEmptied
        ? NO_ROWS
        : await storage.load(definition.name, { after: cursor, limit: rows, now: clock.now(), range });
      if (cursor === undefined && after === undefined) keyless = page.unreadable;
      for (const candidate of this.#merged(page, unwritten, last)) {
        if (entries.length === limit || characters > MOST_CHARACTERS)
          return { entries, next: { key: last ?? '', cursor }, keyless };
        last = candidate.text;
        const entry = this.#inspected(candidate, watch);
        if (entry !== undefined) entries.push(entry);
        characters += entry?.text?.length ?? 0;
        // Those behind it that have no rows are not known.
        if (candidate.text === behind.found.at(-1)?.text && !behind.isAll)
          return { entries, next: { key: last, cursor }, keyless };
      }
      if (page.next === undefined) return { entries, next: undefined, keyless };
      ({ next: cursor } = page);
      if (entries.length === limit) return { entries, next: { key: last ?? '', cursor }, keyless };
      rows = Math.min(limit, limitAfter(page.rows));
      await nextTurn(clock);
    }
  }

  /** The rows of a page behind a key, and the keys without rows up to its last one. */
  *#merged(
    { rows, next }: LoadedPage,
    unwritten: KeyText[],
    after: string | undefined,
  ): Generator<Candidate> {
    for (const row of rows) {
      // A key column of an adopted table may hold any type.
      if (typeof row.key !== 'string') continue;
      if (after !== undefined && compareStored(row.key, after) <= 0) continue;
      yield* takenBefore(row.key, unwritten);
      if (unwritten.at(-1)?.text === row.key) unwritten.pop();
      yield { text: row.key, key: this.options.keys.parse(row.key), row };
    }
    if (next === undefined) yield* takenBefore(undefined, unwritten);
  }

  #inspected({ text, key, row }: Candidate, watch: NewerWatch<V>): InspectedEntry | undefined {
    const { entries } = this.options;
    const known = key === undefined ? undefined : watch.known(key);
    if (known === undefined && row === undefined) return undefined;
    // Nobody is to find something older in memory than what is shown here.
    if (known === undefined && key !== undefined && row !== undefined) entries.sawListed(key, row);
    const shown = known === undefined ? this.#ofRow(row as StampedEntry, key) : ofKnown(known);
    if (shown === undefined) return undefined;
    return {
      key: text,
      ...shown,
      isInMemory: key !== undefined && entries.store.has(key),
      isDirty: key !== undefined && known !== undefined && entries.isUnsaved(key),
    };
  }

  #ofRow({ value, expiresAt }: StampedEntry, key: MemoryKey | undefined): Shown {
    // A column of another type may hold anything.
    const text = typeof value === 'string' ? value : undefined;
    return { text, expiresAt, fault: this.#faultOf(text, key) };
  }

  #faultOf(text: string | undefined, key: MemoryKey | undefined): EntryFault | undefined {
    const { definition } = this.options;
    if (key === undefined)
      return { of: 'key', cause: new TypeError(`Each key of this namespace is ${definition.key.expects}.`) };
    try {
      if (text === undefined) throw new TypeError('The stored value is not text.');
      definition.value.decode(text);
      return undefined;
    } catch (cause) {
      return { of: 'value', cause };
    }
  }
}

type Shown = Pick<InspectedEntry, 'text' | 'expiresAt' | 'fault'>;

function ofKnown<V>(known: KnownValue<V>): Shown | undefined {
  if (known.kind === 'absent') return undefined;
  if (known.kind === 'unreadable')
    return { text: undefined, expiresAt: null, fault: { of: 'value', cause: known.error } };
  const { stored } = known;
  try {
    return { text: stored.text, expiresAt: stored.expiresAt, fault: undefined };
  } catch (cause) {
    // A codec that can't encode what it has decoded.
    return { text: undefined, expiresAt: stored.expiresAt, fault: { of: 'value', cause } };
  }
}

/** Takes the keys that come before `text`, or all of them. */
function* takenBefore(text: string | undefined, unwritten: KeyText[]): Generator<Candidate> {
  for (let first = unwritten.at(-1); first !== undefined; first = unwritten.at(-1)) {
    if (text !== undefined && compareStored(first.text, text) >= 0) return;
    unwritten.pop();
    yield { text: first.text, key: first.key, row: undefined };
  }
}
