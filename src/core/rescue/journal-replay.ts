import type { Clock } from '../clock.js';
import {
  COMMITTED,
  CONFLICT,
  type AtomOutcome,
  type CacheStorageAdapter,
  type LoadCursor,
  type RowWrite,
  type StampedEntry,
} from '../storage-adapter.js';
import { chunksOf } from '../writing/chunks.js';
import { isolateRefused } from '../writing/isolate-refused.js';
import type { StorageWriter } from '../writing/storage-writer.js';
import { ReplayRules, type KeyWrite } from './replay-rules.js';
import { byNamespace, rangeOf, type Removal, type ReplayedNamespace } from './replayed-namespace.js';
import type { ClaimedJournal, RescuedWrite } from './rescue-journal.js';

/** Keys looked at, and written, in one transaction; more where more must be written together. */
const CHUNK = 1000;
/** An absent row can't be held: how often it is looked at anew where others write it meanwhile. */
const MAX_ATTEMPTS = 3;

type KeyAtom = readonly KeyWrite[];

/**
 * Writes what one process has left in its journal, as far as that is newer than the rows: check and write are one transaction.
 * It may run any number of times, beside others that do the same or serve already.
 */
export class JournalReplay {
  /** Rows written or removed. */
  written = 0;
  /** Rows of others that a clear in the journal leaves alone. */
  spared = 0;
  readonly conflicts: RescuedWrite[] = [];
  readonly refused: RescuedWrite[] = [];

  constructor(
    private readonly storage: CacheStorageAdapter,
    private readonly writer: StorageWriter,
    private readonly journal: ClaimedJournal,
    private readonly clock: Clock,
  ) {}

  /**
   * Rejects when the database can't take it now. Writes nothing any more once another start has claimed the journal: that one may
   * be done with it, and serve.
   */
  async run(): Promise<void> {
    for (const part of byNamespace(this.journal.writes)) await this.#replay(part);
  }

  async #replay({ namespace, removals, atoms }: ReplayedNamespace): Promise<void> {
    const { journal, clock } = this;
    const rules = new ReplayRules(journal, removals.map(rangeOf), clock.now());
    if (journal.isUnstamped) await this.#setAsideRemovals(removals);
    for (const chunk of chunksOf(atoms, CHUNK)) await this.#write(namespace, chunk, rules);
    if (journal.isUnstamped) return;
    // What has a write of its own has been looked at.
    const written = new Set(atoms.flat().map(({ key }) => key));
    for (const removal of removals) await this.#clear(removal, written, rules);
  }

  async #write(namespace: string, atoms: readonly KeyAtom[], rules: ReplayRules): Promise<void> {
    const { refused, conflicts, deferred, error } = await isolateRefused(
      atoms,
      (part) => this.#writeDue(namespace, part, rules),
      (reason) => this.writer.classify(reason),
      // A journal may hold refused entries only: the stop wrote the good ones.
      Infinity,
    );
    if (deferred.length > 0) throw error;
    this.refused.push(...refused.flatMap(({ items }) => items));
    this.conflicts.push(...conflicts.flat());
  }

  /** Writes those atoms that are due, in one transaction; gives what became of each. */
  async #writeDue(
    namespace: string,
    atoms: readonly KeyAtom[],
    rules: ReplayRules,
  ): Promise<readonly AtomOutcome[]> {
    const { journal } = this;
    const outcomes = new Map<KeyAtom, AtomOutcome>();
    let open = atoms;
    for (let attempt = 1; open.length > 0 && attempt <= MAX_ATTEMPTS; attempt += 1) {
      let due: readonly KeyAtom[] = [];
      const decide = (found: readonly StampedEntry[]): RowWrite[][] => {
        due = [];
        if (!journal.isHeld()) return [];
        const rows = new Map(found.map((row) => [row.key, row]));
        const verdicts = open.map((atom) => rules.ofAll(atom, rows));
        open.forEach((atom, i) => outcomes.set(atom, verdicts[i] === 'done' ? COMMITTED : CONFLICT));
        due = open.filter((_, i) => verdicts[i] === 'due');
        return due.map((atom) =>
          atom
            .filter((write) => rules.of(write, rows.get(write.key)) === 'due')
            .map((write) => rowOf(write, rows.get(write.key))),
        );
      };
      const keys = open.flat().map(({ key }) => key);
      // Sequential on purpose: an attempt follows the conflicts of the one before it.
      const ended = await this.writer.modify(namespace, keys, decide, {
        committed: (rows) => {
          this.written += rows.length;
        },
      });
      due.forEach((atom, i) => outcomes.set(atom, ended[i] ?? CONFLICT));
      open = due.filter((_, i) => ended[i]?.kind === 'conflict');
    }
    return atoms.map((atom) => outcomes.get(atom) ?? CONFLICT);
  }

  /** Removes what was there when it was to be removed, as far as that can be proved, page by page. */
  async #clear(removal: Removal, written: ReadonlySet<string>, rules: ReplayRules): Promise<void> {
    const { namespace } = removal;
    const range = rangeOf(removal);
    let after: LoadCursor | undefined;
    do {
      if (!this.journal.isHeld()) return;
      const { rows, next } = await this.storage.load(namespace, { after, limit: CHUNK, now: 0, range });
      const others = rows.filter(({ key }) => !written.has(key));
      const due = others.filter((row) => rules.isClearable(row));
      this.spared += others.length - due.length;
      if (due.length > 0) await this.#remove(namespace, due);
      after = next;
    } while (after !== undefined);
  }

  async #remove(namespace: string, rows: readonly StampedEntry[]): Promise<void> {
    const removed = rows.map(({ key, stamp }): RowWrite[] => [
      { namespace, key, value: undefined, expiresAt: null, expects: stamp },
    ]);
    const { refused, conflicts, deferred, error } = await this.writer.write(removed, {
      committed: (committed) => {
        this.written += committed.length;
      },
      fateOfRefused: 'The rescue journal stays as it is.',
    });
    // They were written since they were read.
    this.spared += conflicts.length;
    if (deferred.length > 0) throw error;
    for (const { error: reason } of refused) throw reason;
  }

  /** Nothing says whether the rows that a journal without stamps would clear are older than it. */
  async #setAsideRemovals(removals: readonly Removal[]): Promise<void> {
    for (const removal of removals) {
      const page = { after: undefined, limit: 1, now: 0, range: rangeOf(removal) };
      const { rows } = await this.storage.load(removal.namespace, page);
      if (rows.length > 0) this.conflicts.push(removal);
    }
  }
}

function rowOf(write: KeyWrite, row: StampedEntry | undefined): RowWrite {
  const { namespace, key } = write;
  // An absent row can't be held by who has looked at it.
  const expects = row === undefined ? null : row.stamp;
  return write.op === 'put'
    ? { namespace, key, value: write.value, expiresAt: write.expiresAt, expects }
    : { namespace, key, value: undefined, expiresAt: null, expects };
}
