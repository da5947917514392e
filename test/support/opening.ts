import { inspect } from 'node:util';
import type { DataSourceOptions } from 'typeorm';
import { expect } from 'vitest';
import { isCacheError } from '../../src/index.js';
import { DatabaseError } from '../../src/storage/driver-error.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { writeChanges } from '../../src/testing/contract/changes.js';

type Options = Record<string, unknown>;

function storageOn(options: Options): TypeOrmStorage {
  const storage = options as unknown as DataSourceOptions;
  return new TypeOrmStorage({ storage, migrationsRun: true, synchronous: 'full' });
}

/** Opens a storage for as long as `task` takes, and writes a row. */
export async function whileOpen(
  options: Options,
  task?: (storage: TypeOrmStorage) => Promise<unknown>,
): Promise<void> {
  const storage = storageOn(options);
  await storage.open();
  try {
    const put = { key: 'a', value: '1', expiresAt: null };
    await writeChanges(storage, [{ namespace: 'n', puts: [put] }], 1);
    await task?.(storage);
  } finally {
    await storage.close();
  }
}

/** Expects a storage not to open, with a code and a remedy, and the database's own error for a cause. */
export async function expectRefused(
  options: Options,
  expected: { readonly code: string | RegExp | undefined; readonly remedy: RegExp },
): Promise<void> {
  const storage = storageOn(options);
  const error: unknown = await storage.open().then(
    () => storage.close(),
    (reason: unknown) => reason,
  );
  expect(error, 'it opened').toBeDefined();
  expect(isCacheError(error, 'STORAGE_OPEN_FAILED'), inspect(error)).toBe(true);
  const { message, cause } = error as Error;
  expect(message).toMatch(expected.remedy);
  expect(message).not.toContain('See the cause');
  expect(cause).toBeInstanceOf(DatabaseError);
  const { code } = cause as DatabaseError;
  if (expected.code instanceof RegExp) expect(code, message).toMatch(expected.code);
  else expect(code, message).toBe(expected.code);
  expect(inspect(error, { depth: 5, showHidden: true })).not.toContain('secret');
}

/** Joins as an instance among others, and writes a row as such. */
export function joins(writer: number): (storage: TypeOrmStorage) => Promise<void> {
  return async (storage) => {
    await storage.join({ writer, mode: 'many', about: 'a test' });
    const atom = [{ namespace: 'n', key: 'b', value: '1', expiresAt: null }];
    await storage.write([atom], { stamp: 1, now: 1, logged: { writer, n: 1 } });
    await storage.beat(writer);
    await storage.trimLog({ writer, n: 1 });
    await storage.remove(writer);
  };
}

/** What a join is told that lacks a right. */
export const MAY_NOT_JOIN = {
  code: 'STORAGE_OPEN_FAILED',
  message: expect.stringMatching(
    /grant the user SELECT, INSERT, UPDATE and DELETE on cache_instances and cache_changes/,
  ) as string,
};
