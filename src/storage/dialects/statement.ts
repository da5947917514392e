/** A statement in SQL, with its parameters. */
export interface Statement {
  readonly sql: string;
  readonly parameters: unknown[];
  /** Whether its text is one of few, which a connection may keep prepared. */
  readonly isKept?: boolean;
}
