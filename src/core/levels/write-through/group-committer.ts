import type { KeyRange } from '../../keys/key-range.js';
import type { RowWrite, Stamp } from '../../storage-adapter.js';
import type { StorageWriter } from '../../writing/storage-writer.js';
import type { WriteSource, WriteTurns } from '../../writing/write-turns.js';

/** What is to become of one row in a round. */
export interface RoundRow extends RowWrite {
  /** A transaction with this stamp is about to write it. */
  attempting(stamp: Stamp): void;
  committed(): void;
  /** The database refuses it. */
  refused(error: unknown): void;
}

/** The writes of one namespace that go into one commit, ready to be written. */
export interface Round {
  readonly namespace: string;
  /** The keys whose rows are to be removed before the rest. */
  readonly clears: KeyRange | undefined;
  /** What to write, as atoms that must be committed together. */
  readonly atoms: readonly (readonly RoundRow[])[];
  clearCommitted(): void;
  /** An attempt is over; with `error` where some of it could not be written for the database's state. */
  attempted(error?: unknown): void;
}

/** A namespace whose writes go through the committer. */
export interface CommitSource {
  /** The round to be written now, if there is one that is ready. */
  readyRound(): Round | undefined;
}

/**
 * Commits the writes of all write-through namespaces: whatever is ready goes into one transaction, takes effect in
 * memory when that has committed, and is acknowledged then (group commit). Under load N writers share a commit; a
 * writer alone waits for one.
 *
 * Each turn is one attempt. A namespace whose round failed, or waits to be read, asks again when it is its time; the
 * others go on.
 */
export class GroupCommitter implements WriteSource {
  readonly #sources = new Set<CommitSource>();

  constructor(
    private readonly writer: StorageWriter,
    private readonly turns: WriteTurns,
  ) {}

  /** Whether something else is being written: what is ready waits for its end. */
  get isHeldUp(): boolean {
    return this.turns.isTaken;
  }

  /** `source` has writes. */
  request(source: CommitSource): void {
    this.#sources.add(source);
    this.turns.request(this);
  }

  async turn(): Promise<boolean> {
    const rounds: Round[] = [];
    // A copy: an updater may write to its own namespace, which asks for a turn anew.
    const sources = [...this.#sources];
    this.#sources.clear();
    for (const source of sources) {
      const round = source.readyRound();
      if (round !== undefined) rounds.push(round);
    }
    const cleared: Round[] = [];
    for (const round of rounds)
      if (round.clears === undefined || (await this.#clear(round, round.clears))) cleared.push(round);
    await this.#commit(cleared);
    return this.#sources.size > 0;
  }

  /** Writes the clear of a round, which the rest of it comes after. */
  async #clear(round: Round, range: KeyRange): Promise<boolean> {
    try {
      await this.writer.clear(round.namespace, range);
    } catch (error) {
      round.attempted(error);
      return false;
    }
    round.clearCommitted();
    return true;
  }

  async #commit(rounds: readonly Round[]): Promise<void> {
    const atoms = rounds.flatMap((round) => round.atoms);
    if (atoms.length === 0) {
      for (const round of rounds) round.attempted();
      return;
    }
    const { refused, deferred, error } = await this.writer.write(atoms, {
      attempting: (rows, stamp) => {
        for (const row of rows) row.attempting(stamp);
      },
      committed: (rows) => {
        for (const row of rows) row.committed();
      },
      fateOfRefused: 'At level ON_CHANGE its write rejects with ENTRY_REFUSED.',
    });
    for (const { items, error: reason } of refused) for (const row of items) row.refused(reason);
    const failed = new Set(deferred.map((row) => row.namespace));
    for (const round of rounds) round.attempted(failed.has(round.namespace) ? error : undefined);
  }
}
