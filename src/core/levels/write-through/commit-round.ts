import { CacheError, isCacheError } from '../../cache-error.js';
import type { EngineContext } from '../../context.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import { ABSENT, stampOf, type KnownValue } from '../../entries/known-value.js';
import type { LoadWatch } from '../../entries/in-flight.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import { EVERY_KEY, type KeyRange } from '../../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { CacheStorageAdapter, StampedEntry } from '../../storage-adapter.js';
import { RangeRemoval, type UnknownRemoval } from '../../writing/range-removal.js';
import type { StorageWriter } from '../../writing/storage-writer.js';
import { writeFailedError } from '../../writing/storage-health.js';
import type { ContendedKeys } from './contended-keys.js';
import { Fold, type FoldedKey } from './fold.js';
import { FoldedRow } from './folded-row.js';
import { Receipts } from './receipts.js';
import type { Round } from './group-committer.js';
import type { StoredLoads } from './stored-loads.js';
import { KnownRows } from './known-rows.js';
import { keysBuiltUpon, keysWritten, type QueuedWrite } from './write-queue.js';

export interface CommitRoundOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly storage: CacheStorageAdapter;
  readonly writer: StorageWriter;
  readonly context: EngineContext;
  /** Whether other processes write to the same rows. */
  readonly isShared: boolean;
  /** Where they do. */
  readonly loads: StoredLoads | undefined;
  /** Of the rounds before it. */
  readonly contended: ContendedKeys;
  readonly onAttempted: (error: unknown) => void;
  /** So many writes were not taken by the database. */
  readonly onReject: (count: number, error: CacheError) => void;
}

/**
 * How writes reach their rows: on what memory knows of these, while these are held, or, where the database has refused some of
 * them, on what has just been read, so that they can be written in several transactions.
 */
type Way = 'optimistic' | 'holding' | 'apart';

/**
 * One namespace's part of a group commit: reads what it must know, folds its writes, and takes effect in memory when
 * committed. When a write is given up on, what is left is folded anew, without it and on what the database then says.
 *
 * Where others write to the same rows it is optimistic at first: a row that a write has looked at must still be what it
 * was (compare-and-set). After a conflict, or an attempt of unknown outcome, what is left is folded over the rows
 * themselves, which are held meanwhile: so nobody loses twice.
 */
export class CommitRound<V> implements Round {
  readonly namespace: string;
  #writes: readonly QueuedWrite<V>[];
  #fold: Fold<V> | undefined;
  #rows: FoldedRow<V>[][] = [];
  readonly #known: KnownRows<V>;
  #way: Way = 'optimistic';
  #clears: RangeRemoval | undefined;
  /** All its writes were called before the first attempt at it: that is the same for each of them. */
  #clearing: RangeRemoval | undefined;
  /** How many entries a removal removes: counted once, since an attempt that failed may have removed them. */
  #removed: number | undefined;
  /** Of an attempt that failed nobody knows whether it has committed. */
  #mayHaveCommitted = false;
  /** Whether writes of it were given up on. */
  #hasEnded = false;
  /** What was attempted, is to be folded anew, and ended nobody knows how. */
  readonly #unsettled: FoldedRow<V>[][] = [];
  /** What the log says of them, where it was asked since there are any. */
  #receipts = new Receipts();
  #hasReceipts = true;
  /** What others write while it is under way. */
  readonly #others: LoadWatch | undefined;
  /** The keys that others were seen to have changed meanwhile. */
  readonly #contended = new Set<MemoryKey>();

  constructor(
    writes: readonly QueuedWrite<V>[],
    private readonly options: CommitRoundOptions<V>,
  ) {
    const { definition, entries, keys, isShared, contended } = options;
    this.#writes = writes;
    if (!entries.isInDoubt && contended.include(writes)) this.#way = 'holding';
    this.#known = new KnownRows(entries, keys, isShared);
    this.namespace = definition.name;
    this.#others = isShared ? entries.watchOthers() : undefined;
  }

  get clears(): RangeRemoval | undefined {
    return this.#clears;
  }

  get atoms(): readonly (readonly FoldedRow<V>[])[] {
    return this.#rows;
  }

  get holds(): readonly string[] | undefined {
    if (this.#way !== 'holding') return undefined;
    return this.#heldKeys().map((key) => this.options.keys.textOf(key));
  }

  get isReady(): boolean {
    return this.#fold !== undefined || (this.#way === 'holding' && this.#hasReceipts);
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
    this.#known.forget();
    if (this.#way === 'holding') return this.#askForReceipts();
    const needed = keysBuiltUpon(this.#writes);
    if (this.#way === 'apart') return this.#ask([...needed.keys()]);
    if (entries.isInDoubt || this.#unsettled.length > 0 || this.#removal !== undefined) return this.#ask();
    const unknown = this.#known.gather(needed);
    if (unknown.length > 0) return this.#ask(unknown);
    return this.#foldWrites();
  }

  decide(rows: readonly StampedEntry[]): readonly (readonly FoldedRow<V>[])[] {
    for (const key of this.#known.take(this.#heldKeys(), rows)) this.#contended.add(key);
    this.#settleAttempts();
    this.#writes = this.#writes.filter((write) => !write.isSettled);
    void this.#foldWrites();
    return this.#rows;
  }

  clearCommitted(removed: number | undefined): void {
    if (this.#clears !== undefined) this.options.entries.applyRemoval(this.#clears.range);
    this.#clears = undefined;
    // An attempt before it may have removed them already.
    if (removed !== undefined && !this.#mayHaveCommitted) this.#removed = removed;
    for (const settle of this.#fold?.cleared ?? []) settle();
  }

  clearUnknown(error: UnknownRemoval): void {
    const { entries, onReject, onAttempted } = this.options;
    const cleared = this.#fold?.cleared ?? [];
    onReject(cleared.length, error);
    for (const settle of cleared) settle(error);
    entries.doubtAll();
    // What comes after it was not attempted.
    this.#rows = [];
    this.#foldAnew('optimistic');
    onAttempted(error);
  }

  attempted(error?: unknown): void {
    this.#rows = this.#rows.filter((atom) => atom.some((row) => !row.isOver));
    if (error !== undefined && !this.options.writer.isUndone(error)) this.#mayHaveCommitted = true;
    const isInConflict = error === undefined && this.#rows.length > 0;
    if (this.options.isShared && this.#clears === undefined && (error !== undefined || isInConflict))
      this.#foldAnew('holding');
    this.options.onAttempted(error);
  }

  refusedTogether(): void {
    this.#foldAnew('apart');
    this.options.onAttempted(undefined);
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
    if (this.#mayHaveCommitted && this.#clears !== undefined) {
      this.options.entries.doubtAll();
      this.#rows = [];
    }
    this.#foldAnew(this.#way);
    if (this.#writes.length === 0)
      for (const row of this.#unsettled.flat()) this.options.entries.doubt(row.folded.key);
  }

  /** Nothing of it is going to be committed any more. */
  end(): void {
    if (this.#others !== undefined) this.options.entries.unwatchOthers(this.#others);
    this.options.contended.seen(this.#contended);
  }

  /** Ends every write. */
  reject(error: CacheError): void {
    this.rejectBefore(Infinity, error);
  }

  /** What is left has to be prepared anew. */
  #foldAnew(way: Way): void {
    this.#writes = this.#writes.filter((write) => !write.isSettled);
    if (this.#mayHaveCommitted) {
      this.#unsettled.push(...this.#rows);
      this.#hasReceipts = !this.options.isShared || this.#unsettled.length === 0;
    }
    this.#mayHaveCommitted = false;
    this.#way = way;
    this.#fold = undefined;
    this.#rows = [];
    this.#clears = undefined;
  }

  async #askForReceipts(): Promise<void> {
    this.#receipts = new Receipts();
    await this.#receipts.ask(this.namespace, this.#unsettled.flat(), this.options.writer);
    this.#hasReceipts = true;
  }

  async #ask(unknown?: MemoryKey[]): Promise<void> {
    const { entries } = this.options;
    if (!this.#hasReceipts) await this.#askForReceipts();
    // What a commit that was given up on may have done: nothing is built on the previous value.
    await entries.resolveDoubts();
    if (this.#unsettled.length > 0) {
      await this.#known.ask(this.#unsettledKeys());
      this.#settleAttempts();
    }
    if (this.#removal !== undefined) this.#removed ??= await this.#countIn(this.#removal);
    await this.#known.ask(unknown ?? this.#known.gather(keysBuiltUpon(this.#writes)));
    // What is left after a write was given up on may build on other keys than those asked for.
    if (!this.#hasEnded) await this.#foldWrites();
  }

  /**
   * Sees from the rows themselves, and from the log where there is one, how earlier attempts ended. Where one of the rows has its
   * stamp, it has committed, and with it every write that was folded into them; else it never happened. To fold those that are
   * left over rows that hold them already would count them twice. Where others have written over what a write has looked at, or
   * may have removed it, its stamp may have been there: the log knows, and without it that write is not done again. The same holds
   * for a write that looks at nothing: others may have built on it since.
   */
  #settleAttempts(): void {
    for (const atom of this.#unsettled.splice(0)) {
      const rows = atom.map((row) => this.#known.get(row.folded.key));
      const stamps = atom.map((row, i) => row.writtenAs(rows[i] ?? ABSENT));
      const [first] = atom;
      const receipt = first && this.#receipts.hasCommitted(first);
      const isIllegible = receipt === undefined && this.#isUnknown(atom, rows);
      // A row that is gone tells only where nobody else removes any.
      const isGone = receipt === undefined && stamps.every((stamp) => stamp === null) && !isIllegible;
      const hasCommitted = receipt === true || isGone || stamps.some((stamp) => typeof stamp === 'number');
      if (hasCommitted) {
        atom.forEach((row, i) => {
          const stamp = stamps[i];
          if (stamp === undefined) row.committedBefore();
          else row.committed(stamp ?? undefined);
        });
      } else if (isIllegible) {
        const error = unknownError(this.namespace);
        this.options.onReject(
          atom.reduce((count, row) => count + row.unknown(error), 0),
          error,
        );
      }
    }
  }

  /**
   * Whether `rows` can't tell if an atom was committed that has left no stamp in them: not where a row that it would have changed
   * is still the one that it was built on. One that is absent as it was may have been put, and removed by others.
   */
  #isUnknown(atom: readonly FoldedRow<V>[], rows: readonly KnownValue<V>[]): boolean {
    const found = atom.map((row, i) => [row, rows[i] ?? ABSENT] as const);
    const builtUpon = found.filter(([row]) => row.expects !== undefined);
    if (builtUpon.length > 0)
      return builtUpon.every(
        ([row, now]) => row.isOvertaken(now) || (row.expects === null && row.value !== undefined),
      );
    // What it is to remove and is gone needs no answer.
    return this.options.isShared && found.some(([row, now]) => row.writtenAs(now) === undefined);
  }

  /** At once, unless others write to the rows and must be asked whether what changes nothing still does. */
  #foldWrites(): Promise<void> | undefined {
    const { definition, isShared } = this.options;
    const fold = new Fold<V>((key) => this.#known.get(key), definition.value, {
      removed: () => this.#removed,
      isShared,
    });
    for (const write of this.#writes) if (!write.isSettled) fold.add(write);
    const { atoms, unchanged } = fold.groups();
    const guessed = isShared
      ? unchanged.filter(({ key, isBuiltUpon }) => isBuiltUpon && !this.#known.isFresh(key))
      : [];
    if (guessed.length > 0) return this.#verify(guessed);
    fold.settle(unchanged);
    this.#rows = atoms.map((atom) => atom.map((folded) => this.#rowOf(folded)));
    if (fold.cleared !== undefined)
      this.#clears = this.#clearing ??= new RangeRemoval(this.#removal ?? EVERY_KEY, 'give up');
    this.#fold = fold;
    return undefined;
  }

  /** What memory says is no answer where others write: asks the database, and folds anew. */
  async #verify(guessed: readonly FoldedKey<V>[]): Promise<void> {
    await this.#known.ask(guessed.map(({ key }) => key));
    if (!this.#hasEnded) await this.#foldWrites();
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

  #unsettledKeys(): MemoryKey[] {
    return this.#unsettled.flat().map((row) => row.folded.key);
  }

  /** The keys of all that is left to be written, and of what may have been. */
  #heldKeys(): MemoryKey[] {
    return [...new Set([...keysWritten(this.#writes), ...this.#unsettledKeys()])];
  }

  #rowOf(folded: FoldedKey<V>): FoldedRow<V> {
    const { keys, entries, isShared, loads } = this.options;
    const expects = isShared && folded.isBuiltUpon ? stampOf(folded.base) : undefined;
    const text = keys.textOf(folded.key);
    return new FoldedRow(this.namespace, text, expects, folded, entries, this.#others, loads, (error) => {
      this.options.onReject(folded.waiting.length, error);
      // An earlier attempt may have had another end than this one.
      if (this.#mayHaveCommitted) entries.doubt(folded.key);
    });
  }
}

function unknownError(namespace: string): CacheError {
  return new CacheError(
    'WRITE_FAILED',
    `Namespace '${namespace}': the connection broke during the commit, and others may have changed the key since, so that nobody can ` +
      'tell whether the write has happened. Read the key before you try again.',
    { namespace },
  );
}

/** What a write rejects with whose round could not be written, or read, for `cause`. */
export function asWriteFailure(cause: unknown, namespace: string): CacheError {
  return isCacheError(cause) ? cause : writeFailedError(namespace, cause);
}
