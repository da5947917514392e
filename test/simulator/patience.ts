/** While the database is healthy nobody waits longer. */
export const PATIENCE_MS = 10_000;
/** The longest wait of the engine between two attempts: after an outage, and for entries that were refused. */
export const RETRY_MS = 30_000;

interface Wait {
  readonly what: string;
  readonly since: number;
  /** When it must be over, whatever the database is like. */
  readonly deadline: number;
}

/** The liveness oracle: who waits, since when, and whether that is too long. Times are on the monotonic clock. */
export class Patience {
  readonly #waits = new Set<Wait>();
  #troubledUntil = -Infinity;

  follow(what: string, promise: Promise<unknown>, since: number, timeoutMs = Infinity): void {
    const wait = { what, since, deadline: since + timeoutMs };
    this.#waits.add(wait);
    const over = (): void => void this.#waits.delete(wait);
    promise.then(over, over);
  }

  /**
   * Throws when somebody has waited too long. `isTroubled` says whether there is a reason to wait now; `hangs`, whether the
   * database answers nothing at all: then it is its adapter that bounds what is under way.
   */
  assertNobodyWaitsTooLong(now: number, isTroubled: boolean, hangs: boolean): void {
    if (isTroubled) this.#troubledUntil = now;
    for (const { what, since, deadline } of this.#waits) {
      const patient = Math.max(since + PATIENCE_MS, this.#troubledUntil + RETRY_MS + PATIENCE_MS);
      if (now <= (hangs ? patient : Math.min(patient, deadline))) continue;
      throw new Error(`Somebody waits for too long, ${Math.round(now - since)} ms: ${what}`);
    }
  }

  assertNobodyWaits(): void {
    for (const { what } of this.#waits) throw new Error(`Somebody waits at the end: ${what}`);
  }
}
