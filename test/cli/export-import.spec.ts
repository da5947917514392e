import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child-process.js';
import { tempFolder } from '../support/temp-folder.js';
import { databaseKinds, entry, fill, type TestDatabase } from './support/databases.js';
import { run as execute } from './support/raw-table.js';
import { run, startProcess, type Ran } from './support/run-command.js';

const folder = tempFolder();
const kinds = await databaseKinds();
const [sqlite] = kinds;
const FAR = Date.UTC(2100, 0, 1);

const newPath = (name: string): string => join(mkdtempSync(join(folder, 'x')), name);

const exported = (database: TestDatabase, ...options: string[]): Promise<Ran> =>
  run(['export', '--database', database.address, ...options]);

const imported = (database: TestDatabase, file: string, ...options: string[]): Promise<Ran> =>
  run(['import', file, '--database', database.address, ...options]);

/** Without the header, which names the database. */
const rowsIn = (text: string): string => text.slice(text.indexOf('\n') + 1);

/** Rows of every kind: keys and values of any characters, with and without expiry and time. */
async function fillWell(database: TestDatabase): Promise<void> {
  await fill(database, {
    a: [entry('1', '{"x":1}'), entry('10', '2'), entry('ä', '"\\u001b"'), entry('😀', '"😀\u202E"', FAR)],
    'b c': [entry("it's", '"\uFFFD"'), entry('gone', '1', 1)],
  });
  await fill(database, { a: [entry('later', '')] }, 1_700_000_000_123);
}

function fileOf(...rows: readonly (object | string)[]): string {
  const path = newPath('rows.ndjson');
  const lines = [
    { export: 'nestjs-durable-cache', version: 1, database: null },
    ...rows,
    { rows: rows.length },
  ];
  writeFileSync(
    path,
    lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  );
  return path;
}

const row = (key: string, value = '1', more = {}): object => ({
  namespace: 'n',
  key,
  value,
  expiresAt: null,
  writtenAt: 1_700_000_000_000,
  ...more,
});

describe.each(kinds)('on $name', ({ newDatabase }) => {
  it('an export is a header, a line for each row in order, and their number', async () => {
    const database = await newDatabase();
    await fillWell(database);
    const { code, stdout, stderr } = await exported(database);
    const lines = stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toEqual({
      export: 'nestjs-durable-cache',
      version: 1,
      database: expect.stringMatching(/^[\da-f-]{36}$/) as string,
    });
    expect(lines.at(-1)).toEqual({ rows: 6 });
    expect(lines.slice(1, -1).map(({ namespace, key }) => `${namespace as string}/${key as string}`)).toEqual(
      ['a/1', 'a/10', 'a/later', 'a/ä', 'a/😀', "b c/it's"],
    );
    expect(lines[3]).toEqual({
      namespace: 'a',
      key: 'later',
      value: '',
      expiresAt: null,
      writtenAt: 1_700_000_000_123,
    });
    expect(lines[5]).toMatchObject({ value: '"😀\u202E"', expiresAt: FAR });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await exported(database)).toEqual({ code, stdout, stderr });
  });

  it('an import of an export makes the same export again, byte by byte', async () => {
    const database = await newDatabase();
    await fillWell(database);
    const before = (await exported(database)).stdout;
    const file = newPath('all.ndjson');
    expect(await exported(database, '--out', file)).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(file, 'utf8')).toBe(before);
    for (const namespace of ['a', 'b c'])
      await run(['rm', namespace, '--prefix', '', '--yes', '--database', database.address]);
    expect(rowsIn((await exported(database)).stdout)).toBe('{"rows":0}\n');
    expect(await imported(database, file)).toEqual({ code: 0, stdout: '6 of 6 rows imported\n', stderr: '' });
    expect((await exported(database)).stdout).toBe(before);
  });

  it('an export goes into a new database of every other kind, and comes back as it was', async () => {
    const database = await newDatabase();
    await fillWell(database);
    const { stdout } = await exported(database);
    for (const kind of kinds) {
      const other = await kind.newDatabase();
      const ran = await run(['import', '-', '--database', other.address], { input: stdout });
      expect(ran).toEqual({ code: 0, stdout: '6 of 6 rows imported\n', stderr: '' });
      expect(rowsIn((await exported(other)).stdout)).toBe(rowsIn(stdout));
    }
  });

  it('an import leaves what is there alone, or overwrites it, and says which', async () => {
    const database = await newDatabase();
    await fill(database, { n: [entry('same', '1'), entry('other', '"theirs"'), entry('gone', '5', 1)] });
    const file = fileOf(
      row('same'),
      row('other'),
      row('gone'),
      row('new'),
      row('old', '1', { expiresAt: 5 }),
    );
    const dry = await imported(database, file, '--dry-run');
    expect(dry.stdout).toBe(
      '2 of 5 rows to import, 1 there already, 1 left alone, where there are others, 1 expired\nDry run: nothing was written.\n',
    );
    const first = await imported(database, file);
    expect(first).toMatchObject({
      code: 3,
      stdout: '2 of 5 rows imported, 1 there already, 1 left alone, where there are others, 1 expired\n',
      stderr: expect.stringContaining('--overwrite') as string,
    });
    const kept = await imported(database, file, '--if-absent', '--json');
    expect(kept).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(kept.stdout)).toEqual({
      rows: 5,
      written: 0,
      overwritten: 0,
      unchanged: 3,
      kept: 1,
      expired: 1,
      refused: 0,
      dryRun: false,
    });
    const over = await imported(database, file, '--overwrite');
    expect(over).toEqual({
      code: 0,
      stdout: '1 of 5 rows imported, 1 of them over others, 3 there already, 1 expired\n',
      stderr: '',
    });
    expect((await run(['get', 'n', 'other', '--database', database.address])).stdout).toBe('1\n');
  });

  it('takes the namespaces that are named alone', async () => {
    const database = await newDatabase();
    await fillWell(database);
    const { stdout } = await exported(database, '--namespace', 'b c');
    expect(rowsIn(stdout).split('\n')).toHaveLength(3);
    const other = await newDatabase();
    const file = newPath('all.ndjson');
    await exported(database, '--out', file);
    expect(await imported(other, file, '--namespace', 'b c')).toMatchObject({
      stdout: '1 of 1 row imported\n',
    });
    expect(rowsIn((await exported(other)).stdout)).toBe(rowsIn(stdout));
    expect(await exported(database, '--namespace', 'none')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^UNKNOWN_NAMESPACE: .*'none'.*'a', 'b c'/) as string,
    });
  });

  it('of two lines of one key the first is taken, and the last with --overwrite', async () => {
    const database = await newDatabase();
    const file = fileOf(row('a', '1'), row('a', '2'));
    expect(await imported(database, file)).toMatchObject({ code: 3 });
    expect((await run(['get', 'n', 'a', '--database', database.address])).stdout).toBe('1\n');
    expect(await imported(database, file, '--overwrite')).toMatchObject({ code: 0 });
    expect((await run(['get', 'n', 'a', '--database', database.address])).stdout).toBe('2\n');
  });

  it('an import that was interrupted leaves whole batches, and goes on where it was', async () => {
    const database = await newDatabase();
    const rows = Array.from({ length: 30_000 }, (_, i) => row(String(i).padStart(6, '0'), 'x'.repeat(100)));
    const file = fileOf(...rows);
    const child = startProcess(['import', file, '--database', database.address]);
    await child.prints(/importing n: \d+ of 30000 rows/);
    child.kill('SIGINT');
    const { code, signal, output } = await child.ended;
    const [, count = ''] =
      /Interrupted: (\d+) rows imported\. Run the command again to go on\./.exec(output) ?? [];
    expect({ code, signal }).toEqual({ code: 130, signal: null });
    expect(Number(count) % 500).toBe(0);
    expect(Number(count)).toBeLessThan(30_000);
    const [figures] = (await run(['ls', '--json', '--database', database.address])).stdout.split('\n');
    expect(JSON.parse(figures ?? '')).toMatchObject({ namespace: 'n', rows: Number(count) });
    expect((await imported(database, file)).stdout).toBe(
      `${30_000 - Number(count)} of 30000 rows imported, ${count} there already\n`,
    );
  });
});

describe('an import from standard input', () => {
  it('ends when it is interrupted, though nothing comes and nothing ends', async () => {
    const database = await sqlite!.newDatabase();
    const rows = Array.from({ length: 501 }, (_, i) => `${JSON.stringify(row(String(i)))}\n`);
    const child = startProcess(['import', '-', '--database', database.address], {
      input: `{"export":"nestjs-durable-cache","version":1,"database":null}\n${rows.join('')}`,
      isInputOpen: true,
    });
    // A batch of them is there.
    await expect
      .poll(async () => (await run(['ls', '--database', database.address])).stdout, { timeout: 10_000 })
      .toMatch(/^n\t500\t/);
    child.kill('SIGINT');
    expect(await child.ended).toMatchObject({
      code: 130,
      output: expect.stringContaining('Interrupted: 500 rows imported.') as string,
    });
  });
});

describe('a file to import', () => {
  const HEADER = JSON.stringify({ export: 'nestjs-durable-cache', version: 1, database: null });
  const GOOD = JSON.stringify(row('a'));
  const lines = (...texts: string[]): string => texts.map((text) => `${text}\n`).join('');

  it.each<[what: string, text: string | Buffer, said: RegExp]>([
    ['that is empty', '', /Line 1: there is nothing/],
    ['without a header', lines(GOOD, '{"rows":1}'), /Line 1: it does not begin with/],
    [
      'of a newer version',
      lines('{"export":"nestjs-durable-cache","version":2}'),
      /Line 1: its version is 2/,
    ],
    ['that was cut off between lines', lines(HEADER, GOOD), /Line 3: .*cut off/],
    ['that was cut off in a line', lines(HEADER, GOOD) + GOOD.slice(0, 20), /Line 3: it is no JSON object/],
    [
      'that lacks a row',
      lines(HEADER, GOOD, '{"rows":2}'),
      /Line 3: it says that there are 2 rows, and there are 1/,
    ],
    ['with more behind its end', lines(HEADER, GOOD, '{"rows":1}', GOOD), /Line 4: it is behind the end/],
    [
      'with a broken line',
      lines(HEADER, GOOD, '{"namespace":"n"', '{"rows":2}'),
      /Line 3: it is no JSON object/,
    ],
    [
      'with a row without a key',
      lines(HEADER, JSON.stringify(row('')), '{"rows":1}'),
      /Line 2: key is no text/,
    ],
    [
      'with a foreign field',
      lines(HEADER, JSON.stringify(row('a', '1', { x: 1 })), '{"rows":1}'),
      /Line 2: its fields/,
    ],
    [
      'with a value that is no text',
      lines(HEADER, JSON.stringify({ ...row('a'), value: 1 }), '{"rows":1}'),
      /Line 2: value/,
    ],
    [
      'with a time that is none',
      lines(HEADER, JSON.stringify(row('a', '1', { expiresAt: 1.5 })), '{"rows":1}'),
      /Line 2: expiresAt/,
    ],
    [
      'that is not UTF-8',
      Buffer.concat([Buffer.from(`${HEADER}\n`), Buffer.from([0x22, 0xff, 0x22, 0x0a])]),
      /Line 2: it is not UTF-8/,
    ],
  ])('%s is refused before anything is written', async (_what, text, said) => {
    const database = await sqlite!.newDatabase();
    const file = newPath('bad.ndjson');
    writeFileSync(file, text);
    const { code, stdout, stderr } = await imported(database, file);
    expect(stderr).toMatch(/^EXPORT_NOT_UNDERSTOOD: .*can't be imported\. Line /);
    expect(stderr).toMatch(said);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(existsSync(database.address)).toBe(false);
  });

  it('that comes by standard input is imported up to where it is damaged', async () => {
    const database = await sqlite!.newDatabase();
    const input = lines(
      HEADER,
      ...Array.from({ length: 600 }, (_, i) => JSON.stringify(row(`k${i}`))),
      'broken',
    );
    const { code, stderr } = await run(['import', '-', '--database', database.address], { input });
    expect(stderr).toMatch(
      /^EXPORT_NOT_UNDERSTOOD: Line 602: it is no JSON object\. 500 rows before it were imported\.$/m,
    );
    expect(code).toBe(1);
    expect((await run(['ls', '--database', database.address])).stdout).toMatch(/^n\t500\t/);
  });

  it('that is not there is named', async () => {
    const database = await sqlite!.newDatabase();
    const { code, stderr } = await imported(database, join(folder, 'none.ndjson'));
    expect(stderr).toMatch(/^INVALID_OPTION: .*none\.ndjson can't be read \(ENOENT\)\.$/m);
    expect(code).toBe(1);
  });

  it('with a row that the database refuses is imported around it', async () => {
    const database = await sqlite!.newDatabase();
    await fill(database, { n: [entry('z', '1')] });
    await execute(
      database.options,
      "CREATE TRIGGER refusal BEFORE INSERT ON cache_storage WHEN NEW.key = 'bad' BEGIN SELECT RAISE(ABORT, 'not that'); END",
    );
    const { code, stdout, stderr } = await imported(database, fileOf(row('a'), row('bad'), row('b')));
    expect(stdout).toBe('2 of 3 rows imported, 1 refused\n');
    expect(stderr).toMatch(/1 row: the database refuses it: .*not that.* \(bad\)/);
    expect(code).toBe(3);
  });
});

describe('a file to export to', () => {
  it('is readable by its owner alone, and never takes the place of another', async () => {
    const database = await sqlite!.newDatabase();
    await fillWell(database);
    const file = newPath('all.ndjson');
    expect(await exported(database, '--out', file)).toEqual({
      code: 0,
      stdout: '',
      stderr: '6 rows exported.\n',
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await exported(database, '--out', file)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^INVALID_OPTION: --out: there is a file .*Name another one/) as string,
    });
    expect(await exported(database, '--out', join(folder, 'none/x.ndjson'))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^INVALID_OPTION: --out: .*can't be written \(ENOENT\)/) as string,
    });
  });

  it('is never opened where somebody else has put one, and leads nowhere else', async () => {
    const database = await sqlite!.newDatabase();
    await fillWell(database);
    const file = newPath('all.ndjson');
    const precious = newPath('precious');
    writeFileSync(precious, 'precious');
    symlinkSync(precious, `${file}.part`);
    expect(await exported(database, '--out', file)).toMatchObject({ code: 0 });
    expect(readFileSync(precious, 'utf8')).toBe('precious');
    expect(lstatSync(file).isFile()).toBe(true);
    expect(readFileSync(file, 'utf8')).toMatch(/\{"rows":6\}\n$/);
  });

  it('is not there when not even its last line fits on the disk', async () => {
    const database = await sqlite!.newDatabase();
    await fill(database, { n: [entry('a', '')] });
    const { length: bare } = (await exported(database)).stdout;
    const limit = 300 * 1024;
    await fill(database, { n: [entry('a', 'x'.repeat(limit - bare + 5))] });
    const file = newPath('all.ndjson');
    const command = [process.execPath, resolve('dist/src/cli/main.js'), 'export', '--out', file];
    const child = new Child('bash', [
      '-c',
      `ulimit -f ${limit / 1024} && exec "$@"`,
      'bash',
      ...command,
      '--database',
      database.address,
    ]);
    expect(await child.ended).toMatchObject({
      code: 1,
      output: expect.stringMatching(/INVALID_OPTION: --out: .*can't be written \(EFBIG\)/) as string,
    });
    expect(readdirSync(dirname(file))).toEqual([]);
  });

  it('is not there when the export was interrupted', async () => {
    const database = await sqlite!.newDatabase();
    await fill(database, { n: Array.from({ length: 50_000 }, (_, i) => entry(String(i), 'x'.repeat(500))) });
    const file = newPath('all.ndjson');
    const child = startProcess(['export', '--out', file, '--database', database.address]);
    await child.prints(/exporting n: /);
    child.kill('SIGTERM');
    expect(await child.ended).toMatchObject({
      code: 130,
      output: expect.stringContaining('Interrupted: the export is incomplete.') as string,
    });
    expect(readdirSync(dirname(file))).toEqual([]);
  });
});

describe('an export', () => {
  it('of rows that nothing else could hold goes around them, and names them', async () => {
    const database = await sqlite!.newDatabase();
    await fill(database, { n: [entry('a', '1'), entry('b', '1')] });
    await execute(database.options, `UPDATE cache_storage SET value = X'00' WHERE "key" = 'b'`);
    const { code, stdout, stderr } = await exported(database);
    expect(rowsIn(stdout)).toMatch(/^.*"key":"a".*\n\{"rows":1\}\n$/);
    expect(stderr).toMatch(/1 row: the value is bytes.*\(b\)/);
    expect(code).toBe(3);
  });

  it('ends without a word when nobody reads it any more', async () => {
    const database = await sqlite!.newDatabase();
    await fill(database, { n: Array.from({ length: 20_000 }, (_, i) => entry(String(i), 'x'.repeat(500))) });
    const child = startProcess(['export', '--database', database.address]);
    child.process.stdout.destroy();
    const { code, output } = await child.ended;
    expect(output).not.toMatch(/EPIPE|Error|at /);
    expect(code).toBe(0);
  });

  it('of a large namespace takes little memory, and so does its import', { timeout: 120_000 }, async () => {
    const database = await sqlite!.newDatabase();
    const value = 'x'.repeat(4000);
    for (let start = 0; start < 50_000; start += 10_000)
      await fill(database, {
        n: Array.from({ length: 10_000 }, (_, i) => entry(String(start + i).padStart(6, '0'), value)),
      });
    const file = newPath('large.ndjson');
    // 200 MB of values.
    const node = ['--max-old-space-size=64', '--max-semi-space-size=8'];
    const out = await run(['export', '--out', file, '--database', database.address], { node });
    expect(out).toMatchObject({ code: 0, stderr: expect.stringContaining('50000 rows exported.') as string });
    expect(statSync(file).size).toBeGreaterThan(200_000_000);
    const other = await sqlite!.newDatabase();
    const back = await run(['import', file, '--database', other.address], { node });
    expect(back).toMatchObject({ code: 0, stdout: '50000 of 50000 rows imported\n' });
  });
});
