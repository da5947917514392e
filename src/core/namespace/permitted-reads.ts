import { CacheError } from '../cache-error.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import type { MemoryKey } from '../keys/key-space.js';
import type { Permission } from '../sharing/freshness.js';
import type { OtherInstances } from './other-instances.js';

export interface PermittedReadsOptions {
  readonly namespace: string;
  readonly others: OtherInstances;
  readonly counters: NamespaceCounters;
}

/** Which reads memory may answer where others write to the same rows, and was not confirmed lately. */
export class PermittedReads {
  constructor(private readonly options: PermittedReadsOptions) {}

  /** Waits until memory may answer for a key, if it would. Rejects with `READ_FAILED` where it may not. */
  async wait(key: MemoryKey): Promise<void> {
    const { others } = this.options;
    if (!others.dependsOnOthers(key)) return;
    const permission = await others.freshness.permission();
    // What was to be confirmed may have been found to be old, and is forgotten.
    if (!this.#takes(permission) && others.dependsOnOthers(key))
      throw this.#failed('try again, or raise staleWhileDownMs to be answered from memory for longer');
  }

  /** Whether memory may answer for a key now. */
  isGiven(key: MemoryKey): boolean {
    const { others } = this.options;
    return !others.dependsOnOthers(key) || this.#takes(others.freshness.permissionNow);
  }

  /** Waits for a confirmation that begins now. Rejects with `READ_FAILED` where there is none. */
  async waitAnew(key: MemoryKey): Promise<void> {
    const { others } = this.options;
    if (!others.dependsOnOthers(key)) return;
    try {
      await others.freshness.confirmedAnew();
    } catch (cause) {
      throw this.#failed(
        'try again, or read without `fresh` to be answered from memory for staleWhileDownMs',
        cause,
      );
    }
  }

  #takes(permission: Permission | undefined): boolean {
    if (permission === 'unconfirmed') this.options.counters.unconfirmed += 1;
    return permission === 'confirmed' || permission === 'unconfirmed';
  }

  #failed(remedy: string, cause?: unknown): CacheError {
    const { namespace } = this.options;
    return new CacheError(
      'READ_FAILED',
      `Namespace '${namespace}': the database can't be asked whether other instances have changed the entry. Memory is unchanged; ` +
        `${remedy}.`,
      { namespace, cause },
    );
  }
}
