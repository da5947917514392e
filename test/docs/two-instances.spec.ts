import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';

const run = promisify(execFile);

/** The example, with its temporary files in a folder of the test. */
const example = (folder: string, env: NodeJS.ProcessEnv = {}) =>
  run(process.execPath, ['examples/two-instances/main.mjs'], {
    timeout: 25_000,
    env: { ...process.env, TMPDIR: folder, ...env },
  });

it('the example of two instances shows what one writes in the other', async () => {
  const folder = tempFolder();
  const { stdout } = await example(folder);
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(5);
  for (const line of lines)
    expect(line).toMatch(/^A sets the price of apples to \d; B sees it after \d+ ms\.$/);
  expect(readdirSync(folder)).toEqual([]);
});

it('the example of two instances ends, and leaves no files, where an instance does not start', async () => {
  const folder = tempFolder();
  const outcome = example(folder, { DATABASE_URL: 'postgres://127.0.0.1:1/nowhere' });
  await expect(outcome).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('A did not start.') as string,
  });
  expect(readdirSync(folder)).toEqual([]);
});
