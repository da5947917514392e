/** More sessions than are read while a request is answered. */
const MAX_IDS = 10_000;

/** The ids of the sessions that requests have read last. */
export class RecentIds {
  readonly #ids = new Set<string>();

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    this.#ids.delete(id);
    this.#ids.add(id);
    if (this.#ids.size <= MAX_IDS) return;
    const [oldest = id] = this.#ids;
    this.#ids.delete(oldest);
  }

  delete(id: string): void {
    this.#ids.delete(id);
  }
}
