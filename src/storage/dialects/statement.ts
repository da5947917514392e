/** A statement in SQL, with its parameters. */
export interface Statement {
  readonly sql: string;
  readonly parameters: unknown[];
  /** Given to the few texts that come again and again: a connection may keep the statement prepared under it. */
  readonly name?: string;
}
