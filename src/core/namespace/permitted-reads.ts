import { CacheError } from '../cache-error.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import type { MemoryKey } from '../keys/key-space.js';
import type { Freshness, Permission } from '../sharing/freshness.js';

export interface PermittedReadsOptions {
  readonly namespace: string;
  readonly freshness: Freshness;
  /** Whether memory would answer for a key with what others may have changed. */
  readonly dependsOnOthers: (key: MemoryKey) => boolean;
  readonly counters: NamespaceCounters;
}

/** Which reads memory may answer where others write to the same rows, and was not confirmed lately. */
export class PermittedReads {
  constructor(private readonly options: PermittedReadsOptions) {}

  /** Waits until memory may answer for a key, if it would. Rejects with `READ_FAILED` where it may not. */
  async wait(key: MemoryKey): Promise<void> {
    const { dependsOnOthers, freshness } = this.options;
    if (!dependsOnOthers(key)) return;
    const permission = await freshness.permission();
    // What was to be confirmed may have been found to be old, and is forgotten.
    if (!this.#takes(permission) && dependsOnOthers(key)) throw this.#failed(undefined);
  }

  /** Whether memory may answer for a key now. */
  isGiven(key: MemoryKey): boolean {
    const { dependsOnOthers, freshness } = this.options;
    return !dependsOnOthers(key) || this.#takes(freshness.permissionNow);
  }

  /** Waits for a confirmation that begins now. Rejects with `READ_FAILED` where there is none. */
  async waitAnew(key: MemoryKey): Promise<void> {
    if (!this.options.dependsOnOthers(key)) return;
    try {
      await this.options.freshness.confirmedAnew();
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  #takes(permission: Permission | undefined): boolean {
    if (permission === 'unconfirmed') this.options.counters.unconfirmed += 1;
    return permission === 'confirmed' || permission === 'unconfirmed';
  }

  #failed(cause: unknown): CacheError {
    const { namespace } = this.options;
    return new CacheError(
      'READ_FAILED',
      `Namespace '${namespace}': the database can't be asked whether other instances have changed the entry. Memory is unchanged; ` +
        'try again, or raise staleWhileDownMs to be answered from memory for longer.',
      { namespace, cause },
    );
  }
}
