import type { CacheError } from '../cache-error.js';
import type { FlushReport, LoadReport } from '../reports.js';
import type { RescuedWrite } from '../rescue/rescue-journal.js';

/** A persisted namespace, as the engine loads, flushes and stops it. */
export interface Drainable {
  /** Writes accepted that the database does not have. */
  readonly dirty: number;
  /** Those of them that it refuses. */
  readonly refused: number;
  flush(): Promise<FlushReport>;
  /** Reads rows into memory, as many as fit, never over what is newer. */
  load(): Promise<LoadReport>;
  /** Takes no writes from now on: each rejects with `error`, `CACHE_CLOSED` by default. */
  refuseWrites(error?: CacheError): void;
  /** The stop's time is over: nothing takes effect or is written any more, and what waits rejects. */
  giveUp(): void;
  /** Resolves when every operation accepted before {@link refuseWrites} has taken effect in memory, or waits for its commit. */
  settled(): Promise<void>;
  /** What was acknowledged and is not written, in the order in which it took effect. */
  unwritten(): RescuedWrite[];
}

/** Whether everything is in the database that it takes. */
export function isDrained({ dirty, refused }: Pick<Drainable, 'dirty' | 'refused'>): boolean {
  return dirty <= refused;
}
