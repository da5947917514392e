/** What is kept of one key. Times are milliseconds since the Unix epoch, and {@link NEVER} for what has no end. */
export interface HitRecord {
  /** When each hit stops to count, by the name of the throttler: several may share a key. */
  readonly hits: Readonly<Record<string, readonly number[]>>;
  /** When the window ends that `timeToExpire` speaks of. */
  readonly expiresAt: number;
  /** When the last block ends or has ended; 0 where there was none. */
  readonly blockExpiresAt: number;
  readonly isBlocked: boolean;
}

/** Stands for `Infinity`, which JSON does not have. */
const NEVER = Number.MAX_VALUE;

/** When what begins at `at` and lasts `ms`, which may be `Infinity`, ends. */
export function endAfter(at: number, ms: number): number {
  return Math.min(at + ms, NEVER);
}

/** Whole seconds until `end`, `Infinity` where there is none. */
export function secondsTo(end: number, at: number): number {
  return end === NEVER ? Infinity : Math.ceil((end - at) / 1000);
}

/** From when on a record says nothing more. */
export function endOf({ hits, expiresAt, blockExpiresAt, isBlocked }: HitRecord): number {
  let end = Math.max(expiresAt, isBlocked ? blockExpiresAt : 0);
  for (const ends of Object.values(hits)) for (const at of ends) if (at > end) end = at;
  return end;
}
