/** What a test lets time pass for. */
export class AwaitedWork {
  #isSettled = false;

  constructor(
    work: Promise<unknown>,
    /** The time at which nobody waits for it any more. */
    readonly until: number,
    /** Who waits for it. */
    private readonly caller: { readonly goOn: () => void; readonly fail: (error: unknown) => void },
  ) {
    const settle = (): void => {
      this.#isSettled = true;
    };
    work.then(settle, settle);
  }

  /** Lets who waits go on, if it has settled. Answers whether it has. */
  release(): boolean {
    if (this.#isSettled) this.caller.goOn();
    return this.#isSettled;
  }

  /** No time settles it. */
  fail(error: unknown): void {
    this.caller.fail(error);
  }
}
