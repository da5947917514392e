/** What happened in histories, summed. */
export interface Tally {
  histories: number;
  /** Reads and writes called. */
  operations: number;
  /** Scans that came to their end. */
  scans: number;
  crashes: number;
  stops: number;
  /** Lives at whose end nothing was left to do before the stop. */
  rests: number;
  /** Stops in which the database was away, so that the journal had to serve. */
  rescues: number;
  /** Calls that failed because the database was away. */
  transient: number;
  /** Commits refused for one of their entries. */
  refused: number;
  /** Commits that happened and were reported as failed. */
  lies: number;
  /** Calls that were never answered. */
  hangs: number;
  /** Rows and entries that a replay left, or set aside, since nothing proved which was newer. */
  unproved: number;
  /** Steps of the wall clock. */
  wallSteps: number;
}

export function newTally(): Tally {
  return {
    histories: 0,
    operations: 0,
    scans: 0,
    crashes: 0,
    stops: 0,
    rests: 0,
    rescues: 0,
    transient: 0,
    refused: 0,
    lies: 0,
    hangs: 0,
    unproved: 0,
    wallSteps: 0,
  };
}
