import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { tempFolder } from '../support/temp-folder.js';
import { runCopy } from './support/copy-command.js';
import { withStorage } from './support/raw-table.js';

const folder = tempFolder();
/** The command is run in an empty one: what it makes there shows. */
const cwd = join(folder, 'empty');
const source = join(folder, 'source.sqlite');

beforeAll(async () => {
  mkdirSync(cwd);
  await withStorage({ type: 'sqlite', database: source }, (storage) =>
    writeChanges(storage, [{ namespace: 'n', puts: [{ key: 'a', value: '1', expiresAt: null }] }], 1),
  );
});

describe('a mistyped address', () => {
  it.each([
    'postgres:/u:s3cret@h/db',
    ' postgres://u:s3cret@h/db',
    'jdbc:postgresql://h/db?password=s3cret',
    'postgres:/u:s3cret@h/db.js',
    'u:s3cret@h/db',
  ])('makes no file and is not printed, as a source and as a target: %s', async (address) => {
    for (const sides of [
      [source, address],
      [address, 'target.sqlite'],
    ] as const) {
      const { code, output } = await runCopy(cwd, sides[0], sides[1]);
      expect(output).toMatch(/^INVALID_OPTION: --(?:from|to) .*(?:Use postgres:\/\/|Remove it)/);
      expect(output).not.toContain('s3cret');
      expect(code).toBe(1);
      expect(readdirSync(cwd)).toEqual([]);
    }
  });
});

describe('credentials', () => {
  it.each([
    [
      'of a database whose name ends in .js',
      'postgres://u:s3cret@127.0.0.1:1/db.js',
      /^STORAGE_OPEN_FAILED: /,
    ],
    ['with a bare % in them', 'postgres://u:s3cret%@127.0.0.1:1/db', /^[A-Z_]+: /],
    ['in a parameter', 'mysql://127.0.0.1:1/db?password=s3cret', /^[A-Z_]+: /],
  ])('are never printed: %s', async (_what, address, said) => {
    for (const sides of [
      [source, address],
      [address, 'target.sqlite'],
    ] as const) {
      const { code, output } = await runCopy(cwd, sides[0], sides[1]);
      expect(output).toMatch(said);
      expect(output).not.toContain('s3cret');
      expect(code).toBe(1);
    }
  });

  it('are never printed when the module that holds them throws', async () => {
    const path = join(folder, 'throws.mjs');
    writeFileSync(
      path,
      "throw Object.assign(new Error('postgres://u:s3cret@h is wrong'), { code: 'ERR_INVALID_URL' });",
    );
    const { code, output } = await runCopy(cwd, source, path);
    expect(output).toMatch(/^INVALID_OPTION: --to names a module that can't be loaded: it throws Error/);
    expect(output).not.toContain('s3cret');
    expect(code).toBe(1);
  });
});
