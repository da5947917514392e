import assert from 'node:assert/strict';
import type { CacheStorageAdapter } from '../index.js';
import { conditionalRows } from './contract/conditional-rows.js';
import { ContractCase } from './contract/contract-case.js';
import { exactTexts } from './contract/exact-texts.js';
import { listsOfKeys } from './contract/lists-of-keys.js';
import { manyConditionalRows } from './contract/many-conditional-rows.js';
import { modifiedRows } from './contract/modified-rows.js';
import { pagesOfRows } from './contract/pages-of-rows.js';
import { timesOfRows } from './contract/times-of-rows.js';
import { writtenRows } from './contract/written-rows.js';
import { presentRunner, type TestRunner } from './test-runner.js';

export interface StorageContractOptions {
  /** What the tests call the storage. */
  readonly name: string;
  /** Gives a new, empty storage that is not open yet. Called before each test, which closes it. */
  readonly create: () => CacheStorageAdapter | Promise<CacheStorageAdapter>;
  /** Whether the storage refuses a value of null, as a table with constraints does. Default true. */
  readonly refusesNull?: boolean;
  /**
   * The functions of the test runner: `import * as runner from 'vitest'`, from `'@jest/globals'`, from `'node:test'`. Default
   * the global ones, or `node:test` where there are none.
   */
  readonly runner?: TestRunner;
}

/** Declares a test for each promise that the cache relies on a storage for, with the test runner of your choice. */
export function describeStorageContract({
  name,
  create,
  refusesNull = true,
  runner = presentRunner(),
}: StorageContractOptions): void {
  runner.describe(`storage contract: ${name}`, () => {
    const contract = new ContractCase(runner, create, refusesNull);
    const { it, storage } = contract;
    for (const declare of [
      writtenRows,
      exactTexts,
      pagesOfRows,
      timesOfRows,
      listsOfKeys,
      conditionalRows,
      manyConditionalRows,
      modifiedRows,
    ])
      declare(contract);

    it('takes what it does not know for a state of the storage, which may pass', async () => {
      assert.equal(storage.classify(new Error('never seen')), refusesNull ? 'transient' : 'permanent');
    });

    it('describes itself in a few words', async () => {
      assert.match(storage.describe(), /^\w.{3,}$/);
    });
  });
}
