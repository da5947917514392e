/** The figures of the messages between the instances of a shared table. Counters start at 0 with the process. */
export interface BackplaneStats {
  /** The backplane's own word for itself, such as `PostgreSQL's NOTIFY`. */
  readonly name: string;
  /** Whether what other instances publish is heard here, as far as is known. */
  readonly isUp: boolean;
  /** Messages that the carrier has taken: one for each commit, and those by which this instance makes sure that it is heard. */
  readonly sent: number;
  /** Messages of other instances about their commits. */
  readonly received: number;
  /** Messages that could not be sent, or did not fit. Others found in the database what these would have told. */
  readonly lost: number;
  /** How often it went down, or could not be reached at the start. */
  readonly outages: number;
}
