import type { Note } from '../../sharing/note.js';
import type { Commit, Stamp } from '../../storage-adapter.js';
import type { StorageWriter } from '../../writing/storage-writer.js';

/** A row that was to be written, by any of some attempts. */
interface AttemptedRow {
  readonly namespace: string;
  readonly key: string;
  readonly attempts: readonly Commit[];
}

/**
 * What the log of this process says of attempts that have ended nobody knows how: a note is there exactly where its transaction
 * has committed, whatever others have made of the rows since.
 */
export class Receipts {
  /** By the stamp of the attempt. */
  readonly #notes = new Map<Stamp, Note | null | undefined>();

  /** Asks for the notes of all attempts at some rows. Rejects with what the storage throws. */
  async ask(rows: readonly AttemptedRow[], writer: StorageWriter): Promise<void> {
    const attempts = new Map<Stamp, Commit>();
    for (const row of rows) for (const attempt of row.attempts) attempts.set(attempt.stamp, attempt);
    const logged = [...attempts.values()].flatMap(({ stamp, logged: position }) =>
      position === undefined ? [] : [{ stamp, position }],
    );
    const notes = await writer.receipts(logged.map(({ position }) => position));
    logged.forEach(({ stamp }, i) => this.#notes.set(stamp, notes[i]));
  }

  /** Whether an atom, of which `row` is a part, was committed; `undefined` where the log can't tell. */
  hasCommitted({ namespace, key, attempts }: AttemptedRow): boolean | undefined {
    const notes = attempts.map(({ stamp }) => this.#notes.get(stamp));
    if (notes.some((note) => isNamed(note?.changes.get(namespace), key))) return true;
    return notes.length === 0 || notes.includes(undefined) ? undefined : false;
  }
}

function isNamed(changes: unknown, key: string): boolean {
  return Array.isArray(changes) && changes.includes(key);
}
