/**
 * Lets one task at a time use a connection, in the order of their coming. On a single connection a query made between
 * BEGIN and COMMIT would see what is not committed yet.
 */
export class ConnectionLock {
  #tail: Promise<unknown> = Promise.resolve();

  /** Resolves with what gives it back when its turn has come. */
  take(): Promise<() => void> {
    return new Promise((taken) => {
      void this.run(() => new Promise<void>((release) => taken(release)));
    });
  }

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
