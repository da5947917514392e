import type { LoadWatch } from '../../entries/in-flight.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import type { MemoryKey } from '../../keys/key-space.js';

/** The attempts to write, of which one is under way at a time, and what others write meanwhile. */
export class Attempts {
  #underway: Promise<unknown> | undefined;
  #count = 0;
  /** What others write during the attempt under way, or the last one. */
  #others: LoadWatch | undefined;

  constructor(
    private readonly entries: Pick<PersistedEntries<unknown>, 'watchOthers' | 'unwatchOthers'>,
    /** Whether others write to the same rows. */
    private readonly isShared: boolean,
  ) {}

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  get isUnderway(): boolean {
    return this.#underway !== undefined;
  }

  /** Resolves when none is under way. */
  async over(): Promise<void> {
    await this.#underway;
  }

  /** Whether others have written a row since the attempt under way, or the last one, has begun. */
  isOvertaken(key: MemoryKey): boolean {
    return this.#others?.isNewer(key) === true;
  }

  async make<T>(task: () => Promise<T>): Promise<T> {
    const others = this.isShared ? this.entries.watchOthers() : undefined;
    this.#others = others;
    this.#count += 1;
    const attempt = task();
    this.#underway = attempt.catch(() => undefined);
    try {
      return await attempt;
    } finally {
      this.#underway = undefined;
      if (others !== undefined) this.entries.unwatchOthers(others);
    }
  }
}
