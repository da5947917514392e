import type { QueryRunner } from 'typeorm';

/** A statement in SQL, with its parameters. */
export interface Statement {
  readonly sql: string;
  readonly parameters: unknown[];
  /** Given to the few texts that come again and again: a connection may keep the statement prepared under it. */
  readonly name?: string;
}

/** A text that comes again and again, with other parameters each time. */
export interface StatementForm {
  readonly name: string;
  readonly sql: string;
}

/** Asks the database for the rows of a statement. */
export type RowQuery = (runner: QueryRunner, statement: Statement) => Promise<unknown[]>;
