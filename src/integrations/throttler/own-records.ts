import type { HitRecord } from './hit-record.js';

/** What this instance knows of a key besides its entry. */
export interface OwnRecord {
  readonly record: HitRecord;
  /** Whether hits or a block of it are not in the entry yet: they were counted while the database was away. */
  readonly isUnwritten: boolean;
}

/**
 * Records that this instance has for itself, in memory: of keys that it refused lately, and of those that it counted while the database was
 * away. There are `max` at most; past that the one that was used least recently is forgotten.
 */
export class OwnRecords {
  /** In the order of use. */
  readonly #records = new Map<string, OwnRecord>();

  constructor(private readonly max: number) {}

  get(key: string): OwnRecord | undefined {
    const own = this.#records.get(key);
    if (own !== undefined) this.set(key, own);
    return own;
  }

  set(key: string, own: OwnRecord): void {
    this.#records.delete(key);
    this.#records.set(key, own);
    if (this.#records.size <= this.max) return;
    for (const oldest of this.#records.keys()) {
      this.#records.delete(oldest);
      return;
    }
  }

  /** Keeps what a refused hit has found, unless the entry has yet to be told of something. */
  refused(key: string, record: HitRecord): void {
    const own = this.get(key);
    if (own?.isUnwritten !== true && own?.record !== record) this.set(key, { record, isUnwritten: false });
  }

  /** Forgets what the entry has now, unless there is something newer. */
  written(key: string, own: OwnRecord | undefined): void {
    if (this.#records.get(key) === own) this.#records.delete(key);
  }

  delete(key: string): boolean {
    return this.#records.delete(key);
  }
}
