import type { CacheError } from './cache-error.js';

/** What a flush did. */
export interface FlushReport {
  /** Entries (puts and deletes) that were committed from the call of the flush to its end. */
  readonly written: number;
  /** Entries it tried and could not commit; they are kept and tried again. */
  readonly failed: number;
  /** Entries unwritten at its end: those that failed and those that came meanwhile. */
  readonly remaining: number;
  readonly durationMs: number;
  /** The last failure, when there was one. */
  readonly error: CacheError | undefined;
}

/** What a load from the database did. */
export interface LoadReport {
  /** Rows now in memory because of it. */
  readonly rows: number;
  /** Rows that did not decode and were left as they are. */
  readonly skipped: number;
  readonly durationMs: number;
}

/** Entries that are lost at a stop: neither written nor rescued. */
export interface LeftBehind {
  readonly namespace: string;
  readonly count: number;
  /** The first keys, at most 10. */
  readonly keys: readonly string[];
}

export function sumFlushes(reports: readonly FlushReport[], durationMs: number): FlushReport {
  let written = 0;
  let failed = 0;
  let remaining = 0;
  let error: CacheError | undefined;
  for (const report of reports) {
    written += report.written;
    failed += report.failed;
    remaining += report.remaining;
    error ??= report.error;
  }
  return { written, failed, remaining, durationMs, error };
}

export function sumLoads(reports: readonly LoadReport[], durationMs: number): LoadReport {
  let rows = 0;
  let skipped = 0;
  for (const report of reports) {
    rows += report.rows;
    skipped += report.skipped;
  }
  return { rows, skipped, durationMs };
}
