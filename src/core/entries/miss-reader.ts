import { CacheError } from '../cache-error.js';
import type { Clock } from '../clock.js';
import type { KeySpace, MemoryKey } from '../keys/key-space.js';
import type { CacheStorageAdapter, StampedEntry } from '../storage-adapter.js';
import type { Covers, Supersedable } from './in-flight.js';
import { inThisContext, readTraces, traced } from '../tracing.js';
import { ABSENT, type KnownValue } from './known-value.js';
import type { RowDecoder } from './row-decoder.js';

/** Most keys in one query. */
const MAX_KEYS_PER_QUERY = 1000;
/** Queries under way at once: the connections are shared with every other namespace. */
const MAX_QUERIES = 2;

interface Waiter<V> {
  readonly resolve: (found: KnownValue<V>) => void;
  readonly reject: (error: CacheError) => void;
}

/** One read of one key under way. */
class KeyRead<V> {
  /** False once the key was written to, or a later read was answered: what is found is then no longer what there is. */
  current = true;
  /** When its query has left, on the monotonic clock. */
  askedAt: number | undefined;
  readonly waiters: Waiter<V>[] = [];

  constructor(
    readonly key: MemoryKey,
    /** The read of the key that was under way when this one began. */
    private earlier: KeyRead<V> | undefined,
  ) {}

  /** Neither it nor one before it says what there is. */
  supersede(): void {
    this.current = false;
    this.earlier?.supersede();
    this.earlier = undefined;
  }
}

export interface MissReaderOptions<V> {
  readonly namespace: string;
  readonly storage: CacheStorageAdapter;
  readonly clock: Clock;
  readonly keys: KeySpace<unknown>;
  readonly rows: RowDecoder<V>;
  /** Called with what a read found, before those who wait for it, unless the key was written to meanwhile. */
  readonly onFound: (key: MemoryKey, found: KnownValue<V>) => void;
  readonly onAsked: (keys: number) => void;
  /** Called with why the database could not be read, for each question. */
  readonly onFailed?: ((cause: unknown) => void) | undefined;
  /** How old an answer may be, ms: nobody joins a read that has been under way for longer. */
  readonly maxStaleMs: number;
}

/** Reads keys that memory can't answer: single-flight per key, and one query for the misses of one tick. */
export class MissReader<V> implements Supersedable {
  /** The reads that a new caller may still join. */
  readonly #reads = new Map<MemoryKey, KeyRead<V>>();
  /** Every read that callers wait for, superseded ones included. */
  readonly #underway = new Set<KeyRead<V>>();
  /** What ends the listings under way. */
  readonly #listings = new Set<() => void>();
  #batch: KeyRead<V>[] = [];
  /** The next queries. */
  #chunks: (() => Promise<void>)[] = [];
  #queries = 0;
  #closed = false;

  constructor(private readonly options: MissReaderOptions<V>) {}

  /** Does `work`, which asks the database for more than some keys. Rejects with `READ_FAILED`, or `CACHE_CLOSED` as soon as the cache has stopped. */
  asking<T>(work: () => Promise<T>, onFailed = this.options.onFailed): Promise<T> {
    if (this.#closed) return Promise.reject(stoppedError());
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(stoppedError());
      this.#listings.add(stop);
      work()
        .then(resolve, (cause: unknown) => reject(this.#readFailed(cause, onFailed)))
        .finally(() => this.#listings.delete(stop));
    });
  }

  /** The same for a tool that looks: what fails is told to nobody else. */
  looking<T>(work: () => Promise<T>): Promise<T> {
    return this.asking(work, () => undefined);
  }

  /** What the database has of `key`. Joins a read that is under way, unless it may say what is too old. Rejects with `READ_FAILED` or `CACHE_CLOSED`. */
  read(key: MemoryKey): Promise<KnownValue<V>> {
    const underway = this.#reads.get(key);
    return this.#join(key, underway !== undefined && this.#isYoung(underway) ? underway : undefined);
  }

  /** What it has at some time since the call. */
  readAnew(key: MemoryKey): Promise<KnownValue<V>> {
    const underway = this.#reads.get(key);
    return this.#join(key, underway?.askedAt === undefined ? underway : undefined);
  }

  #isYoung({ askedAt }: KeyRead<V>): boolean {
    const { clock, maxStaleMs } = this.options;
    return maxStaleMs === Infinity || askedAt === undefined || clock.monotonic() - askedAt <= maxStaleMs;
  }

  #join(key: MemoryKey, underway: KeyRead<V> | undefined): Promise<KnownValue<V>> {
    if (this.#closed) return Promise.reject(stoppedError());
    const { waiters } = underway ?? this.#begin(key);
    return new Promise((resolve, reject) => {
      waiters.push({ resolve, reject });
    });
  }

  #begin(key: MemoryKey): KeyRead<V> {
    const read = new KeyRead<V>(key, this.#reads.get(key));
    this.#reads.set(key, read);
    this.#underway.add(read);
    if (this.#batch.length === 0) this.options.clock.immediate(() => this.#dispatch());
    this.#batch.push(read);
    return read;
  }

  /** A write to `key` took effect: a read under way is outdated, and no later caller joins it. */
  supersede(key: MemoryKey): void {
    if (this.#reads.size === 0) return;
    const read = this.#reads.get(key);
    if (read === undefined) return;
    read.supersede();
    this.#reads.delete(key);
  }

  supersedeWhere(covers: Covers): void {
    for (const key of this.#reads.keys()) if (covers(key)) this.supersede(key);
  }

  supersedeAll(): void {
    for (const read of this.#reads.values()) read.supersede();
    this.#reads.clear();
  }

  /** Refuses further reads, and rejects those that wait. */
  close(): void {
    this.#closed = true;
    this.#batch = [];
    this.#chunks = [];
    for (const read of this.#underway) this.#fail(read, stoppedError());
    for (const stop of this.#listings) stop();
  }

  #dispatch(): void {
    const batch = this.#batch;
    this.#batch = [];
    for (let start = 0; start < batch.length; start += MAX_KEYS_PER_QUERY) {
      const reads = batch.slice(start, start + MAX_KEYS_PER_QUERY);
      // Another query, of others, may have to end first.
      this.#chunks.push(inThisContext(readTraces, () => this.#query(reads)));
    }
    this.#askNext();
  }

  #askNext(): void {
    while (this.#queries < MAX_QUERIES) {
      const query = this.#chunks.shift();
      if (query === undefined) return;
      this.#queries += 1;
      void query().finally(() => {
        this.#queries -= 1;
        this.#askNext();
      });
    }
  }

  /** Reads `keys` from the database; the result has their order. Rejects with what the storage throws. */
  async ask(keys: readonly MemoryKey[]): Promise<KnownValue<V>[]> {
    const found: KnownValue<V>[] = [];
    for (let start = 0; start < keys.length; start += MAX_KEYS_PER_QUERY) {
      const texts = keys.slice(start, start + MAX_KEYS_PER_QUERY).map((key) => this.options.keys.textOf(key));
      this.options.onAsked(texts.length);
      // One query at a time: two are rare, and a connection takes one at a time.
      const rows = new Map((await this.#rowsOf(texts)).map((row) => [row.key, row]));
      for (const text of texts) found.push(this.found(rows.get(text)));
    }
    return found;
  }

  #rowsOf(keys: readonly string[]): Promise<readonly StampedEntry[]> {
    const { namespace, storage, clock } = this.options;
    return traced(readTraces, clock, {
      begin: () => ({ namespace, keys: keys.length }),
      run: () => storage.read(namespace, keys),
      done: (trace, rows) => {
        trace.found = rows.length;
      },
    });
  }

  async #query(reads: readonly KeyRead<V>[]): Promise<void> {
    const now = this.options.clock.monotonic();
    for (const read of reads) read.askedAt = now;
    let found: KnownValue<V>[];
    try {
      found = await this.ask(reads.map((read) => read.key));
    } catch (cause) {
      const error = this.#readFailed(cause);
      for (const read of reads) this.#fail(read, error);
      return;
    }
    reads.forEach((read, i) => this.#finish(read, found[i] ?? ABSENT));
  }

  #readFailed(cause: unknown, onFailed = this.options.onFailed): CacheError {
    const { namespace } = this.options;
    onFailed?.(cause);
    return new CacheError(
      'READ_FAILED',
      `Namespace '${namespace}': the database could not be read. Memory is unchanged; try again.`,
      { namespace, cause },
    );
  }

  /** What a row that was read holds. */
  found(row: StampedEntry | undefined): KnownValue<V> {
    if (row === undefined) return ABSENT;
    const { expiresAt, stamp } = row;
    if (expiresAt !== null && expiresAt <= this.options.clock.now()) return { kind: 'absent', stamp };
    return this.options.rows.decode(row);
  }

  #finish(read: KeyRead<V>, found: KnownValue<V>): void {
    if (!this.#underway.delete(read)) return;
    const { current } = read;
    this.#forget(read);
    read.supersede();
    if (current) this.options.onFound(read.key, found);
    for (const waiter of read.waiters) waiter.resolve(found);
  }

  /** Nobody joins it any more. */
  #forget(read: KeyRead<V>): void {
    if (this.#reads.get(read.key) === read) this.#reads.delete(read.key);
  }

  #fail(read: KeyRead<V>, error: CacheError): void {
    if (!this.#underway.delete(read)) return;
    this.#forget(read);
    read.supersede();
    for (const waiter of read.waiters) waiter.reject(error);
  }
}

function stoppedError(): CacheError {
  return new CacheError('CACHE_CLOSED', 'The cache has been stopped: only what is in memory can be read.');
}
