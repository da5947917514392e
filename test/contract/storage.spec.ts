import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { InMemoryStorage } from '../../src/index.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { tempFolder } from '../support/temp-folder.js';
import { describeStorageContract } from './storage-contract.js';

const folder = tempFolder();
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.sqlite`);
const settings = { migrationsRun: true, synchronous: 'full' } as const;

describeStorageContract('memory', async () => new InMemoryStorage());

describeStorageContract('SQLite file', async () => {
  return new TypeOrmStorage({ storage: { type: 'sqlite', database: newFile() }, ...settings });
});

describeStorageContract('SQLite in memory', async () => {
  return new TypeOrmStorage({ storage: { type: 'sqlite', database: ':memory:' }, ...settings });
});

describeStorageContract('SQLite file of an app, its DataSource as template', async () => {
  return new TypeOrmStorage({
    storage: new DataSource({ type: 'sqlite', database: newFile() }),
    ...settings,
  });
});
