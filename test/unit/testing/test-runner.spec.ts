import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  CACHE_STORAGE,
  InMemoryStorage,
  type Atom,
  type AtomOutcome,
  type Commit,
  type RowWrite,
  type StorageFailure,
} from '../../../src/index.js';
import { describeStorageContract, type TestRunner } from '../../../src/testing/index.js';
import { Child } from '../../support/child-process.js';
import { errorWith } from '../../support/definitions.js';
import { tempFolder } from '../../support/temp-folder.js';

/** Runs what a contract declares, at once, in the manner of every runner; gives the names of what passed and what failed. */
async function runContract(storage: () => InMemoryStorage): Promise<{ passed: string[]; failed: string[] }> {
  type Body = () => Promise<void>;
  const tests: { name: string; body: Body; before: Body[]; after: Body[] }[] = [];
  // Hooks hold within their describe.
  let before: Body[] = [];
  let after: Body[] = [];
  const runner: TestRunner = {
    describe(_name, body) {
      const outer = { before, after };
      before = [...before];
      after = [...after];
      body();
      ({ before, after } = outer);
    },
    it: (name, body) => tests.push({ name, body, before, after }),
    beforeEach: (body) => before.push(body),
    afterEach: (body) => after.push(body),
  };
  describeStorageContract({ name: 'memory', create: storage, refusesNull: false, runner });
  const passed: string[] = [];
  const failed: string[] = [];
  for (const test of tests) {
    for (const hook of test.before) await hook();
    await test.body().then(
      () => passed.push(test.name),
      () => failed.push(test.name),
    );
    for (const hook of test.after) await hook();
  }
  return { passed, failed };
}

describe('the contract of storages', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('passes for a storage that keeps its promises', async () => {
    const { passed, failed } = await runContract(() => new InMemoryStorage());
    expect(failed).toEqual([]);
    expect(passed.length).toBeGreaterThan(30);
  });

  it('fails for one that tells keys apart by less than their characters', async () => {
    class Lax extends InMemoryStorage {
      override write(atoms: readonly Atom[], commit: Commit): Promise<readonly AtomOutcome[]> {
        const lax = (row: RowWrite): RowWrite => ({ ...row, key: row.key.trimEnd() });
        return super.write(
          atoms.map((atom) => atom.map(lax)),
          commit,
        );
      }
    }
    const { failed } = await runContract(() => new Lax());
    expect(failed).toContain('tells ["a","a "," a","a\\t"] apart by exact characters');
    expect(failed).not.toContain('gives what was written, and the last write of a key');
  });

  it('fails for one that gives an entry up for an error that it does not know', async () => {
    class Hasty extends InMemoryStorage {
      override classify(): StorageFailure {
        return 'permanent';
      }
    }
    const { failed } = await runContract(() => new Hasty());
    expect(failed).toEqual(['takes what it does not know for a state of the storage, which may pass']);
  });

  it('fails for one that takes any write that failed for undone', async () => {
    class Sure extends InMemoryStorage {
      override isUndone(): boolean {
        return true;
      }
    }
    const { failed } = await runContract(() => new Sure());
    expect(failed).toEqual(['takes no write for undone, for sure, by an error that it does not know']);
  });

  it('says first whether the storage is of the edition of the port that the cache works with', async () => {
    const ofTheFirst = (): InMemoryStorage =>
      Object.defineProperty(new InMemoryStorage(), CACHE_STORAGE, { value: 1 });
    const { failed } = await runContract(ofTheFirst);
    expect(failed).toEqual(['says that it is a storage of this edition of the port']);
    const { passed } = await runContract(() => new InMemoryStorage());
    expect(passed[0]).toBe(failed[0]);
  });

  it.each([
    ['VITEST', /from 'vitest'/],
    ['JEST_WORKER_ID', /from '@jest\/globals'/],
  ])('says what to pass where the functions of the runner are not global (%s)', (variable, remedy) => {
    vi.stubEnv('VITEST', undefined);
    vi.stubEnv(variable, '1');
    const declare = (): void =>
      describeStorageContract({ name: 'memory', create: () => new InMemoryStorage() });
    expect(declare).toThrow(errorWith('INVALID_OPTION'));
    expect(declare).toThrow(remedy);
  });

  it('runs in node:test without being told', async () => {
    const file = join(tempFolder(), 'storage.test.mjs');
    const dist = (path: string): string => JSON.stringify(pathToFileURL(`dist/src/${path}`).href);
    writeFileSync(
      file,
      `import { InMemoryStorage } from ${dist('index.js')};
       import { describeStorageContract } from ${dist('testing/index.js')};
       describeStorageContract({ name: 'memory', create: () => new InMemoryStorage(), refusesNull: false });`,
    );
    const env = { PATH: process.env['PATH'], NO_COLOR: '1' };
    const child = new Child(process.execPath, ['--test', '--test-reporter=tap', file], { env });
    const { code, output } = await child.ended;
    expect(code, output).toBe(0);
    expect(Number(/^# pass (\d+)$/m.exec(output)?.[1])).toBeGreaterThan(30);
  });
});
