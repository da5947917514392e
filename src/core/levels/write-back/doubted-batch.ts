import type { Commit, Stamp } from '../../storage-adapter.js';
import type { StorageWriter } from '../../writing/storage-writer.js';
import type { DirtyRow } from './dirty-row.js';

interface Attempt {
  readonly rows: readonly DirtyRow[];
  readonly commit: Commit;
}

/**
 * The rows of a commit that ended nobody knows how, where other processes write, too: what they have built on it is no conflict
 * with it. There are those of one commit at most, since nothing else is written before the log was asked for it.
 */
export class DoubtedBatch {
  #underway: Attempt | undefined;
  #doubted: Attempt | undefined;

  constructor(
    private readonly namespace: string,
    private readonly writer: Pick<StorageWriter, 'writtenBy'>,
  ) {}

  attempting(rows: readonly DirtyRow[], commit: Commit): void {
    this.#underway = { rows, commit };
  }

  /** The attempt under way has ended, and everybody knows how. */
  ended(): void {
    this.#underway = undefined;
  }

  /** Nobody knows how the attempt under way has ended, if there is one. */
  doubtUnderway(): void {
    this.#doubted = this.#underway ?? this.#doubted;
    this.#underway = undefined;
  }

  /** Has `committed` take what the log knows to be committed. Rejects with what the storage throws; then it stays in doubt. */
  async settle(committed: (rows: readonly DirtyRow[], stamp: Stamp) => void): Promise<void> {
    if (this.#doubted === undefined) return;
    const { rows, commit } = this.#doubted;
    const written = await this.writer.writtenBy(commit, this.namespace, rows);
    this.#doubted = undefined;
    if (written.length > 0) committed(written, commit.stamp);
  }
}
