import type { CacheError } from '../../cache-error.js';
import type { KnownValue } from '../../entries/known-value.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import { refusedError } from '../../writing/storage-health.js';
import type { FoldedKey } from './fold.js';
import type { RoundRow } from './group-committer.js';

/** A folded key as the row that is written for it. */
export class FoldedRow<V> implements RoundRow {
  readonly value: string | undefined;
  readonly expiresAt: number | null;
  isOver = false;

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

  /** Whether a row is what this one would have made of it. */
  matches(row: KnownValue<V>): boolean {
    if (row.kind !== 'present') return row.kind === 'absent' && this.value === undefined;
    return row.stored.text === this.value && row.stored.expiresAt === this.expiresAt;
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
