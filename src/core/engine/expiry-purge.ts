import type { StorageWriter } from '../writing/storage-writer.js';
import type { WriteSource, WriteTurns } from '../writing/write-turns.js';

/** Removes expired rows of the declared namespaces from the database. To readers they are absent already. */
export class ExpiryPurge implements WriteSource {
  readonly #due = new Set<string>();
  #isStopped = false;
  #underway: Promise<void> | undefined;

  constructor(
    private readonly writer: StorageWriter,
    private readonly turns: WriteTurns,
  ) {}

  request(namespaces: Iterable<string>): void {
    if (this.#isStopped) return;
    for (const namespace of namespaces) this.#due.add(namespace);
    if (this.#due.size > 0) this.turns.request(this);
  }

  /** Purges no more: the storage is about to be closed. Resolves when a purge that is under way is over. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#due.clear();
    await this.#underway;
  }

  async turn(): Promise<boolean> {
    const [namespace] = this.#due;
    if (namespace === undefined) return false;
    this.#due.delete(namespace);
    this.#underway = this.#purge(namespace);
    await this.#underway;
    this.#underway = undefined;
    return this.#due.size > 0;
  }

  async #purge(namespace: string): Promise<void> {
    try {
      await this.writer.purge(namespace);
    } catch {
      // The storage writer has reported it. Nothing is lost: the next purge tries again.
      this.#due.clear();
    }
  }
}
