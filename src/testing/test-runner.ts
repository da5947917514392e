import { CacheError } from '../index.js';

/** What a contract needs of a test runner: Vitest, Jest, Mocha and `node:test` have it. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>, timeoutMs: number) => unknown;
  readonly beforeEach: (body: () => Promise<void>) => unknown;
  readonly afterEach: (body: () => Promise<void>) => unknown;
}

/** Runners that tell of themselves, where their functions are no globals. */
const TOLD_BY: Readonly<Record<string, string>> = {
  VITEST: "import * as runner from 'vitest'",
  JEST_WORKER_ID: "import * as runner from '@jest/globals'",
};

/**
 * The runner whose functions are global, else `node:test`, for the function called `contract`. Throws `INVALID_OPTION` in a runner that keeps them in a module:
 * tests of another one would be seen by nobody.
 */
export function presentRunner(contract: string): TestRunner {
  const globals = globalThis as unknown as Partial<TestRunner>;
  if (isRunner(globals)) return globals;
  for (const [variable, remedy] of Object.entries(TOLD_BY)) {
    if (process.env[variable] === undefined) continue;
    throw new CacheError(
      'INVALID_OPTION',
      `The test runner has no global describe(). Pass its functions: ${remedy}; ${contract}({ runner, … }).`,
      { option: 'runner' },
    );
  }
  return process.getBuiltinModule('node:test');
}

function isRunner(given: Partial<TestRunner>): given is TestRunner {
  return [given.describe, given.it, given.beforeEach, given.afterEach].every(
    (method) => typeof method === 'function',
  );
}
