import type { Commit, RowWrite, Stamp, StampedEntry } from '../../storage-adapter.js';
import { UnknownRemoval, type RangeRemoval } from '../../writing/range-removal.js';
import type { StorageWriter } from '../../writing/storage-writer.js';
import type { WriteSource, WriteTurns } from '../../writing/write-turns.js';

/** What is to become of one row in a round. */
export interface RoundRow extends RowWrite {
  /** A transaction is about to write it. */
  attempting(commit: Commit): void;
  committed(stamp: Stamp): void;
  /** The database refuses it. */
  refused(error: unknown): void;
}

/** The writes of one namespace that go into one commit, ready to be written. */
export interface Round {
  readonly namespace: string;
  /** The rows that are to be removed before the rest. */
  readonly clears: RangeRemoval | undefined;
  /** What to write, as atoms that must be committed together. */
  readonly atoms: readonly (readonly RoundRow[])[];
  /** The keys whose rows are to be held while {@link decide} says what to write; `undefined` where {@link atoms} says it. */
  readonly holds: readonly string[] | undefined;
  /** What to write, given the rows that are held. */
  decide(rows: readonly StampedEntry[]): readonly (readonly RoundRow[])[];
  /** The clear was committed; it has removed so many live rows of a range. */
  clearCommitted(removed: number | undefined): void;
  /** Nobody can tell whether the clear was committed, and it is not made again. */
  clearUnknown(error: UnknownRemoval): void;
  /** An attempt is over; with `error` where some of it could not be written for the database's state. */
  attempted(error?: unknown): void;
  /** The database refuses something of what {@link decide} gave, nobody knows what. */
  refusedTogether(): void;
}

/** A namespace whose writes go through the committer. */
export interface CommitSource {
  /** The round to be written now, if there is one that is ready. */
  readyRound(): Round | undefined;
}

const COMMITTING = {
  attempting(rows: readonly RoundRow[], commit: Commit): void {
    for (const row of rows) row.attempting(commit);
  },
  committed(rows: readonly RoundRow[], stamp: Stamp): void {
    for (const row of rows) row.committed(stamp);
  },
};

/**
 * Commits the writes of all write-through namespaces: whatever is ready goes into one transaction, takes effect in
 * memory when that has committed, and is acknowledged then (group commit). Under load N writers share a commit; a
 * writer alone waits for one.
 *
 * Each turn is one attempt. A namespace whose round failed, or waits to be read, asks again when it is its time; the
 * others go on. A round that holds rows ends the turn.
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
    let apart: Round | undefined;
    // Of those that have asked by now: an updater may write to its own namespace, which asks for a turn anew.
    for (const source of Array.from(this.#sources)) {
      this.#sources.delete(source);
      const round = source.readyRound();
      if (round === undefined) continue;
      if (round.holds === undefined && round.clears === undefined) {
        rounds.push(round);
        continue;
      }
      // It may wait for others, for as long as a lock is waited for: those behind it are asked when it is over, since what is taken is
      // not given up on before.
      apart = round;
      break;
    }
    await this.#commit(rounds);
    if (apart !== undefined) await this.#commitApart(apart);
    return this.#sources.size > 0;
  }

  /** Writes a round that begins with more than what is to be written. */
  async #commitApart(round: Round): Promise<void> {
    if (round.holds !== undefined) await this.#modify(round, round.holds);
    else if (round.clears !== undefined && (await this.#clear(round, round.clears)))
      await this.#commit([round]);
  }

  /** Writes the clear of a round, which the rest of it comes after. */
  async #clear(round: Round, removal: RangeRemoval): Promise<boolean> {
    let removed: number | undefined;
    try {
      removed = await this.writer.clear(round.namespace, removal);
    } catch (error) {
      if (error instanceof UnknownRemoval) round.clearUnknown(error);
      else round.attempted(error);
      return false;
    }
    round.clearCommitted(removed);
    return true;
  }

  /** Writes a round on the rows that it holds. */
  async #modify(round: Round, keys: readonly string[]): Promise<void> {
    try {
      await this.writer.modify<RoundRow>(round.namespace, keys, (rows) => round.decide(rows), COMMITTING);
    } catch (error) {
      if (this.writer.classify(error) === 'permanent') round.refusedTogether();
      else round.attempted(error);
      return;
    }
    round.attempted();
  }

  async #commit(rounds: readonly Round[]): Promise<void> {
    const atoms = rounds.flatMap((round) => round.atoms);
    if (atoms.length === 0) {
      for (const round of rounds) round.attempted();
      return;
    }
    const { refused, deferred, error } = await this.writer.write(atoms, {
      ...COMMITTING,
      fateOfRefused: 'At level ON_CHANGE its write rejects with ENTRY_REFUSED.',
    });
    for (const { items, error: reason } of refused) for (const row of items) row.refused(reason);
    const failed = new Set(deferred.map((row) => row.namespace));
    for (const round of rounds) round.attempted(failed.has(round.namespace) ? error : undefined);
  }
}
