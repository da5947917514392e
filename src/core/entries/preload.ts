import { nextTurn } from '../clock.js';
import type { EngineContext } from '../context.js';
import { byteLength } from './entry-store.js';
import type { LoadWatch } from './in-flight.js';
import type { PersistedEntries } from './persisted-entries.js';
import { reportSkipped } from './row-decoder.js';
import { isEvery, type KeyRange } from '../keys/key-range.js';
import type { MemoryKey } from '../keys/key-space.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { LoadReport } from '../reports.js';
import { SerialQueue } from '../serial-queue.js';
import type {
  CacheStorageAdapter,
  LoadCursor,
  LoadedPage,
  StampedEntry,
  UnreadableRows,
} from '../storage-adapter.js';
import { FIRST_PAGE, limitAfter } from './page-limit.js';
import { ProgressLog } from './progress-log.js';

/** Entries that make room for what is loaded, between two turns of the event loop. */
const DROPPED_PER_TURN = 10_000;
/** And those that take it. */
const PUT_PER_TURN = 2000;

export interface PreloadOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly entries: PersistedEntries<V>;
  readonly storage: CacheStorageAdapter;
  readonly context: EngineContext;
  /** The keys whose newest value is not in the database, whether in memory or evicted. */
  readonly unsaved: () => Iterable<MemoryKey>;
  /** The rows that are as good as gone: what removes them is accepted, and not written yet. */
  readonly removed: () => readonly KeyRange[];
}

/** A row that may go into memory. */
interface Gathered {
  readonly key: MemoryKey;
  readonly row: StampedEntry;
}

/** Loads a namespace from the database, one load at a time: two would drop each other's entries. */
export class Preload<V> {
  readonly #line = new SerialQueue();

  constructor(private readonly options: PreloadOptions<V>) {}

  /** After the loads under way. */
  load(): Promise<LoadReport> {
    return this.#line.run(() => new OneLoad(this.options).run());
  }
}

/**
 * One load: fills a namespace's memory from the database, in the order of keys, until it is full. Bad rows are skipped,
 * counted and left alone; nothing newer in memory is replaced.
 *
 * It gathers rows first, as many as memory holds, and puts them into memory after the last page. So a load that fails
 * leaves memory as it was; the price is that both are held during the load.
 */
class OneLoad<V> {
  readonly #gathered: Gathered[] = [];
  #bytes = 0;
  #rows = 0;
  #skipped = 0;
  #example = '';
  #missesSome = false;

  constructor(private readonly options: PreloadOptions<V>) {}

  async run(): Promise<LoadReport> {
    const { definition, entries, context } = this.options;
    const { clock, logger } = context;
    const startedAt = clock.monotonic();
    const progress = new ProgressLog(`Loading namespace '${definition.name}'`, clock, logger);
    const watch = this.#watch();
    let sawAll = false;
    try {
      await this.#gather(watch, progress);
      await this.#replace(watch);
      sawAll = !this.#missesSome && this.#skipped === 0;
    } finally {
      entries.unwatch(watch, sawAll);
    }
    if (this.#skipped > 0) reportSkipped(context, definition.name, this.#skipped, this.#example);
    return { rows: this.#rows, skipped: this.#skipped, durationMs: clock.monotonic() - startedAt };
  }

  /** Dirty entries count as written during the load: their rows are older, even if they are saved meanwhile. */
  #watch(): LoadWatch {
    const { entries, unsaved, removed } = this.options;
    const watch = entries.watch();
    for (const range of removed()) {
      // Memory holds all there is.
      if (isEvery(range)) watch.isOver = true;
      else watch.supersedeWhere(entries.covers(range));
    }
    for (const key of unsaved()) {
      watch.written.add(key);
      // It is not in memory, and once saved it is not dirty either: memory will not hold everything.
      if (!entries.store.has(key)) this.#missesSome = true;
    }
    return watch;
  }

  /** Reads pages until there is no more, or no room for more. */
  async #gather(watch: LoadWatch, progress: ProgressLog): Promise<void> {
    let reading = this.#read(undefined, FIRST_PAGE);
    while (!watch.isOver) {
      // Sequential on purpose: each page begins where the one before it ended.
      const { rows, unreadable, next } = await reading;
      // Read while this page is decoded. The watch records what is written meanwhile.
      if (next !== undefined) reading = this.#read(next, limitAfter(rows));
      // The query is sent in this turn. A driver that works on this thread would otherwise never free the event loop.
      await nextTurn(this.options.context.clock);
      if (unreadable !== undefined) this.#leaveOut(unreadable);
      for (const row of rows) {
        if (this.#isFull()) {
          this.#missesSome = true;
          return;
        }
        this.#take(row);
      }
      progress.advance(this.#gathered.length + this.#skipped);
      if (next === undefined) return;
    }
  }

  /** Whether memory would hold no more. */
  #isFull(): boolean {
    const { maxEntries, maxBytes = Infinity } = this.options.definition;
    return this.#gathered.length >= maxEntries || this.#bytes > maxBytes;
  }

  /** Puts what was gathered in the place of what memory holds from before. What was written during the load stays. */
  async #replace(watch: LoadWatch): Promise<void> {
    const { definition, entries, context } = this.options;
    if (watch.isOver) return;
    // An entry that was written during the load may have been evicted.
    if (watch.missesSome) this.#missesSome = true;
    watch.missesSome = false;
    await this.#dropSaved(watch);
    let count = 0;
    for (const { key, row } of this.#gathered) {
      if (watch.isOver) return;
      if (watch.missesSome || entries.store.size >= definition.maxEntries) {
        this.#missesSome = true;
        return;
      }
      if (entries.applyRow(key, row, watch)) this.#rows += 1;
      if ((count += 1) % PUT_PER_TURN === 0) await nextTurn(context.clock);
    }
  }

  async #dropSaved(watch: LoadWatch): Promise<void> {
    const { entries, context } = this.options;
    entries.expire();
    let count = 0;
    for (const key of Array.from(entries.store.keys())) {
      if (!watch.written.has(key)) entries.store.delete(key);
      if ((count += 1) % DROPPED_PER_TURN === 0) await nextTurn(context.clock);
    }
  }

  #read(after: LoadCursor | undefined, limit: number): Promise<LoadedPage> {
    const { definition, storage, context } = this.options;
    const page = storage.load(definition.name, { after, limit, now: context.clock.now() });
    // The load may end before it needs this page.
    page.catch(() => undefined);
    return page;
  }

  #take(row: StampedEntry): void {
    const { definition, entries } = this.options;
    const key = entries.rows.keyOf(row);
    if (key === undefined || !entries.rows.decodes(row)) {
      this.#skip(row);
      return;
    }
    this.#gathered.push({ key, row });
    if (definition.maxBytes !== undefined) this.#bytes += byteLength(row.value);
  }

  #leaveOut({ count, example }: UnreadableRows): void {
    if (count === 0) return;
    this.options.entries.rows.countUnreadable(count);
    if (this.#skipped === 0) this.#example = example;
    this.#skipped += count;
  }

  #skip(row: StampedEntry): void {
    if (this.#skipped === 0) this.#example = row.key;
    this.#skipped += 1;
  }
}
