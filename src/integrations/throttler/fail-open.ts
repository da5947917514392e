import { isCacheError } from '../../index.js';

/** Has work done while the database can be reached, and gives something else instead while it can't. */
export class FailOpen {
  #isAway = false;
  #isTrying = false;

  /** Gives what `work` gives, or `instead`. Rejects as `work` does for what is not the database's fault. */
  async run<T>(work: () => Promise<T>, instead: T): Promise<T> {
    if (this.#isAway) {
      // Nobody waits for it.
      if (!this.#isTrying) void this.#tryAgain(work);
      return instead;
    }
    try {
      return await work();
    } catch (error) {
      if (!isOfDatabase(error)) throw error;
      this.#isAway = true;
      return instead;
    }
  }

  async #tryAgain(work: () => Promise<unknown>): Promise<void> {
    this.#isTrying = true;
    try {
      await work();
      this.#isAway = false;
    } catch (error) {
      this.#isAway = isOfDatabase(error);
    } finally {
      this.#isTrying = false;
    }
  }
}

function isOfDatabase(error: unknown): boolean {
  return isCacheError(error, 'WRITE_FAILED') || isCacheError(error, 'READ_FAILED');
}
