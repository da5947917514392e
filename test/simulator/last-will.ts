import type { StampedEntry } from '../../src/core/storage-adapter.js';
import { isWithin } from '../../src/core/keys/key-range.js';
import { rangeOf } from '../../src/core/rescue/replayed-namespace.js';
import type { SimulatedJournal } from './simulated-journal.js';

/**
 * What a stop without the database comes to once its journal was replayed: the rows, and what was set aside because nothing
 * proves that it is newer than rows which were there before the life that left it.
 */
export class LastWill {
  /** How many rows and entries nothing could be proved of. */
  unproved = 0;

  constructor(
    private readonly name: string,
    private readonly journal: SimulatedJournal,
    /** The rows at the start of that life. */
    private readonly before: readonly StampedEntry[],
  ) {}

  /** The rows as the replay would have left them, had everything been proved. Throws where it should have been. */
  of(rows: readonly StampedEntry[]): readonly StampedEntry[] {
    const made = new Map(rows.map((row) => [row.key, row]));
    for (const row of rows) {
      if (!this.#isCleared(row.key) || !this.#wasBefore(row) || this.#isMade(row)) continue;
      this.unproved += 1;
      made.delete(row.key);
    }
    for (const write of this.journal.conflicts) {
      if (write.namespace !== this.name || !('key' in write)) continue;
      const row = rows.find(({ key }) => key === write.key);
      if (!this.#isExcused(write.atom, write.key, row))
        throw new Error(`${this.name}: ${write.key} was set aside, and nobody else has written its row.`);
      this.unproved += 1;
      if (write.op === 'delete') made.delete(write.key);
      else made.set(write.key, { key: write.key, value: write.value, expiresAt: write.expiresAt, stamp: 0 });
    }
    return [...made.values()];
  }

  /** Whether it was to become what it is. */
  #isMade({ key, value, expiresAt }: StampedEntry): boolean {
    return this.journal.lastLeft.some(
      (write) =>
        write.op === 'put' &&
        write.namespace === this.name &&
        write.key === key &&
        write.value === value &&
        write.expiresAt === expiresAt,
    );
  }

  /** Whether its row is that of an earlier life, or one that it is written together with has such a row. */
  #isExcused(atom: number | undefined, key: string, row: StampedEntry | undefined): boolean {
    if (atom !== undefined) return true;
    return row !== undefined && row.key === key && this.#wasBefore(row);
  }

  #wasBefore({ key, stamp }: StampedEntry): boolean {
    return this.before.some((row) => row.key === key && row.stamp === stamp);
  }

  #isCleared(key: string): boolean {
    return this.journal.lastLeft.some(
      (write) => write.namespace === this.name && !('key' in write) && isWithin(key, rangeOf(write)),
    );
  }
}
