/** What one namespace may hold of each key: its last acknowledged value, and what has been tried since in vain. */
export class Ledger {
  #allowed = new Map();

  /** Runs a write of `values`, by key (`undefined` for none), and notes what came of it. Resolves to what it resolves to. */
  async write(values, write) {
    try {
      const result = await write();
      for (const [key, value] of values) this.#allowed.set(key, [value]);
      return result;
    } catch (error) {
      for (const [key, value] of values) this.maybe(key, value);
      throw error;
    }
  }

  /** A write of it may have committed or not. */
  maybe(key, value) {
    this.#allowed.set(key, [...this.allowed(key), value]);
  }

  async clear(clear) {
    try {
      await clear();
      this.#allowed.clear();
    } catch (error) {
      for (const key of this.keys()) this.maybe(key, undefined);
      throw error;
    }
  }

  keys() {
    return [...this.#allowed.keys()];
  }

  /** The values that `key` may have. */
  allowed(key) {
    return this.#allowed.get(key) ?? [undefined];
  }

  allows(key, value) {
    return this.allowed(key).includes(value);
  }
}
