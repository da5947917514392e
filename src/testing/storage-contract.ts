import assert from 'node:assert/strict';
import { faultOfAdapter } from '../core/adapter-check.js';
import type { CacheStorageAdapter } from '../index.js';
import { conditionalRows } from './contract/conditional-rows.js';
import { ContractCase } from './contract/contract-case.js';
import { exactTexts } from './contract/exact-texts.js';
import { listsOfKeys } from './contract/lists-of-keys.js';
import { manyConditionalRows } from './contract/many-conditional-rows.js';
import { modifiedRows } from './contract/modified-rows.js';
import { pagesOfRows } from './contract/pages-of-rows.js';
import { sharedLogs } from './contract/shared-logs.js';
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
  runner = presentRunner('describeStorageContract'),
}: StorageContractOptions): void {
  runner.describe(`storage contract: ${name}`, () => {
    const contract = new ContractCase(runner, create, refusesNull);
    const { it, storage } = contract;

    it('says that it is a storage of this edition of the port', async () => {
      const fault = faultOfAdapter(storage);
      assert.equal(fault, undefined, `The storage ${fault}.`);
    });

    for (const declare of [
      writtenRows,
      exactTexts,
      pagesOfRows,
      timesOfRows,
      listsOfKeys,
      conditionalRows,
      manyConditionalRows,
      modifiedRows,
      sharedLogs,
    ])
      declare(contract);

    it('takes what it does not know for a state of the storage, which may pass', async () => {
      assert.equal(storage.classify(new Error('never seen')), 'transient');
    });

    it('takes no write for undone, for sure, by an error that it does not know', async () => {
      for (const error of [new Error('never seen'), new TypeError('never seen'), 'never seen', undefined])
        assert.notEqual(storage.isUndone?.(error), true);
    });

    it('describes itself in a few words', async () => {
      assert.match(storage.describe(), /^\w.{3,}$/);
    });
  });
}
