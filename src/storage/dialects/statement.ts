/** A statement in SQL, with its parameters. */
export interface Statement {
  readonly sql: string;
  readonly parameters: unknown[];
}
