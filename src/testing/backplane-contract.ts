import type { Backplane, BackplaneConnect } from '../index.js';
import { BackplaneCase } from './contract/backplane-case.js';
import { backplaneBreaks } from './contract/backplane-breaks.js';
import { backplaneLife } from './contract/backplane-life.js';
import { carriedTexts } from './contract/carried-texts.js';
import { presentRunner, type TestRunner } from './test-runner.js';

export interface BackplaneContractOptions {
  /** What the tests call the backplane. */
  readonly name: string;
  /** Gives a new end that is not open yet. All ends meet at one carrier. Called several times in a test, which closes them. */
  readonly newEnd: () => Backplane | Promise<Backplane>;
  /**
   * Breaks the connections of all ends, as a server does that restarts; the carrier takes new ones soon. Without it the tests
   * of broken connections are left out.
   */
  readonly cut?: () => void | Promise<void>;
  /** What ends are told of the cache's own database, where they need it. */
  readonly database?: () => BackplaneConnect | undefined;
  /**
   * The functions of the test runner: `import * as runner from 'vitest'`, from `'@jest/globals'`, from `'node:test'`. Default
   * the global ones, or `node:test` where there are none.
   */
  readonly runner?: TestRunner;
}

/** Declares a test for each promise that the cache relies on a backplane for, with the test runner of your choice. */
export function describeBackplaneContract({
  name,
  newEnd,
  cut,
  database,
  runner = presentRunner('describeBackplaneContract'),
}: BackplaneContractOptions): void {
  runner.describe(`backplane contract: ${name}`, () => {
    const contract = new BackplaneCase(runner, { newEnd, database, cut });
    for (const declare of [carriedTexts, backplaneLife, backplaneBreaks]) declare(contract);
  });
}
