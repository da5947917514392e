import type { QueryRunner } from 'typeorm';
import type { Statement } from '../dialects/statement.js';

/** Executes a statement, and answers how many rows it changed. */
export async function execute(runner: QueryRunner, { sql, parameters }: Statement): Promise<number> {
  const result = (await runner.query(sql, parameters, true)) as { affected?: number | null };
  return result.affected ?? 0;
}

/** How a list of statements becomes one transaction on a connection. */
export interface Transaction {
  begin(): Promise<unknown>;
  execute(statement: Statement): Promise<number>;
  /** Runs between one statement and the next. */
  pause?(): Promise<unknown>;
  commit(): Promise<unknown>;
  rollback(error: unknown): Promise<unknown>;
}

/**
 * Executes `statements` in one transaction, and answers how many rows they changed. Each is made while the database works
 * on the one before, and sent only when that has succeeded: after an error that has ended the transaction it would be one
 * of its own. One statement is a transaction of its own.
 */
export async function executeAll(statements: Iterable<Statement>, transaction: Transaction): Promise<number> {
  const source = statements[Symbol.iterator]();
  const first = source.next();
  if (first.done === true) return 0;
  const second = source.next();
  if (second.done === true) return transaction.execute(first.value);
  await transaction.begin();
  let underway: Promise<number> = Promise.resolve(0);
  try {
    let changed = 0;
    for (let next: IteratorResult<Statement> = first; next.done !== true;) {
      underway = transaction.execute(next.value);
      // Awaited below, unless making the next one fails.
      underway.catch(() => undefined);
      next = next === first ? second : source.next();
      changed += await underway;
      if (next.done !== true) await transaction.pause?.();
    }
    await transaction.commit();
    return changed;
  } catch (error) {
    await underway.catch(() => undefined);
    await transaction.rollback(error);
    throw error;
  }
}
