import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { Child } from '../support/child-process.js';
import { tempFolder } from '../support/temp-folder.js';
import { runCopy, startCommand } from './support/copy-command.js';
import { run, withStorage } from './support/raw-table.js';

const folder = tempFolder();

let files = 0;
async function filled(namespace: string, rows: number): Promise<string> {
  const database = join(folder, `${(files += 1)}.sqlite`);
  const puts = Array.from({ length: rows }, (_, i) => ({ key: `${i}`, value: `${i}`, expiresAt: null }));
  await withStorage({ type: 'sqlite', database }, (storage) =>
    writeChanges(storage, [{ namespace, puts }], 1),
  );
  return database;
}

describe('what the command prints', () => {
  it.each(['stdout', 'stderr'] as const)(
    'may be read by nobody: it ends its work without a word (%s)',
    async (closed) => {
      const from = await filled('n', 45_000);
      const to = join(folder, `${closed}.sqlite`);
      const child = startCommand(folder, 'copy', '--from', from, '--to', to);
      child.process[closed].destroy();
      const { code, output } = await child.ended;
      expect(output).not.toMatch(/EPIPE|Error|at /);
      expect(code).toBe(0);
      expect(await run({ type: 'sqlite', database: to }, 'SELECT COUNT(*) AS n FROM cache_storage')).toEqual([
        { n: 45_000 },
      ]);
    },
  );

  it.skipIf(!existsSync('/dev/full'))(
    'is missed where it could not be stored: the command says so and ends with 1',
    async () => {
      const from = await filled('n', 10);
      const command = `"$0" dist/src/cli/main.js copy --from "$1" --to "$2" > /dev/full`;
      const { code, output } = await new Child('sh', [
        '-c',
        command,
        process.execPath,
        from,
        join(folder, 'full.sqlite'),
      ]).ended;
      expect(output).toMatch(/ENOSPC/);
      expect(output).not.toMatch(/^ +at /m);
      expect(code).toBe(1);
    },
  );

  it('sends no control characters of names and keys to the terminal', async () => {
    const from = await filled('evil\u001B[2J\u0007', 1);
    await run(
      { type: 'sqlite', database: from },
      `UPDATE cache_storage SET "key" = 'k' || char(27) || 'c', value = X'00'`,
    );
    const ended = [
      await runCopy(folder, from, join(folder, 'evil.sqlite')),
      await runCopy(folder, from, join(folder, 'evil.sqlite'), '--namespace', 'none'),
    ];
    for (const { output } of ended) {
      expect(output).toContain('evil\\u001b[2J\\u0007');
      expect(output).not.toMatch(/[^\P{Cc}\n]/u);
    }
    expect(ended[0]?.output).toContain('(k\\u001bc)');
  });
});
