import type { CacheError } from '../../cache-error.js';
import { stampOf, type KnownValue } from '../../entries/known-value.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import type { Stamp } from '../../storage-adapter.js';
import { refusedError } from '../../writing/storage-health.js';
import type { FoldedKey } from './fold.js';
import type { RoundRow } from './group-committer.js';

/** A folded key as the row that is written for it. */
export class FoldedRow<V> implements RoundRow {
  readonly value: string | undefined;
  readonly expiresAt: number | null;
  isOver = false;
  /** Those of the transactions that were to write it. */
  readonly #stamps: Stamp[] = [];

  constructor(
    readonly namespace: string,
    readonly key: string,
    readonly folded: FoldedKey<V>,
    private readonly entries: PersistedEntries<V>,
    private readonly onRefused: (error: CacheError) => void,
  ) {
    const { found } = folded;
    this.value = found.kind === 'present' ? found.stored.text : undefined;
    this.expiresAt = found.kind === 'present' ? found.stored.expiresAt : null;
  }

  attempting(stamp: Stamp): void {
    this.#stamps.push(stamp);
  }

  /** Whether one of its attempts has made the row what it is. */
  hasWritten(row: KnownValue<V>): boolean {
    const stamp = stampOf(row);
    return typeof stamp === 'number' ? this.#stamps.includes(stamp) : this.value === undefined;
  }

  committed(): void {
    const { key, found, waiting } = this.folded;
    this.isOver = true;
    this.entries.applyWrite(key, found.kind === 'present' ? found.stored : undefined);
    for (const settle of waiting) settle();
  }

  refused(cause: unknown): void {
    this.isOver = true;
    const error = refusedError(this.namespace, this.key, cause);
    this.onRefused(error);
    for (const settle of this.folded.waiting) settle(error);
  }
}
