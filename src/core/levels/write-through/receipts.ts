import { keysNamedBy } from '../../sharing/note.js';
import type { Commit, Stamp } from '../../storage-adapter.js';
import type { StorageWriter } from '../../writing/storage-writer.js';

/** A row that was to be written, by any of some attempts. */
interface AttemptedRow {
  readonly key: string;
  readonly attempts: readonly Commit[];
}

const NO_KEYS: ReadonlySet<string> = new Set();

/**
 * What the log of this process says of attempts that have ended nobody knows how: a note is there exactly where its transaction
 * has committed, whatever others have made of the rows since.
 */
export class Receipts {
  /** The keys that an attempt has written, by its stamp; `undefined` where the log can't tell. */
  readonly #keys = new Map<Stamp, ReadonlySet<string> | undefined>();

  /** Asks for the notes of all attempts at some rows of a namespace. Rejects with what the storage throws. */
  async ask(namespace: string, rows: readonly AttemptedRow[], writer: StorageWriter): Promise<void> {
    const attempts = new Map<Stamp, Commit>();
    for (const row of rows) for (const attempt of row.attempts) attempts.set(attempt.stamp, attempt);
    const logged = [...attempts.values()].flatMap(({ stamp, logged: position }) =>
      position === undefined ? [] : [{ stamp, position }],
    );
    const notes = await writer.receipts(logged.map(({ position }) => position));
    logged.forEach(({ stamp }, i) => {
      const note = notes[i];
      this.#keys.set(stamp, note === null ? NO_KEYS : note && keysNamedBy(note, namespace));
    });
  }

  /** Whether an atom, of which `row` is a part, was committed; `undefined` where the log can't tell. */
  hasCommitted({ key, attempts }: AttemptedRow): boolean | undefined {
    const told = new Set(attempts.map(({ stamp }) => this.#keys.get(stamp)?.has(key)));
    if (told.has(true)) return true;
    return told.has(undefined) ? undefined : false;
  }
}
