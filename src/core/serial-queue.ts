/**
 * Operations that can't take effect at their call, one after the other in the order of the calls. While there is one,
 * every later write of the namespace joins the line behind it.
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

  /** Runs `op` after everything in line; a failure of it is its caller's alone. */
  run<T>(op: () => T | Promise<T>): Promise<T> {
    this.#length += 1;
    const result = this.#tail.then(op).finally(() => {
      this.#length -= 1;
    });
    this.#tail = result.catch(() => undefined);
    // One of its own for the caller: a failure that nobody looks at is to be reported as such.
    return result.then((value) => value);
  }

  /** Resolves when everything in line now is done. */
  settled(): Promise<unknown> {
    return this.#tail;
  }
}
