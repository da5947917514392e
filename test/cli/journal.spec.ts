import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JournalOrigin, RescuedWrite } from '../../src/core/rescue/rescue-journal.js';
import { RescueFile } from '../../src/storage/rescue-file.js';
import type { Ended } from '../support/child-process.js';
import { journalText } from '../support/journal-text.js';
import { tempFolder } from '../support/temp-folder.js';
import { startCommand } from './support/copy-command.js';
import { run } from './support/run-command.js';

const folder = tempFolder();
const OURS = { identity: 'f00d', prefixes: [7, 9] };
let files = 0;

const show = (...args: readonly string[]): Promise<Ended> =>
  startCommand(folder, 'journal', 'show', ...args).ended;

/** The one file that a stop has left. */
function left(writes: readonly RescuedWrite[], origin: JournalOrigin = OURS): string {
  const name = `${(files += 1)}.ndjson`;
  new RescueFile(join(folder, name)).appendSync(writes, origin);
  const [file, ...others] = readdirSync(folder).filter((one) => one.startsWith(`${name}.`));
  expect(others).toEqual([]);
  return join(folder, file as string);
}

const put = (key: string, value = '1'): RescuedWrite & { op: 'put' } => ({
  op: 'put',
  namespace: 'n',
  key,
  value,
  expiresAt: null,
});

describe('nestjs-durable-cache journal show', () => {
  it('prints whose a file is and each write, without values', async () => {
    const file = left([
      { op: 'clear', namespace: 'n' },
      { op: 'clear range', namespace: 'm', range: { prefix: 'a"', isWhole: false } },
      { op: 'clear range', namespace: 'm', range: { prefix: 'b', isWhole: true } },
      put('blind', '"sécret"'),
      { ...put('on a row'), base: -5, expiresAt: Date.UTC(2030, 0, 2) },
      { ...put('on no row', '22'), base: null, expiresAt: Number.MAX_SAFE_INTEGER },
      { op: 'delete', namespace: 'm', key: 'from', base: 8, atom: 3 },
    ]);
    const before = readFileSync(file);
    const { code, output } = await show(file);
    const process = /^Process: ([\da-f-]{36}), part 1, its stamps begin with 7, 9$/m.exec(output)?.[1];
    expect(output.split('\n')).toEqual([
      `Rescue journal: ${file}`,
      'Version: 2',
      'Database: f00d',
      `Process: ${process}, part 1, its stamps begin with 7, 9`,
      'n: 4 writes',
      'm: 3 writes',
      'clear n',
      String.raw`clear range m: keys that begin with "a\""`,
      'clear range m: the key "b"',
      'put n "blind": 9 bytes, never expires, blind',
      'put n "on a row": 1 byte, expires 2030-01-02T00:00:00.000Z, built on a row',
      'put n "on no row": 2 bytes, expires 9007199254740991 ms after 1970, built on no row',
      'delete m "from": built on a row, together with others (3)',
      '',
    ]);
    expect(code).toBe(0);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('prints values where they are asked for', async () => {
    const { code, output } = await show(left([put('a', '"secret"')]), '--values');
    expect(output).toMatch(/^put n "a": 8 bytes, .*\n {2}"secret"$/m);
    expect(code).toBe(0);
  });

  it('says what a file without an identity or stamps lacks', async () => {
    const { output } = await show(left([], { identity: undefined, prefixes: [] }));
    expect(output).toMatch(/^Database: none is named\nProcess: .*, part 1, no stamps written\n$/m);
  });

  it('sends no control characters to the terminal', async () => {
    const file = left([{ ...put('k\u001B[2J\u009B', '\u0007\u202E'), namespace: 'evil\u001B[2J\n' }], {
      identity: 'i\u0007',
      prefixes: [],
    });
    const { output } = await show(file, '--values');
    expect(output).toContain(String.raw`put evil\u001b[2J\u000a "k\u001b[2J\u009b"`);
    expect(output).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
  });

  it('shows of a damaged file what is replayed, marks and counts what is not, and exits with 1', async () => {
    const file = left([put('a'), put('b'), put('c', '"behind"'), { op: 'delete', namespace: 'm', key: 'd' }]);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"key":"b"', '"key":"B"'));
    const { code, output } = await show(file, '--values');
    expect(output).toMatch(/^Damaged: line 3 is broken or missing\. A start replays what is before it/m);
    expect(output.slice(output.indexOf('n: 1 write')).split('\n')).toEqual([
      'n: 1 write',
      'put n "a": 1 byte, never expires, blind',
      '  1',
      "Not replayed: 2 writes that can be read yet; 1 write can't be read.",
      'not replayed: n: 1 write',
      'not replayed: m: 1 write',
      'not replayed: put n "c": 8 bytes, never expires, blind',
      'not replayed:   "behind"',
      'not replayed: delete m "d": blind',
      '',
    ]);
    expect(code).toBe(1);
  });

  it('shows what is before the damage and not replayed either, since its other half is missing', async () => {
    const half = { op: 'delete', namespace: 'n', key: 'from', base: 8, atom: 3 } as const;
    const file = left([put('a'), half, { ...put('to'), atom: 3 }]);
    writeFileSync(file, readFileSync(file, 'utf8').split('\n').slice(0, 3).join('\n'));
    const { output } = await show(file);
    expect(output).toContain(
      'Not replayed: 1 write that can be read yet; the end of the file is missing.\n' +
        'not replayed: n: 1 write\nnot replayed: delete n "from"',
    );
  });

  it('prints a write a line for programs, those behind the damage too, and says on standard error what is damaged', async () => {
    const file = left([
      { op: 'clear range', namespace: 'm', range: { prefix: 'p', isWhole: false } },
      { ...put('a\u001B'), expiresAt: 5, base: null },
      put('b'),
      { op: 'delete', namespace: 'n', key: 'c', base: 7, atom: 1 },
    ]);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"key":"b"', '"key":"B"'));
    const { code, stdout, stderr } = await run(['journal', 'show', file, '--json']);
    expect(stdout).not.toContain('\u001B');
    const lines = stdout.split('\n').slice(0, -1);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { op: 'clear range', namespace: 'm', prefix: 'p', isWhole: false, isCutOff: false },
      {
        op: 'put',
        namespace: 'n',
        key: 'a\u001B',
        bytes: 1,
        expiresAt: 5,
        builtOn: 'no row',
        atom: null,
        isCutOff: false,
      },
      { op: 'delete', namespace: 'n', key: 'c', builtOn: 'a row', atom: 1, isCutOff: true },
    ]);
    expect(stderr).toMatch(/^Damaged: line 4 .*\nNot replayed: 1 write .*; 1 write can't be read\.\n$/);
    expect(code).toBe(1);
    const whole = await run(['journal', 'show', left([put('a', '"v"')]), '--json', '--values']);
    expect(JSON.parse(whole.stdout)).toMatchObject({ value: '"v"', isCutOff: false });
    expect(whole).toMatchObject({ code: 0, stderr: '' });
  });

  it('shows a file of the version before', async () => {
    const file = join(folder, 'before.ndjson');
    const lines = [
      { journal: 'nestjs-durable-cache', version: 1 },
      { ...put('a'), at: 1 },
      { op: 'delete', namespace: 'n', key: 'b', at: 1 },
      { end: 2 },
    ];
    writeFileSync(file, journalText(...lines));
    expect(await show('before.ndjson')).toMatchObject({
      code: 0,
      output: [
        `Rescue journal: ${file}`,
        'Version: 1, which names neither databases nor stamps',
        'n: 2 writes',
        'put n "a": 1 byte, never expires',
        'delete n "b"',
        '',
      ].join('\n'),
    });
  });

  it.each([
    ['that is not ours', '{"user":1}\n', /^JOURNAL_NOT_UNDERSTOOD: .*first line/],
    [
      'of a newer version',
      journalText({ journal: 'nestjs-durable-cache', version: 3 }),
      /^JOURNAL_NOT_UNDERSTOOD: .*version 3.*newer release/,
    ],
  ])('refuses a file %s', async (_what, content, output) => {
    const file = join(folder, `${(files += 1)}.json`);
    writeFileSync(file, content);
    expect(await show(file)).toMatchObject({ code: 1, output: expect.stringMatching(output) as string });
    expect(readFileSync(file, 'utf8')).toBe(content);
  });

  it.skipIf(process.platform === 'win32')('refuses a pipe, and does not wait for its other end', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(await show('pipe')).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^JOURNAL_NOT_UNDERSTOOD: .*pipe/) as string,
    });
  });

  it('says that there is no such file, and which ones there are where it is the place of a journal', async () => {
    expect(await show('none')).toMatchObject({
      code: 1,
      output: `INVALID_OPTION: There is no file ${join(folder, 'none')}. Check the path.\n`,
    });
    const file = left([put('a')]);
    const place = file.slice(0, file.indexOf('.ndjson') + '.ndjson'.length);
    expect(await show(place)).toMatchObject({ code: 1, output: expect.stringContaining(file) as string });
    expect(await show('.')).toMatchObject({
      code: 1,
      output: `INVALID_OPTION: ${folder} can't be read (EISDIR).\n`,
    });
  });

  it.each([
    [['journal'], 'one verb, show'],
    [['journal', 'remove', 'a'], 'one verb, show'],
    [['journal', 'show'], 'the name of one file'],
    [['journal', 'show', 'a', 'b'], 'the name of one file'],
    [['journal', 'show', 'a', '--force'], 'journal show has no option --force'],
  ])('exits with 2 when it does not understand %o', async (args, said) => {
    expect(await startCommand(folder, ...args).ended).toMatchObject({
      code: 2,
      output: expect.stringMatching(new RegExp(`^INVALID_OPTION: .*${said}.*--help`)) as string,
    });
  });
});
