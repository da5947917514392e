/** What is to go wrong with calls of one kind. */
export class FaultPlan {
  delayMs = 0;
  #failures = 0;
  #error = new Error('No fault was injected.');
  /** Resolves when calls go on; `undefined` where none is held. */
  #held: Promise<void> | undefined;
  #release: () => void = () => undefined;

  get held(): Promise<void> | undefined {
    return this.#held;
  }

  hang(): void {
    this.#held ??= new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** What is held goes on; what comes is held as before. */
  release(): void {
    if (this.#held === undefined) return;
    this.#release();
    this.#held = undefined;
    this.hang();
  }

  fail(times: number, error: Error): void {
    this.#failures = times;
    this.#error = error;
  }

  heal(): void {
    this.delayMs = 0;
    this.#failures = 0;
    this.#release();
    this.#held = undefined;
  }

  /** Throws where a failure is left, and takes it off. */
  failOnce(): void {
    if (this.#failures === 0) return;
    this.#failures -= 1;
    throw this.#error;
  }

  /** Throws where there is no end of failures. */
  failForEver(): void {
    if (this.#failures === Infinity) throw this.#error;
  }
}
