import { isCacheError, type CacheError } from '../../cache-error.js';
import type { EngineContext } from '../../context.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import { ABSENT, type KnownValue } from '../../entries/known-value.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import { EVERY_KEY, type KeyRange } from '../../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { CacheStorageAdapter } from '../../storage-adapter.js';
import { writeFailedError } from '../../writing/storage-health.js';
import { Fold, type FoldedKey } from './fold.js';
import { FoldedRow } from './folded-row.js';
import type { Round, RoundRow } from './group-committer.js';
import type { QueuedWrite } from './write-queue.js';

export interface CommitRoundOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly storage: CacheStorageAdapter;
  readonly context: EngineContext;
  readonly onAttempted: (error: unknown) => void;
  /** So many writes were not taken by the database. */
  readonly onReject: (count: number, error: CacheError) => void;
}

/**
 * One namespace's part of a group commit: reads what it must know, folds its writes, and takes effect in memory when
 * committed. When a write is given up on, what is left is folded anew, without it and on what the database then says.
 */
export class CommitRound<V> implements Round {
  readonly namespace: string;
  #writes: readonly QueuedWrite<V>[];
  #fold: Fold<V> | undefined;
  #rows: FoldedRow<V>[][] = [];
  /** What is committed of the keys that writes build on. */
  readonly #known = new Map<MemoryKey, KnownValue<V>>();
  #clears: KeyRange | undefined;
  /** How many entries a removal removes: counted once, since an attempt that failed may have removed them. */
  #removed: number | undefined;
  /** Of an attempt that failed nobody knows whether it has committed. */
  #mayHaveCommitted = false;
  /** Whether writes of it were given up on. */
  #hasEnded = false;
  /** What was attempted with writes that were given up on since, and ended nobody knows how. */
  readonly #unsettled: FoldedRow<V>[][] = [];

  constructor(
    writes: readonly QueuedWrite<V>[],
    private readonly options: CommitRoundOptions<V>,
  ) {
    this.#writes = writes;
    this.namespace = options.definition.name;
  }

  get clears(): KeyRange | undefined {
    return this.#clears;
  }

  get atoms(): readonly (readonly RoundRow[])[] {
    return this.#rows;
  }

  get isReady(): boolean {
    return this.#fold !== undefined;
  }

  /** Whether every write of it has ended. */
  get isOver(): boolean {
    return this.#writes.every((write) => write.isSettled);
  }

  /** When the first of its writes was called; `undefined` when all have ended. */
  get oldestAt(): number | undefined {
    return this.#writes.find((write) => !write.isSettled)?.at;
  }

  /** Makes it ready, at once where memory knows all that the writes build on. Rejects with what the storage throws. */
  prepare(): Promise<void> | undefined {
    const { entries } = this.options;
    this.#known.clear();
    if (entries.isInDoubt || this.#unsettled.length > 0 || this.#removal !== undefined) return this.#ask();
    const unknown = this.#unknown();
    if (unknown.length > 0) return this.#ask(unknown);
    this.#foldWrites();
    return undefined;
  }

  clearCommitted(): void {
    if (this.#clears !== undefined) this.options.entries.applyRemoval(this.#clears);
    this.#clears = undefined;
    for (const settle of this.#fold?.cleared ?? []) settle();
  }

  attempted(error?: unknown): void {
    this.#rows = this.#rows.filter((atom) => atom.some((row) => !row.isOver));
    if (error !== undefined) this.#mayHaveCommitted = true;
    this.options.onAttempted(error);
  }

  /** Ends the writes that were called at `time` or before. What they would have left of their keys is in doubt, and so is what is built on it. */
  rejectBefore(time: number, error: CacheError): void {
    const ended = this.#writes.filter((write) => !write.isSettled && write.at <= time);
    if (ended.length === 0) return;
    this.#hasEnded = true;
    this.options.onReject(ended.length, error);
    for (const write of ended) write.reject(error);
  }

  /** Leaves the writes out that were given up on since it was made ready: what is left has to be prepared anew. */
  dropEnded(): void {
    if (!this.#hasEnded) return;
    this.#hasEnded = false;
    this.#writes = this.#writes.filter((write) => !write.isSettled);
    if (this.#mayHaveCommitted) {
      if (this.#clears !== undefined) this.options.entries.doubtAll();
      else this.#unsettled.push(...this.#rows);
    }
    if (this.#writes.length === 0)
      for (const row of this.#unsettled.flat()) this.options.entries.doubt(row.folded.key);
    this.#fold = undefined;
    this.#rows = [];
    this.#clears = undefined;
    this.#mayHaveCommitted = false;
  }

  /** Ends every write. */
  reject(error: CacheError): void {
    this.rejectBefore(Infinity, error);
  }

  async #ask(unknown?: MemoryKey[]): Promise<void> {
    const { entries } = this.options;
    // What a commit that was given up on may have done: nothing is built on the previous value.
    await entries.resolveDoubts();
    if (this.#unsettled.length > 0) await this.#settleAttempts();
    if (this.#removal !== undefined) this.#removed ??= await this.#countIn(this.#removal);
    const asked = unknown ?? this.#unknown();
    if (asked.length > 0) {
      const found = await entries.reader.ask(asked);
      asked.forEach((key, i) => this.#known.set(key, found[i] ?? ABSENT));
    }
    // What is left after a write was given up on may build on other keys than those asked for.
    if (!this.#hasEnded) this.#foldWrites();
  }

  /**
   * Asks the rows themselves how the last attempt ended. Where they have its stamp, it has committed, and with it every write
   * that was folded into them; else it never happened. To fold those that are left over rows that
   * hold them already would count them twice.
   */
  async #settleAttempts(): Promise<void> {
    const { entries } = this.options;
    const keys = this.#unsettled.flat().map((row) => row.folded.key);
    const found = await entries.reader.ask(keys);
    const rows = new Map(keys.map((key, i) => [key, found[i] ?? ABSENT]));
    for (const atom of this.#unsettled.splice(0)) {
      if (!atom.every((row) => row.hasWritten(rows.get(row.folded.key) ?? ABSENT))) continue;
      for (const row of atom) row.committed();
    }
  }

  #foldWrites(): void {
    const { value: codec } = this.options.definition;
    const fold = new Fold<V>((key) => this.#known.get(key) ?? ABSENT, codec, this.#removed);
    for (const write of this.#writes) if (!write.isSettled) fold.add(write);
    this.#rows = fold.atoms().map((atom) => atom.map((folded) => this.#rowOf(folded)));
    this.#clears = fold.cleared === undefined ? undefined : (this.#removal ?? EVERY_KEY);
    this.#fold = fold;
  }

  /** The range that it removes: then it has no other write. */
  get #removal(): KeyRange | undefined {
    const [write] = this.#writes;
    return write?.request.kind === 'remove' ? write.request.range : undefined;
  }

  #countIn(range: KeyRange): Promise<number> {
    const { storage, context } = this.options;
    return storage.count(this.namespace, context.clock.now(), range);
  }

  #rowOf(folded: FoldedKey<V>): FoldedRow<V> {
    const { keys, entries } = this.options;
    return new FoldedRow(this.namespace, keys.textOf(folded.key), folded, entries, (error) => {
      this.options.onReject(folded.waiting.length, error);
      // An earlier attempt may have had another end than this one.
      if (this.#mayHaveCommitted) entries.doubt(folded.key);
    });
  }

  /** Gathers what memory knows of the keys that the writes build on, now (an entry may be evicted while the database is asked for others); gives the others. */
  #unknown(): MemoryKey[] {
    const { entries } = this.options;
    const unknown: MemoryKey[] = [];
    for (const [key, needsText] of this.#builtUpon()) {
      const known = entries.known(key, needsText);
      if (known === undefined) unknown.push(key);
      else this.#known.set(key, known);
    }
    return unknown;
  }

  /** The keys of which a write needs the committed value, and whether the very text of it. */
  #builtUpon(): Map<MemoryKey, boolean> {
    const needed = new Map<MemoryKey, boolean>();
    const assigned = new Set<MemoryKey>();
    for (const { request, isSettled } of this.#writes) {
      if (isSettled) continue;
      // After a clear every key is known to be absent.
      if (request.kind === 'clear' || request.kind === 'remove') break;
      if (request.kind === 'set') assigned.add(request.key);
      else if (!assigned.has(request.key))
        needed.set(request.key, request.kind === 'rename' || needed.get(request.key) === true);
    }
    return needed;
  }
}

/** What a write rejects with whose round could not be written, or read, for `cause`. */
export function asWriteFailure(cause: unknown, namespace: string): CacheError {
  return isCacheError(cause) ? cause : writeFailedError(namespace, cause);
}
