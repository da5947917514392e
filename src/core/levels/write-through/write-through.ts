import type { CacheError } from '../../cache-error.js';
import type { CacheTimer } from '../../clock.js';
import type { EngineContext } from '../../context.js';
import type { KnownValue } from '../../entries/known-value.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import type { NamespaceCounters } from '../../definition/namespace-stats.js';
import type { FlushReport, LoadReport } from '../../reports.js';
import type { CacheStorageAdapter } from '../../storage-adapter.js';
import { Backoff } from '../../writing/backoff.js';
import { writeFailedError } from '../../writing/storage-health.js';
import { CommitRound } from './commit-round.js';
import type { CommitSource, GroupCommitter } from './group-committer.js';
import { closedError, type Persistence, type Updater } from '../persistence.js';
import type { QueuedWrite, WriteRequest } from './queued-write.js';
import { RowLoader } from '../../entries/row-loader.js';
import { ValueEncoder } from '../../entries/value-encoder.js';

/** The longest wait before the database is asked again for what is in doubt. */
const MAX_DOUBT_BACKOFF_MS = 30_000;

export interface WriteThroughOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly storage: CacheStorageAdapter;
  readonly committer: GroupCommitter;
  readonly counters: NamespaceCounters;
  readonly context: EngineContext;
}

/**
 * `ON_CHANGE`: a write waits in the queue of its namespace for the group committer, takes effect in memory when the
 * transaction that holds it has committed, and is acknowledged then.
 */
export class WriteThrough<V> implements Persistence<V>, CommitSource {
  readonly waiting = 0;
  readonly refused = 0;
  readonly #values: ValueEncoder<V>;
  readonly #loader: RowLoader<V>;
  #queue: QueuedWrite<V>[] = [];
  #accepted = 0;
  #finished = 0;
  #flushes: { readonly upTo: number; readonly resolve: () => void }[] = [];
  #closed = false;
  /** When the oldest write of the round under way was called. */
  #oldestInRound: number | undefined;
  #round: CommitRound<V> | undefined;
  /** Writes that the database did not take. */
  #rejected = 0;
  #lastError: CacheError | undefined;
  readonly #doubtBackoff: Backoff;
  #doubtTimer: CacheTimer | undefined;
  /** It is time to ask the database for what is in doubt. */
  #doubtsDue = false;

  constructor(private readonly options: WriteThroughOptions<V>) {
    this.#values = new ValueEncoder(options.definition, options.context.clock);
    this.#loader = new RowLoader({ ...options, unsaved: () => [], isCleared: () => false });
    this.#doubtBackoff = new Backoff(MAX_DOUBT_BACKOFF_MS, options.context.random);
  }

  get dirty(): number {
    return this.#accepted - this.#finished;
  }

  get oldestUnwrittenMs(): number {
    const oldest = this.#oldestInRound ?? this.#queue[0]?.at;
    return oldest === undefined ? 0 : Math.max(0, this.options.context.clock.monotonic() - oldest);
  }

  recall(): undefined {
    // What is queued is not visible before it has committed.
    return undefined;
  }

  get(key: MemoryKey): Promise<V | undefined> {
    const { entries, definition } = this.options;
    if (entries.isKnownAbsent(key)) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const answer = (found: KnownValue<V>): KnownValue<V> => {
        if (found.kind === 'unreadable') reject(found.error);
        else resolve(found.kind === 'present' ? found.snapshot.read(definition.value) : undefined);
        return found;
      };
      entries.reader.read(key, answer, reject);
    });
  }

  check(value: V): void {
    this.#values.text(value);
  }

  asStored(value: V): V {
    return this.#values.restored(value);
  }

  async set(key: MemoryKey, value: V, ttlMs: number | undefined): Promise<void> {
    await this.#enqueue({ kind: 'set', key, snapshot: this.#values.snapshot(value, ttlMs) });
  }

  update(key: MemoryKey, fn: Updater<V>, ttlMs: number | undefined): Promise<V> {
    return this.#enqueue({ kind: 'update', key, fn, ttlMs }) as Promise<V>;
  }

  delete(key: MemoryKey): Promise<boolean> {
    return this.#enqueue({ kind: 'delete', key }) as Promise<boolean>;
  }

  rename(from: MemoryKey, to: MemoryKey): Promise<boolean> {
    return this.#enqueue({ kind: 'rename', key: from, to }) as Promise<boolean>;
  }

  async clear(): Promise<void> {
    await this.#enqueue({ kind: 'clear' });
  }

  /** Waits for the writes accepted so far; each tells its own caller how it went. */
  async flush(): Promise<FlushReport> {
    const { counters, context } = this.options;
    const startedAt = context.clock.monotonic();
    const { written } = counters;
    const rejected = this.#rejected;
    const upTo = this.#accepted;
    if (this.#finished < upTo) {
      await new Promise<void>((resolve) => {
        this.#flushes.push({ upTo, resolve });
      });
    }
    return {
      written: counters.written - written,
      failed: this.#rejected - rejected,
      remaining: this.dirty,
      durationMs: context.clock.monotonic() - startedAt,
      error: this.#rejected > rejected ? this.#lastError : undefined,
    };
  }

  load(): Promise<LoadReport> {
    return this.#loader.load();
  }

  close(): void {
    this.#closed = true;
    this.#doubtTimer?.cancel();
  }

  end(): void {
    const { name } = this.options.definition;
    for (const write of this.#queue) write.reject(closedError(name));
    this.#finish(this.#queue.length);
    this.#queue = [];
    // Its outcome is unknown: it may yet commit, or never have begun.
    this.#round?.reject(writeFailedError(name, new Error('the cache stopped before the database answered')));
  }

  async settled(): Promise<void> {
    // What is queued takes effect with its commit: flush() waits for it.
  }

  unwritten(): [] {
    // Nothing unwritten was ever acknowledged here, and each such write rejects.
    return [];
  }

  /** The next writes to commit, in the order of their calls; `undefined` when there are none. */
  takeRound(limit: number): CommitRound<V> | undefined {
    if (this.#queue.length === 0 && !this.#doubtsDue) return undefined;
    this.#doubtsDue = false;
    let writes = this.#queue;
    if (writes.length > limit) {
      writes = this.#queue.slice(0, limit);
      this.#queue = this.#queue.slice(limit);
    } else {
      this.#queue = [];
    }
    this.#oldestInRound = writes[0]?.at;
    this.#round = new CommitRound({
      ...this.options,
      values: this.#values,
      writes,
      onFinish: () => {
        this.#round = undefined;
        this.#finish(writes.length);
        this.#resolveDoubtsSoon();
      },
      onReject: (count, error) => {
        this.#rejected += count;
        this.#lastError = error;
      },
    });
    return this.#round;
  }

  /** A round asks the database for what is in doubt; when no write comes, one without writes does. */
  #resolveDoubtsSoon(): void {
    const { entries, context, committer } = this.options;
    if (!entries.isInDoubt) {
      this.#doubtBackoff.reset();
      return;
    }
    this.#doubtTimer?.cancel();
    if (this.#closed) return;
    const resolve = (): void => {
      this.#doubtsDue = true;
      committer.request(this);
    };
    this.#doubtTimer = context.clock.setTimer(this.#doubtBackoff.next(), resolve, false);
  }

  #enqueue(request: WriteRequest<V>): Promise<unknown> {
    if (this.#closed) return Promise.reject(closedError(this.options.definition.name));
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, at: this.options.context.clock.monotonic(), resolve, reject });
      this.#accepted += 1;
      this.options.committer.request(this);
    });
  }

  #finish(count: number): void {
    this.#finished += count;
    this.#oldestInRound = undefined;
    if (this.#flushes.length === 0) return;
    const done = this.#flushes.filter(({ upTo }) => upTo <= this.#finished);
    this.#flushes = this.#flushes.filter(({ upTo }) => upTo > this.#finished);
    for (const { resolve } of done) resolve();
  }
}
