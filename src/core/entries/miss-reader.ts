import { CacheError } from '../cache-error.js';
import type { Clock } from '../clock.js';
import type { KeySpace, MemoryKey } from '../keys/key-space.js';
import type { CacheStorageAdapter, StoredEntry } from '../storage-adapter.js';
import { ABSENT, type KnownValue } from './known-value.js';
import type { RowDecoder } from './row-decoder.js';

/** Most keys in one query. */
const MAX_KEYS_PER_QUERY = 1000;
/** Queries under way at once: the connections are shared with every other namespace. */
const MAX_QUERIES = 2;

/**
 * What an operation does with what was found. Gives what the next operation waiting for the same read finds. `current`
 * is false when the key was written to while the read was under way: what was found is then no longer what there is.
 */
export type KnownHandler<V> = (found: KnownValue<V>, current: boolean) => KnownValue<V>;

interface Waiter<V> {
  readonly handle: KnownHandler<V>;
  readonly fail: (error: unknown) => void;
}

/** One read of one key under way. */
class KeyRead<V> {
  current = true;
  /** Whether one of those who wait will write to the key. */
  hasWriter = false;
  readonly waiters: Waiter<V>[] = [];

  constructor(readonly key: MemoryKey) {}
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
}

/** Reads keys that memory can't answer: single-flight per key, and one query for the misses of one tick. */
export class MissReader<V> {
  /** The reads that a new caller may still join. */
  readonly #reads = new Map<MemoryKey, KeyRead<V>>();
  /** Every read that has callers to answer, superseded ones included. */
  readonly #underway = new Set<KeyRead<V>>();
  #batch: KeyRead<V>[] = [];
  /** What is to be asked in one query each, behind those under way. */
  #chunks: (readonly KeyRead<V>[])[] = [];
  #queries = 0;
  #closed = false;

  constructor(private readonly options: MissReaderOptions<V>) {}

  /**
   * Runs `handle` once the database has answered for `key`, in the order of the calls for one key. `writes` says that
   * `handle` may write to the key: see {@link hasWriter}.
   */
  read(key: MemoryKey, handle: KnownHandler<V>, fail: (error: unknown) => void, writes = false): void {
    if (this.#closed) {
      fail(stoppedError());
      return;
    }
    let read = this.#reads.get(key);
    if (read === undefined) {
      read = new KeyRead<V>(key);
      this.#reads.set(key, read);
      this.#underway.add(read);
      if (this.#batch.length === 0) this.options.clock.immediate(() => this.#dispatch());
      this.#batch.push(read);
    }
    read.hasWriter ||= writes;
    read.waiters.push({ handle, fail });
  }

  /** Whether a write to `key` waits for the database: a later one must wait behind it. */
  hasWriter(key: MemoryKey): boolean {
    return this.#reads.size > 0 && this.#reads.get(key)?.hasWriter === true;
  }

  /** A write to `key` took effect: a read under way no longer says what there is, and no later caller joins it. */
  supersede(key: MemoryKey): void {
    if (this.#reads.size === 0) return;
    const read = this.#reads.get(key);
    if (read === undefined) return;
    read.current = false;
    this.#reads.delete(key);
  }

  supersedeAll(): void {
    for (const read of this.#reads.values()) read.current = false;
    this.#reads.clear();
  }

  /** Refuses further reads, and tells those who still wait that there will be no answer. */
  close(): void {
    this.#closed = true;
    this.#batch = [];
    this.#chunks = [];
    for (const read of this.#underway) this.#fail(read, stoppedError());
  }

  #dispatch(): void {
    const batch = this.#batch;
    this.#batch = [];
    for (let start = 0; start < batch.length; start += MAX_KEYS_PER_QUERY) {
      this.#chunks.push(batch.slice(start, start + MAX_KEYS_PER_QUERY));
    }
    this.#askNext();
  }

  #askNext(): void {
    while (this.#queries < MAX_QUERIES) {
      const chunk = this.#chunks.shift();
      if (chunk === undefined) return;
      this.#queries += 1;
      void this.#query(chunk).finally(() => {
        this.#queries -= 1;
        this.#askNext();
      });
    }
  }

  /** What the database has of `keys`, in their order. Rejects with what the storage throws. */
  async ask(keys: readonly MemoryKey[]): Promise<KnownValue<V>[]> {
    const { namespace, storage } = this.options;
    const found: KnownValue<V>[] = [];
    for (let start = 0; start < keys.length; start += MAX_KEYS_PER_QUERY) {
      const texts = keys.slice(start, start + MAX_KEYS_PER_QUERY).map((key) => this.options.keys.textOf(key));
      this.options.onAsked(texts.length);
      // One query at a time: there are seldom two, and a connection takes one at a time.
      const rows = new Map((await storage.read(namespace, texts)).map((row) => [row.key, row]));
      for (const text of texts) found.push(this.#found(rows.get(text)));
    }
    return found;
  }

  async #query(reads: readonly KeyRead<V>[]): Promise<void> {
    const { namespace } = this.options;
    let found: KnownValue<V>[];
    try {
      found = await this.ask(reads.map((read) => read.key));
    } catch (cause) {
      const error = new CacheError(
        'READ_FAILED',
        `Namespace '${namespace}': the database could not be read. Memory is unchanged; try again.`,
        { namespace, cause },
      );
      for (const read of reads) this.#fail(read, error);
      return;
    }
    reads.forEach((read, i) => this.#finish(read, found[i] ?? ABSENT));
  }

  #found(row: StoredEntry | undefined): KnownValue<V> {
    if (row === undefined) return ABSENT;
    if (row.expiresAt !== null && row.expiresAt <= this.options.clock.now()) return ABSENT;
    return this.options.rows.decode(row);
  }

  /** Runs the operations that wait for `read`, each on what the one before it left. Nothing interleaves. */
  #finish(read: KeyRead<V>, answer: KnownValue<V>): void {
    if (!this.#underway.delete(read)) return;
    const { current } = read;
    if (current) {
      this.#reads.delete(read.key);
      this.options.onFound(read.key, answer);
    }
    let found = answer;
    for (const waiter of read.waiters) found = waiter.handle(found, current);
  }

  #fail(read: KeyRead<V>, error: CacheError): void {
    if (!this.#underway.delete(read)) return;
    if (read.current) this.#reads.delete(read.key);
    for (const waiter of read.waiters) waiter.fail(error);
  }
}

function stoppedError(): CacheError {
  return new CacheError('CACHE_CLOSED', 'The cache has been stopped: only what is in memory can be read.');
}
