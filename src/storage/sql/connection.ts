import type { QueryRunner } from 'typeorm';
import type { Statement } from './statement.js';

/** A transaction that is open, for a task that needs its answers. */
export interface OpenTransaction {
  /** The rows that a statement gives. */
  query(statement: Statement): Promise<unknown[]>;
  /** How many rows a statement has changed. */
  execute(statement: Statement): Promise<number>;
  /** The same for a statement with the parameters of each of many rows, on a driver to which a call costs next to nothing. */
  readonly executeEach?:
    ((sql: string, parameters: readonly (readonly unknown[])[]) => Promise<readonly number[]>) | undefined;
}

/** Does work whose statements may take as long as the table is large, as migrations do. All others have to be answered in time. */
export type Unhurried = <T>(work: () => Promise<T>) => Promise<T>;

/** How statements reach the database. */
export interface Connection {
  /** Connects. */
  open(): Promise<void>;
  close(): Promise<void>;
  /** Runs `task`, which only reads. It sees all of a {@link write} that overlaps it, or nothing. */
  read<T>(task: (runner: QueryRunner) => Promise<T>): Promise<T>;
  /** Executes `statements` in one transaction, and returns how many rows they changed. One write at a time. */
  write(statements: Iterable<Statement>): Promise<number>;
  /** Executes a statement that is a transaction of its own, and gives its rows. A write like {@link write}. Where the database's dialect has such. */
  writeReturning?(statement: Statement): Promise<unknown[]>;
  /** Runs `task` in one transaction, which is rolled back where it rejects. A write like {@link write}. */
  transaction<T>(task: (transaction: OpenTransaction) => Promise<T>): Promise<T>;
  /** Runs `task` with nothing else on its connection. */
  alone<T>(task: (runner: QueryRunner, unhurried: Unhurried) => Promise<T>): Promise<T>;
}
