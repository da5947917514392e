import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RescueFile } from '../../src/storage/rescue-file.js';
import { runCommands } from '../support/page-commands.js';
import { tempFolder } from '../support/temp-folder.js';
import { databaseKinds, entry, fill } from './support/databases.js';
import { run } from './support/run-command.js';

const PATH = process.env['PATH'] ?? '';
const hasJq = PATH.split(delimiter).some((folder) => existsSync(join(folder, 'jq')));
const [sqlite] = await databaseKinds();
const folder = tempFolder();

/** A folder with an `npx` that runs the command of these sources. */
function withNpx(): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const npx = join(bin, 'npx');
  const main = resolve('dist/src/cli/main.js');
  writeFileSync(npx, `#!/bin/sh\nshift\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(npx, 0o700);
  return bin;
}

describe.skipIf(!hasJq)('the recipe of the runbook for a damaged journal', () => {
  it('brings back what is intact behind the damage, and names what was deleted there', async () => {
    const database = await sqlite!.newDatabase();
    await fill(database, { n: [entry('changed', '"before"'), entry('d', '1'), entry('before', '"row"')] });
    const put = { op: 'put', namespace: 'n', expiresAt: null } as const;
    new RescueFile(join(folder, 'journal.ndjson')).appendSync(
      [
        { ...put, key: 'before', value: '"replayed by the start"' },
        { ...put, key: 'broken', value: '1' },
        { ...put, key: 'changed', value: '{"n":12345678901234567890}' },
        { ...put, key: 'new', value: '"\u001Bö"', expiresAt: 4102444800000 },
        { op: 'delete', namespace: 'n', key: 'd' },
      ],
      { identity: 'f00d', prefixes: [7] },
    );
    const name = readdirSync(folder).find((one) => one.startsWith('journal.ndjson.')) ?? '';
    const journal = join(folder, name);
    writeFileSync(journal, readFileSync(journal, 'utf8').replace('"key":"broken"', '"key":"brokem"'));

    const options = {
      cwd: folder,
      env: {
        PATH: `${withNpx()}${delimiter}${PATH}`,
        JOURNAL: journal,
        NESTJS_DURABLE_CACHE_DATABASE: database.address,
      },
      page: 'docs/runbook.md',
    };
    expect(await runCommands('Make an export of what a damaged journal still holds', options)).toBe(
      '1 of 2 rows to import, 1 left alone, where there are others\nDry run: nothing was written.\ndelete n d\n',
    );
    expect(statSync(join(folder, 'export.ndjson')).mode & 0o077).toBe(0);
    expect(await runCommands('Put it into the cache, over other rows of the same keys', options)).toBe(
      '2 of 2 rows imported, 1 of them over others\n',
    );
    const get = async (key: string): Promise<unknown> =>
      JSON.parse((await run(['get', 'n', key, '--json', '--database', database.address])).stdout);
    expect(await get('changed')).toMatchObject({ value: '{"n":12345678901234567890}', expiresAt: null });
    expect(await get('new')).toMatchObject({
      value: '"\u001Bö"',
      expiresAt: '2100-01-01T00:00:00.000Z',
    });
    expect(await get('before')).toMatchObject({ value: '"row"' });
  });
});
