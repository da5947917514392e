import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { isCacheError } from '../../src/index.js';
import { RescueFile } from '../../src/storage/rescue-file.js';
import { prepareSqlite } from '../../src/storage/sqlite/settings.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { Child } from '../support/child-process.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
let files = 0;
const newPath = (): string => join(folder, `${(files += 1)}`, 'deeper', 'cache.sqlite');

function storageAt(database: string, synchronous: 'full' | 'normal' = 'full'): TypeOrmStorage {
  return new TypeOrmStorage({ storage: { type: 'sqlite', database }, migrationsRun: true, synchronous });
}

async function openError(database: string): Promise<string> {
  const error: unknown = await storageAt(database)
    .open()
    .catch((reason: unknown) => reason);
  expect(isCacheError(error, 'STORAGE_OPEN_FAILED')).toBe(true);
  return (error as Error).message;
}

/** Runs the same as somebody who is not root: permissions mean nothing to root. */
async function openErrorAsNobody(database: string): Promise<string> {
  if (process.getuid?.() !== 0) return openError(database);
  const script = `
    const { TypeOrmStorage } = await import(${JSON.stringify(join(process.cwd(), 'dist/src/storage/typeorm-storage.js'))});
    process.setgid(65534);
    process.setuid(65534);
    const storage = new TypeOrmStorage({ storage: { type: 'sqlite', database: ${JSON.stringify(database)} }, migrationsRun: true, synchronous: 'full' });
    await storage.open().then(() => console.log('opened'), (error) => console.log(error.code + ' ' + error.message));`;
  const child = new Child(process.execPath, [
    '--input-type=module',
    '-e',
    `import 'reflect-metadata';${script}`,
  ]);
  const { output } = await child.ended;
  expect(output).toContain('STORAGE_OPEN_FAILED');
  return output;
}

describe('the SQLite file', () => {
  it('is made with its folder, for nobody else to read', async () => {
    const database = newPath();
    const storage = storageAt(database);
    await storage.open();
    await writeChanges(storage, [{ namespace: 'n', puts: [{ key: 'a', value: '1', expiresAt: null }] }], 1);
    expect(statSync(join(database, '..')).mode & 0o777).toBe(0o700);
    for (const file of [database, `${database}-wal`, `${database}-shm`]) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
    await storage.close();
    expect(existsSync(`${database}-wal`)).toBe(false);
  });

  it('is made for nobody else to read by the migrations too, when they come first', async () => {
    const database = newPath();
    const dataSource = join(process.cwd(), 'dist/migrations/data-source.js');
    const cli = join(process.cwd(), 'node_modules/typeorm/cli.js');
    const run = new Child(process.execPath, [cli, 'migration:run', '-d', dataSource], {
      env: { ...process.env, CACHE_DATABASE: database },
    });
    expect((await run.ended).output).toContain('executed successfully');
    expect(statSync(join(database, '..')).mode & 0o777).toBe(0o700);
    expect(statSync(database).mode & 0o777).toBe(0o600);
  });

  it('has a rescue journal that nobody else can read, in a folder of its own where it is the first', () => {
    const path = join(newPath(), 'cache.rescue.ndjson');
    const origin = { identity: undefined, prefixes: [] };
    new RescueFile(path).appendSync([{ op: 'delete', namespace: 'n', key: 'k' }], origin);
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
    const modes = readdirSync(join(path, '..')).map((name) => statSync(join(path, '..', name)).mode & 0o777);
    expect(modes).toEqual([0o600]);
  });

  it('keeps the mode it has when it is there already', async () => {
    const database = newPath();
    mkdirSync(join(database, '..'), { recursive: true });
    writeFileSync(database, '', { mode: 0o640 });
    const storage = storageAt(database);
    await storage.open();
    await storage.close();
    expect(statSync(database).mode & 0o777).toBe(0o640);
  });

  it.each([
    ['full', 2],
    ['normal', 1],
  ] as const)('is written with write-ahead logging and synchronous=%s', async (synchronous, level) => {
    const dataSource = await new DataSource({
      type: 'sqlite',
      database: join(folder, `${synchronous}.sqlite`),
    }).initialize();
    const settings = { synchronous, ownsFile: true };
    await prepareSqlite(dataSource.createQueryRunner(), settings);
    expect(await dataSource.query('PRAGMA synchronous')).toEqual([{ synchronous: level }]);
    expect(await dataSource.query('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    await dataSource.destroy();
  });

  it('is left as it is when it is no database', async () => {
    const database = newPath();
    mkdirSync(join(database, '..'), { recursive: true });
    const content = 'This is a diary, and nobody else’s business.\n'.repeat(50);
    writeFileSync(database, content);
    expect(await openError(database)).toMatch(/not a SQLite database.*set another path/);
    expect(readFileSync(database, 'utf8')).toBe(content);
  });

  it('is refused when it is read-only, with the remedy', async () => {
    const database = newPath();
    const storage = storageAt(database);
    await storage.open();
    await storage.close();
    const before = readFileSync(database);
    chmodSync(folder, 0o755);
    for (const path of [join(database, '..', '..'), join(database, '..')]) chmodSync(path, 0o755);
    chmodSync(database, 0o444);
    expect(await openErrorAsNobody(database)).toMatch(/write permission|permission to the file/);
    expect(readFileSync(database).equals(before)).toBe(true);
  });

  it('is refused in a folder without permission, with the remedy', async () => {
    const parent = join(folder, 'closed');
    mkdirSync(parent, { mode: 0o555 });
    chmodSync(folder, 0o755);
    expect(await openErrorAsNobody(join(parent, 'data', 'cache.sqlite'))).toMatch(/EACCES.*write permission/);
    expect(await openErrorAsNobody(join(parent, 'cache.sqlite'))).toMatch(/EACCES.*write permission/);
  });

  it('is refused where a file stands in the place of its folder', async () => {
    writeFileSync(join(folder, 'file'), '');
    expect(await openError(join(folder, 'file', 'cache.sqlite'))).toMatch(/can't be created/);
  });

  it('is not what a folder is taken for: the refusal says which file to name', async () => {
    const path = join(folder, 'folder');
    mkdirSync(path);
    const remedy = `${path} is a folder: name a file in it, such as ${join(path, 'cache.sqlite')}.`;
    await expect(storageAt(path).open()).rejects.toThrow(remedy);
    expect(readdirSync(path)).toEqual([]);
    const missing = join(folder, 'missing');
    expect(() => storageAt(`${missing}/`)).toThrow(`such as ${join(missing, 'cache.sqlite')}`);
    expect(existsSync(missing)).toBe(false);
  });
});
