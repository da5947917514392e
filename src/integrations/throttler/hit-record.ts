/** What is kept of one key. Times are milliseconds since the Unix epoch. */
export interface HitRecord {
  /** When each hit stops to count, by the name of the throttler: several may share a key. */
  readonly hits: Readonly<Record<string, readonly number[]>>;
  /** When the window ends that `timeToExpire` speaks of. */
  readonly expiresAt: number;
  /** When the last block ends or has ended; 0 where there was none. */
  readonly blockExpiresAt: number;
  readonly isBlocked: boolean;
}

/** From when on a record says nothing more. */
export function endOf({ hits, expiresAt, blockExpiresAt, isBlocked }: HitRecord): number {
  let end = Math.max(expiresAt, isBlocked ? blockExpiresAt : 0);
  for (const ends of Object.values(hits)) for (const at of ends) if (at > end) end = at;
  return end;
}
