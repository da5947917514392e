import type { StorageWriter } from '../writing/storage-writer.js';
import type { WriteSource, WriteTurns } from '../writing/write-turns.js';

/** Removes expired rows of the declared namespaces from the database. To readers they are absent already. */
export class ExpiryPurge implements WriteSource {
  readonly #due = new Set<string>();

  constructor(
    private readonly writer: StorageWriter,
    private readonly turns: WriteTurns,
  ) {}

  request(namespaces: Iterable<string>): void {
    for (const namespace of namespaces) this.#due.add(namespace);
    if (this.#due.size > 0) this.turns.request(this);
  }

  /** Purges no more: the storage is about to be closed. */
  stop(): void {
    this.#due.clear();
  }

  async turn(): Promise<boolean> {
    const [namespace] = this.#due;
    if (namespace === undefined) return false;
    this.#due.delete(namespace);
    try {
      await this.writer.purge(namespace);
    } catch {
      // Told by the door. Nothing is lost by it, and the next purge comes.
      this.#due.clear();
    }
    return this.#due.size > 0;
  }
}
