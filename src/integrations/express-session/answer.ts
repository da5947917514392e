/** What express-session hands in with a call. */
export type Callback<T = void> = (error: unknown, result?: T) => void;

/**
 * Tells `callback`, once, what becomes of `work`. What it throws itself ends the process like any uncaught exception, and
 * never reaches it as an error of the store. Without one nobody is told: the cache logs writes that the database did not take.
 */
export function answer<T>(work: Promise<T>, callback: Callback<T> | undefined): void {
  work
    .then(
      (result) => callback?.(null, result),
      (error: unknown) => callback?.(error),
    )
    .catch((error: unknown) => {
      process.nextTick(() => {
        throw error;
      });
    });
}
