import type { CacheStorageAdapter } from '../storage-adapter.js';
import type { StorageHealth } from '../writing/storage-health.js';
import type { WriteTurns, WriteSource } from '../writing/write-turns.js';
import type { EngineContext } from '../context.js';

/** Removes expired rows of the declared namespaces from the database. To readers they are absent already. */
export class ExpiryPurge implements WriteSource {
  readonly #due = new Set<string>();

  constructor(
    private readonly storage: CacheStorageAdapter,
    private readonly writer: WriteTurns,
    private readonly health: StorageHealth,
    private readonly context: EngineContext,
  ) {}

  request(namespaces: Iterable<string>): void {
    for (const namespace of namespaces) this.#due.add(namespace);
    if (this.#due.size > 0) this.writer.request(this);
  }

  async turn(): Promise<boolean> {
    const [namespace] = this.#due;
    if (namespace === undefined) return false;
    this.#due.delete(namespace);
    try {
      await this.storage.purgeExpired(namespace, this.context.clock.now());
    } catch (error) {
      // Nothing is lost by it, and the next purge comes.
      this.health.failed(error);
      this.#due.clear();
    }
    return this.#due.size > 0;
  }
}
