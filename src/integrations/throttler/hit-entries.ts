import type { NamespaceCache } from '../../index.js';
import { endOf, type HitRecord } from './hit-record.js';

/** An entry that is kept for longer is kept for ever: databases and dates end not far beyond. 31 thousand years. */
const LONGEST_MS = 1e15;

/** The entries of a namespace of hits, each kept until its record says nothing more. */
export class HitEntries {
  constructor(private readonly namespace: NamespaceCache<string, HitRecord>) {}

  /** What memory has. Never asks the database. */
  known(key: string): HitRecord | undefined {
    return this.namespace.getIfPresent(key);
  }

  /**
   * Has memory know an entry that an update has left as it was: that alone tells memory nothing. Nobody waits for it, and where the
   * entry can't be read now, memory stays as it is.
   */
  remember(key: string): void {
    this.namespace.get(key).catch(() => undefined);
  }

  delete(key: string): Promise<boolean> {
    return this.namespace.delete(key);
  }

  /**
   * Replaces a record by what `next` makes of it, which runs again where another instance was faster; `undefined` leaves the entry
   * as it is. It is kept for `leastMs` from `at` on at least, and for longer where its record needs it: a throttler with another
   * window may share the key.
   */
  async update(
    key: string,
    at: number,
    leastMs: number,
    next: (current: HitRecord | undefined) => HitRecord | undefined,
  ): Promise<void> {
    let keptMs: number | undefined = Math.max(leastMs, 1);
    while (keptMs !== undefined) keptMs = await this.#updateFor(keptMs, key, at, next);
  }

  /** Gives for how long the entry must be kept where `keptMs` was too short, and nothing has changed. */
  async #updateFor(
    keptMs: number,
    key: string,
    at: number,
    next: (current: HitRecord | undefined) => HitRecord | undefined,
  ): Promise<number | undefined> {
    const replace = (current: HitRecord | undefined): HitRecord => {
      const record = next(current);
      if (record === undefined) throw new Unchanged();
      const neededMs = endOf(record) - at;
      if (neededMs > keptMs) throw new Unchanged(neededMs);
      return record;
    };
    try {
      await this.namespace.update(key, replace, { ttlMs: keptMs > LONGEST_MS ? null : Math.ceil(keptMs) });
    } catch (error) {
      if (error instanceof Unchanged) return error.neededMs;
      throw error;
    }
    return undefined;
  }
}

/** What an updater throws to leave things as they are. */
class Unchanged extends Error {
  constructor(readonly neededMs?: number) {
    super('The entry stays as it is.');
  }
}
