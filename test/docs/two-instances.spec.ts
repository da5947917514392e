import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

it('the example of two instances shows what one writes in the other', async () => {
  const { stdout } = await run(process.execPath, ['examples/two-instances/main.mjs'], { timeout: 25_000 });
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(5);
  for (const line of lines)
    expect(line).toMatch(/^A sets the price of apples to \d; B sees it after \d+ ms\.$/);
});
