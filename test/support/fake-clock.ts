import { TestClock } from '../../src/testing/index.js';

/** The clock of users' tests, whose wall clock can be set besides. */
export class FakeClock extends TestClock {
  /** How far the wall clock is ahead of the monotonic one. */
  #wallAhead = 0;

  constructor() {
    super(1_000_000);
  }

  override readonly now = (): number => this.monotonic() + this.#wallAhead;

  /** Sets the wall clock forward, or back where `ms` is negative: no time passes by it. */
  stepWall(ms: number): void {
    this.#wallAhead += ms;
  }
}

/** Lets everything run that needs no more than turns of the event loop: in-memory storage answers in microtasks. */
export async function settle(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
