/**
 * A read that is made again when it is awaited again after it has failed. Telegraf keeps the promise of a read that failed, and
 * awaits it for each later update of the session: one outage would end the session for as long as the process lives.
 */
export class RepeatedRead<T> extends Promise<T> {
  readonly #read: () => Promise<T>;
  #latest: Promise<T>;
  #hasFailed = false;

  /** What `then` and the like give is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  constructor(read: () => Promise<T>) {
    super(() => undefined);
    this.#read = read;
    this.#latest = this.#begin();
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<Fulfilled = T, Rejected = never>(
    onFulfilled?: ((value: T) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    if (this.#hasFailed) this.#latest = this.#begin();
    return this.#latest.then(onFulfilled, onRejected);
  }

  #begin(): Promise<T> {
    this.#hasFailed = false;
    const begun = this.#read();
    begun.catch(() => {
      this.#hasFailed = true;
    });
    return begun;
  }
}
