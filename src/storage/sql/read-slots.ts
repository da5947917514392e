import { systemClock } from '../../core/clock.js';

/** Lets at most so many reads go on at once. The others wait in the order of their coming, each only until its deadline. */
export class ReadSlots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(size: number) {
    this.#free = size;
  }

  /** Runs `task` in a slot. Rejects with `timeUp()` where none is free by `deadline` (ms of `systemClock.monotonic()`). */
  async run<T>(task: () => Promise<T>, deadline: number, timeUp: () => Error): Promise<T> {
    await this.#take(deadline, timeUp);
    try {
      return await task();
    } finally {
      this.#giveBack();
    }
  }

  async #take(deadline: number, timeUp: () => Error): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.delete(go);
        reject(timeUp());
      };
      const timeLeft = Math.max(0, deadline - systemClock.monotonic());
      // Whoever has the slots has connections, which keep the process alive.
      const timer = systemClock.setTimer(timeLeft, giveUp, false);
      const go = (): void => {
        timer.cancel();
        resolve();
      };
      this.#waiting.add(go);
    });
  }

  /** To the one who waits longest. */
  #giveBack(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
