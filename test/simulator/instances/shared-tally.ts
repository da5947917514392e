/** What happened in histories of several processes, summed. */
export interface SharedTally {
  histories: number;
  operations: number;
  /** Updates that were acknowledged. */
  appended: number;
  /** Reads that were answered with what was there within the bound, though not what there was. */
  stale: number;
  /** Reads that memory answered while the database was out of reach. */
  unconfirmed: number;
  /** Calls that rejected. */
  rejected: number;
  kills: number;
  stops: number;
  suspensions: number;
  expulsions: number;
  /** Instances that others have removed from the log. */
  removed: number;
  /** Removals of notes that nobody needs. */
  trims: number;
  foreignNotes: number;
  /** Messages that were lost, and those that came late, twice or out of order. */
  messagesLost: number;
  messages: number;
  failures: number;
  lies: number;
  hangs: number;
  wallSteps: number;
}

export function newSharedTally(): SharedTally {
  return {
    histories: 0,
    operations: 0,
    appended: 0,
    stale: 0,
    unconfirmed: 0,
    rejected: 0,
    kills: 0,
    stops: 0,
    suspensions: 0,
    expulsions: 0,
    removed: 0,
    trims: 0,
    foreignNotes: 0,
    messagesLost: 0,
    messages: 0,
    failures: 0,
    lies: 0,
    hangs: 0,
    wallSteps: 0,
  };
}
