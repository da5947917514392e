/**
 * Lets one task at a time use a connection, in the order of their coming. On a single connection a query made between
 * BEGIN and COMMIT would see what is not committed yet.
 */
export class ConnectionLock {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
