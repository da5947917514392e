import type { CacheError } from '../../cache-error.js';
import { stampOf, type KnownValue } from '../../entries/known-value.js';
import type { LoadWatch } from '../../entries/in-flight.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import type { Commit, Stamp } from '../../storage-adapter.js';
import { refusedError } from '../../writing/storage-health.js';
import type { FoldedKey } from './fold.js';
import type { RoundRow } from './group-committer.js';
import type { StoredLoads } from './stored-loads.js';

/** A folded key as the row that is written for it. */
export class FoldedRow<V> implements RoundRow {
  readonly value: string | undefined;
  readonly expiresAt: number | null;
  isOver = false;
  /** The transactions that were to write it. */
  readonly attempts: Commit[] = [];

  constructor(
    readonly namespace: string,
    readonly key: string,
    readonly expects: Stamp | null | undefined,
    readonly folded: FoldedKey<V>,
    private readonly entries: PersistedEntries<V>,
    /** What others have written since the round began; `undefined` where there are none. */
    private readonly others: LoadWatch | undefined,
    private readonly loads: StoredLoads | undefined,
    private readonly onRefused: (error: CacheError) => void,
  ) {
    const { found } = folded;
    this.value = found.kind === 'present' ? found.stored.text : undefined;
    this.expiresAt = found.kind === 'present' ? found.stored.expiresAt : null;
  }

  attempting(commit: Commit): void {
    this.attempts.push(commit);
    // What was read until now is what it changes.
    this.others?.seen.delete(this.folded.key);
  }

  /**
   * The stamp of the attempt that has made the row what it is, `null` where it has removed it, and `undefined` where none
   * has.
   */
  writtenAs(row: KnownValue<V>): Stamp | null | undefined {
    const stamp = stampOf(row);
    if (typeof stamp === 'number')
      return this.attempts.some((attempt) => attempt.stamp === stamp) ? stamp : undefined;
    return this.value === undefined ? null : undefined;
  }

  /** Whether it is to be written over the row that a write has looked at, and the row is no longer that one. */
  isOvertaken(row: KnownValue<V>): boolean {
    return this.expects !== undefined && stampOf(row) !== this.expects;
  }

  committed(stamp: Stamp | undefined): void {
    const { key, found, waiting, isLoaded } = this.folded;
    this.isOver = true;
    if (isLoaded && stamp !== undefined) this.loads?.add(key, stamp);
    // Others may have written it after this commit, and been told of before it.
    if (this.others?.isNewer(key) === true) {
      this.entries.forget(key);
      this.loads?.supersede(key);
    } else if (this.#isOutrun(stamp)) this.entries.forget(key);
    else this.entries.applyWrite(key, found.kind === 'present' ? found.stored : undefined, stamp);
    for (const settle of waiting) settle();
  }

  /**
   * Whether somebody was told of a row that may be newer than this commit: a database may show it to others before it answers, and
   * what they write over it, too.
   */
  #isOutrun(stamp: Stamp | undefined): boolean {
    const seen = this.others?.seen.get(this.folded.key);
    if (seen === undefined || seen === (this.value === undefined ? null : stamp)) return false;
    return seen === null || seen !== this.expects;
  }

  /** It was committed, and others have written the row since. */
  committedBefore(): void {
    this.isOver = true;
    this.entries.doubt(this.folded.key);
    for (const settle of this.folded.waiting) settle();
  }

  /** Nobody can tell whether it was committed. Gives how many writes reject with `error`. */
  unknown(error: CacheError): number {
    this.isOver = true;
    this.entries.doubt(this.folded.key);
    for (const settle of this.folded.waiting) settle(error);
    return this.folded.waiting.length;
  }

  refused(cause: unknown): void {
    this.isOver = true;
    const error = refusedError(this.namespace, this.key, cause);
    this.onRefused(error);
    for (const settle of this.folded.waiting) settle(error);
  }
}
