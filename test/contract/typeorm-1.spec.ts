// Here `typeorm` is TypeORM 1: see vitest.config.mts.
import { DataSource } from 'typeorm';
import * as runner from 'vitest';
import { describe, expect, it } from 'vitest';
import { describeStorageContract } from '../../src/testing/index.js';
import { errorWith } from '../support/definitions.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { onEmptiedTables, sqliteFiles, storageOn } from './sql-storage.js';

const newFile = sqliteFiles();

describe('TypeORM 1 with better-sqlite3', () => {
  it('has no driver for sqlite3, and the error says which one it has', () => {
    expect(() => storageOn({ type: 'sqlite', database: newFile() })).toThrow(
      errorWith('UNSUPPORTED_STORAGE'),
    );
    expect(() => storageOn({ type: 'sqlite', database: newFile() })).toThrow('better-sqlite3');
  });

  describeStorageContract({
    name: 'a file',
    create: async () => storageOn({ type: 'better-sqlite3', database: newFile() }),
    runner,
  });

  describeStorageContract({
    name: 'in memory',
    create: async () => storageOn({ type: 'better-sqlite3', database: ':memory:' }),
    runner,
  });

  const template = { type: 'better-sqlite3', database: newFile() } as const;
  describeStorageContract({
    name: 'a file of an app, its DataSource as template',
    create: onEmptiedTables(template, () => storageOn(new DataSource(template))),
    runner,
  });
});

const postgres = await postgresServer();
describe.skipIf(postgres === undefined)('TypeORM 1 with PostgreSQL', async () => {
  if (postgres === undefined) return;
  describeStorageContract({
    name: 'a database',
    create: onEmptiedTables({ type: 'postgres', url: await postgres.newDatabase() }, storageOn),
    runner,
  });
});

const mariadb = await mariadbServer();
describe.skipIf(mariadb === undefined)('TypeORM 1 with MariaDB', async () => {
  if (mariadb === undefined) return;
  describeStorageContract({
    name: 'a database',
    create: onEmptiedTables({ type: 'mariadb', url: await mariadb.newDatabase() }, storageOn),
    runner,
  });
});
