import type { QueryRunner } from 'typeorm';
import type { Statement } from './statement.js';

/** How statements reach the database. */
export interface Connection {
  /** Connects. */
  open(): Promise<void>;
  close(): Promise<void>;
  /** Runs `task`, which only reads. It sees all of a {@link write} that overlaps it, or nothing. */
  read<T>(task: (runner: QueryRunner) => Promise<T>): Promise<T>;
  /** Executes `statements` in one transaction, and returns how many rows they changed. One write at a time. */
  write(statements: Iterable<Statement>): Promise<number>;
  /** Runs `task` with nothing else on its connection. */
  alone<T>(task: (runner: QueryRunner) => Promise<T>): Promise<T>;
}
