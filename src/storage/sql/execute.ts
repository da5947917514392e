import type { QueryRunner } from 'typeorm';
import type { Statement } from './statement.js';

/** Executes a statement, and returns how many rows it changed. */
export async function execute(runner: QueryRunner, { sql, parameters }: Statement): Promise<number> {
  const result = (await runner.query(sql, parameters, true)) as { affected?: number | null };
  return result.affected ?? 0;
}

/** The rows that a statement gives. */
export async function query(runner: QueryRunner, { sql, parameters }: Statement): Promise<unknown[]> {
  return (await runner.query(sql, parameters)) as unknown[];
}

/** How a list of statements becomes one transaction on a connection. */
export interface Transaction {
  begin(): Promise<unknown>;
  execute(statement: Statement): Promise<number>;
  /** Runs between what is sent to the database: the beginning, the statements, the commit. */
  pause?(): Promise<unknown>;
  /**
   * Statements on their way at once, 1 by default. More only where an error of one makes those behind it fail too: after
   * one that has ended the transaction, each would be a transaction of its own.
   */
  readonly inFlight?: number;
  commit(): Promise<unknown>;
  rollback(error: unknown): Promise<unknown>;
}

/**
 * Executes `statements` in one transaction, and returns how many rows they changed. Each is made while the database works
 * on those before. One statement is a transaction of its own.
 */
export async function executeAll(statements: Iterable<Statement>, transaction: Transaction): Promise<number> {
  const { inFlight = 1 } = transaction;
  const source = statements[Symbol.iterator]();
  const first = source.next();
  if (first.done === true) return 0;
  const second = source.next();
  if (second.done === true) return transaction.execute(first.value);
  await transaction.begin();
  const underway: Promise<number>[] = [];
  let changed = 0;
  const settleUntil = async (left: number): Promise<void> => {
    while (underway.length > left) changed += (await underway.shift()) ?? 0;
  };
  try {
    await transaction.pause?.();
    for (let next: IteratorResult<Statement> = first; next.done !== true;) {
      const answer = transaction.execute(next.value);
      // Awaited below, unless one before it fails, or making the next one.
      answer.catch(() => undefined);
      underway.push(answer);
      next = next === first ? second : source.next();
      await settleUntil(inFlight - 1);
      await transaction.pause?.();
    }
    await settleUntil(0);
    await transaction.commit();
    return changed;
  } catch (error) {
    await Promise.allSettled(underway);
    await transaction.rollback(error);
    throw error;
  }
}
