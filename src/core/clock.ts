/** A pending timer. */
export interface CacheTimer {
  cancel(): void;
}

/** Time as the engine sees it: injected, so that tests and simulations own it. */
export interface Clock {
  /** Milliseconds since the Unix epoch, at least 1: expiry is stored, so it is wall-clock time. */
  now(): number;
  /** Runs `task` once after `ms`. A timer that nobody waits for (`keepAlive` false) does not keep the process alive. */
  setTimer(ms: number, task: () => void, keepAlive: boolean): CacheTimer;
  /** Runs `task` after pending I/O callbacks had their turn. */
  immediate(task: () => void): void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(ms, task, keepAlive) {
    const timer = setTimeout(task, ms);
    if (!keepAlive) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  immediate(task) {
    setImmediate(task);
  },
};

/** Resolves after `ms` on `clock`. Keeps the process alive meanwhile unless told otherwise. */
export function sleep(clock: Clock, ms: number, keepAlive = true): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(ms, resolve, keepAlive);
  });
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.immediate(resolve);
  });
}
