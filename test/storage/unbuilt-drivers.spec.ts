import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child-process.js';
import { tempFolder } from '../support/temp-folder.js';

const MODULES = resolve(import.meta.dirname, '../../node_modules');
const folder = tempFolder();
let folders = 0;

/** A folder with everything that is installed here, but for some packages. */
function installWithout(...left: readonly string[]): string {
  const root = join(folder, `${(folders += 1)}`);
  const modules = join(root, 'node_modules');
  mkdirSync(modules, { recursive: true });
  for (const name of readdirSync(MODULES)) {
    if (!name.startsWith('.') && !left.includes(name)) symlinkSync(join(MODULES, name), join(modules, name));
  }
  const installed = join(modules, 'nestjs-durable-cache');
  for (const part of ['dist', 'package.json'])
    cpSync(resolve(MODULES, '..', part), join(installed, part), { recursive: true });
  return root;
}

/** The same, but for the binary of one driver. */
function installWithoutBinary(driver: string): string {
  const root = installWithout(driver);
  cpSync(join(MODULES, driver), join(root, 'node_modules', driver), {
    recursive: true,
    filter: (path) => !/[\\/](?:build|prebuilds|deps)(?:[\\/]|$)/.test(path),
  });
  return root;
}

/** What an application says that starts there. */
async function startIn(cwd: string, storage: string): Promise<string> {
  const script = `
    import 'reflect-metadata';
    import { NestFactory } from '@nestjs/core';
    import { CacheModule } from 'nestjs-durable-cache';
    class AppModule {}
    const imports = [CacheModule.forRoot({ storage: ${storage} })];
    await NestFactory.createApplicationContext({ module: AppModule, imports }, { logger: false, abortOnError: false })
      .then(() => console.log('started'), (error) => console.log(error.code, error.message));`;
  // Links are taken for what they stand for, so that TypeORM finds the driver beside it.
  const child = new Child(
    process.execPath,
    ['--preserve-symlinks', '--preserve-symlinks-main', '--input-type=module', '-e', script],
    { cwd },
  );
  return (await child.ended).output;
}

describe('a SQLite driver that is installed and not built', () => {
  it.each([
    ['sqlite3', "{ type: 'sqlite', database: 'cache.sqlite' }"],
    ['sqlite3', 'undefined'],
    ['better-sqlite3', "{ type: 'better-sqlite3', database: 'cache.sqlite' }"],
  ])('is refused with how to build it (%s, storage %s)', async (driver, storage) => {
    const output = await startIn(installWithoutBinary(driver), storage);
    expect(output).toMatch(/^UNSUPPORTED_STORAGE .*is installed, and can't be loaded/m);
    expect(output).toContain(`npm rebuild ${driver}`);
    expect(output).toContain(`pnpm approve-builds, then pnpm rebuild ${driver}`);
  });
});

describe('a SQLite driver that is not installed', () => {
  it('is the one that each TypeORM has a driver for, where no storage is named', async () => {
    const output = await startIn(installWithout('sqlite3', 'better-sqlite3'), 'undefined');
    expect(output).toMatch(/^UNSUPPORTED_STORAGE .*it is not installed: npm install better-sqlite3$/m);
  });
});
