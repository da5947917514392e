import { isCacheError } from '../../index.js';

/** Whether the database is away, as far as is known. */
export class Outage {
  #isOn = false;
  #isTrying = false;

  /** From a failure on, until something could be written. */
  get isOn(): boolean {
    return this.#isOn;
  }

  begin(): void {
    this.#isOn = true;
  }

  /** Does `work` behind its caller, which waits for nothing: one at a time, and the outage is over once one succeeds. */
  tryAgain(work: () => Promise<unknown>): void {
    if (this.#isTrying) return;
    this.#isTrying = true;
    void this.#try(work);
  }

  async #try(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.#isOn = false;
    } catch (error) {
      this.#isOn = isOfDatabase(error);
    } finally {
      this.#isTrying = false;
    }
  }
}

/** Whether a call has failed because the database is away, or too busy to be written to in time. */
export function isOfDatabase(error: unknown): boolean {
  return isCacheError(error, 'WRITE_FAILED') || isCacheError(error, 'READ_FAILED');
}
