/** Something about the table that the cache can't work with. */
export interface TableFault {
  /** A sentence without its full stop. */
  readonly what: string;
  /** The column that has to change. */
  readonly column?: string;
  /** Rows that show it. */
  readonly examples?: string;
  /** The statements that mend it, each on a line of its own. */
  readonly remedy: string;
  /** What whoever runs them has to know, in sentences. */
  readonly note?: string;
  /** No migration may touch the table before this is mended: it is not the cache's at all, or a migration would fail or do harm. */
  readonly isUntouchable?: boolean;
  /** No change that a migration makes mends it. */
  readonly isBeyondAdopting?: boolean;
}
