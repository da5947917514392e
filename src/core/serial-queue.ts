/**
 * Runs operations one after the other, in the order of the calls.
 */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #length = 0;

  get idle(): boolean {
    return this.#length === 0;
  }

  get length(): number {
    return this.#length;
  }

  /** Runs `op` after everything in line. Only its caller gets its failure. */
  run<T>(op: () => T | Promise<T>): Promise<T> {
    this.#length += 1;
    const result = this.#tail.then(op).finally(() => {
      this.#length -= 1;
    });
    this.#tail = result.catch(() => undefined);
    // The caller gets a promise of its own, so that an unhandled failure is reported.
    return result.then((value) => value);
  }

  /** Resolves when everything in line now is done. */
  settled(): Promise<unknown> {
    return this.#tail;
  }
}
