import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { databaseKinds, entry, fill, WRITTEN_AT } from './support/databases.js';
import { run, runOnTerminal } from './support/run-command.js';
import { run as execute } from './support/raw-table.js';

const folder = tempFolder();
const kinds = await databaseKinds();
const hasTerminal = existsSync('/usr/bin/script');
const TIME = new Date(WRITTEN_AT).toISOString();
const FAR = Date.UTC(2100, 0, 1);

/** The objects that were printed, one a line. */
function objects(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

describe.each(kinds)('on $name', ({ newDatabase }) => {
  it('ls lists the namespaces with rows, bytes, expired rows and times of writing', async () => {
    const database = await newDatabase();
    await fill(database, {
      sessions: [entry('a', '"äö"'), entry('b', '"12"', 1)],
      chats: [entry('1', '{}')],
    });
    await fill(database, { sessions: [entry('c', '1')] }, WRITTEN_AT + 60_000);
    const later = new Date(WRITTEN_AT + 60_000).toISOString();
    const { code, stdout, stderr } = await run(['ls', '--database', database.address]);
    expect(stdout).toBe(`chats\t1\t0\t2\t${TIME}\t${TIME}\nsessions\t3\t1\t11\t${TIME}\t${later}\n`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const json = await run(['ls', '--json'], { env: { NESTJS_DURABLE_CACHE_DATABASE: database.address } });
    expect(objects(json.stdout)).toEqual([
      { namespace: 'chats', rows: 1, expired: 0, bytes: 2, oldest: TIME, newest: TIME },
      { namespace: 'sessions', rows: 3, expired: 1, bytes: 11, oldest: TIME, newest: later },
    ]);
  });

  it('scan lists keys in the order of their bytes, either way, by prefix, behind a key, and up to a limit', async () => {
    const database = await newDatabase();
    const keys = ['10:1', '12', '1:2', '1:3', 'a', 'ä', '\uFFFD', '😀'];
    await fill(database, { n: [...keys.map((key) => entry(key, '1')), entry('gone', '1', 1)] });
    const scan = async (...options: string[]): Promise<string[]> => {
      const { stdout } = await run(['scan', 'n', '--database', database.address, ...options]);
      return stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split('\t')[0] ?? '');
    };
    expect(await scan()).toEqual(keys);
    expect(await scan('--reverse')).toEqual(keys.toReversed());
    expect(await scan('--prefix', '1:')).toEqual(['1:2', '1:3']);
    expect(await scan('--prefix', '1', '--reverse', '--limit', '2')).toEqual(['1:3', '1:2']);
    expect(await scan('--after', '12', '--limit', '2')).toEqual(['1:2', '1:3']);
    expect(await scan('--after', '1:2', '--reverse')).toEqual(['12', '10:1']);
    expect(await scan('--prefix', '1', '--after', '12')).toEqual(['1:2', '1:3']);
    expect(await scan('--prefix', 'none')).toEqual([]);
  });

  it('scan tells size, time of writing and expiry, and values only where they are asked for', async () => {
    const database = await newDatabase();
    await fill(database, { n: [entry('a', '{"secret":"ä"}', FAR), entry('b', '2')] });
    const { stdout } = await run(['scan', 'n', '--database', database.address]);
    expect(stdout).toBe(`a\t15\t${TIME}\t2100-01-01T00:00:00.000Z\nb\t1\t${TIME}\t-\n`);
    const listed = await run(['ls', 'n', '--database', database.address]);
    expect(listed.stdout).toBe(stdout);
    const values = await run(['scan', 'n', '--values', '--json', '--database', database.address]);
    expect(objects(values.stdout)).toEqual([
      {
        key: 'a',
        bytes: 15,
        writtenAt: TIME,
        expiresAt: '2100-01-01T00:00:00.000Z',
        value: '{"secret":"ä"}',
      },
      { key: 'b', bytes: 1, writtenAt: TIME, expiresAt: null, value: '2' },
    ]);
  });

  it('scan says that there is more, and goes on page by page', async () => {
    const database = await newDatabase();
    const keys = Array.from({ length: 1200 }, (_, i) => String(i).padStart(4, '0'));
    await fill(database, { n: keys.map((key) => entry(key, '1')) });
    const some = await run(['scan', 'n', '--database', database.address]);
    expect(some.stdout.split('\n')).toHaveLength(101);
    expect(some.stderr).toBe(
      'There are more than these 100: raise --limit, or go on with --after the last key.\n',
    );
    const all = await run(['scan', 'n', '--limit', '5000', '--values', '--database', database.address]);
    expect(all.stdout.split('\n').map((line) => line.split('\t')[0])).toEqual([...keys, '']);
    expect(all.stderr).toBe('');
    const exact = await run(['scan', 'n', '--limit', '1200', '--database', database.address]);
    expect(exact.stderr).toBe('');
  });

  it('get prints the value as it is stored, and ends with 4 where there is none', async () => {
    const database = await newDatabase();
    const value = '{"n":12345678901234567890,"text":"a\\u001b\u202e"}';
    await fill(database, { n: [entry('12:3', value, FAR), entry('gone', '1', 5)] });
    const get = (...args: string[]): ReturnType<typeof run> =>
      run(['get', ...args, '--database', database.address]);
    expect(await get('n', '12:3')).toEqual({ code: 0, stdout: `${value}\n`, stderr: '' });
    expect(objects((await get('n', '12:3', '--json')).stdout)).toEqual([
      {
        namespace: 'n',
        key: '12:3',
        value,
        bytes: Buffer.byteLength(value),
        writtenAt: TIME,
        expiresAt: '2100-01-01T00:00:00.000Z',
      },
    ]);
    expect(await get('n', '12')).toEqual({ code: 4, stdout: '', stderr: "Namespace 'n' has no such key.\n" });
    expect(await get('n', 'gone')).toEqual({
      code: 4,
      stdout: '',
      stderr: "Namespace 'n' had this key until 1970-01-01 00:00:00.\n",
    });
  });

  it('stats tells the figures of all namespaces, the state of the table and what it takes on disk', async () => {
    const database = await newDatabase();
    await fill(database, { a: [entry('1', '"12"'), entry('2', '1', 1)], b: [entry('1', '1')] });
    const [stats] = objects((await run(['stats', '--json', '--database', database.address])).stdout) as [
      Record<string, unknown>,
    ];
    expect(stats).toMatchObject({
      identity: expect.stringMatching(/^[\da-f-]{36}$/) as string,
      namespaces: 2,
      rows: 3,
      expired: 1,
      bytes: 6,
      unstamped: 0,
      log: { notes: 0, bytes: 0 },
      migrations: { pending: [] },
      instances: [],
    });
    expect((stats['migrations'] as { done: string[] }).done.length).toBeGreaterThan(3);
    expect(stats['bytesOnDisk']).toBeGreaterThan(0);
    const plain = await run(['stats', '--database', database.address]);
    expect(plain.stdout).toMatch(/^namespaces\t2\nrows\t3\nexpired\t1\nunstamped\t0\nvalues\t6\n/m);
    expect(plain.stdout).toMatch(
      /^log notes\t0\nlog bytes\t0\nmigrations run\t\d+\nmigrations to run\t0\n$/m,
    );
    expect(plain.code).toBe(0);
  });

  it('names the namespaces there are where the one that is asked for has no rows', async () => {
    const database = await newDatabase();
    await fill(database, { chats: [entry('1', '1')] });
    const { code, stderr } = await run(['scan', 'chat', '--database', database.address]);
    expect(stderr).toBe("UNKNOWN_NAMESPACE: The database has no rows of namespace 'chat'. It has 'chats'.\n");
    expect(code).toBe(1);
    // Of a key there is nothing else to say than that there is none.
    expect(await run(['get', 'chat', '1', '--database', database.address])).toEqual({
      code: 4,
      stdout: '',
      stderr,
    });
  });

  it('makes nothing in a database without a cache', async () => {
    const database = await newDatabase();
    await execute(database.options, 'CREATE TABLE other (id INTEGER)');
    for (const args of [['ls'], ['scan', 'n'], ['get', 'n', 'k'], ['stats'], ['export'], ['rm', 'n', 'k']]) {
      const { code, stdout, stderr } = await run([...args, '--database', database.address]);
      expect(stderr).toMatch(/^UNKNOWN_NAMESPACE: There is no table of a cache in .*--database/);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    }
    const again = await run(['ls', '--database', database.address]);
    expect(again.stderr).toMatch(/^UNKNOWN_NAMESPACE: There is no table/);
  });
});

describe.skipIf(!hasTerminal)('on a terminal', () => {
  it('rows are a table, and a value is indented, its numbers as they are', async () => {
    const database = {
      address: join(folder, 'table.sqlite'),
      options: { type: 'sqlite', database: join(folder, 'table.sqlite') },
    } as const;
    const value = '{"n":12345678901234567890,"list":[1,{}],"text":"a, {b}"}';
    await fill(database, { sessions: [entry('a', value, FAR)], s: [entry('1', 'x'.repeat(2048))] });
    expect((await runOnTerminal(['ls', '--database', database.address])).stdout).toBe(
      [
        'NAMESPACE  ROWS  EXPIRED     SIZE  OLDEST               NEWEST',
        's             1        0  2.0 KiB  2026-01-02 03:04:05  2026-01-02 03:04:05',
        'sessions      1        0     56 B  2026-01-02 03:04:05  2026-01-02 03:04:05',
        '',
      ].join('\n'),
    );
    expect((await runOnTerminal(['scan', 'sessions', '--database', database.address])).stdout).toBe(
      [
        'KEY  SIZE  WRITTEN              EXPIRES',
        'a    56 B  2026-01-02 03:04:05  2100-01-01 00:00:00',
        '1 key',
        '',
      ].join('\n'),
    );
    expect((await runOnTerminal(['get', 'sessions', 'a', '--database', database.address])).stdout).toBe(
      '{\n  "n": 12345678901234567890,\n  "list": [\n    1,\n    {}\n  ],\n  "text": "a, {b}"\n}\n',
    );
    expect((await runOnTerminal(['stats', '--database', database.address])).stdout).toMatch(
      /^database: +sqlite|better-sqlite3 .*\nidentity: .*\nnamespaces: +2\n/,
    );
  });

  it('nothing that is stored does anything', async () => {
    const address = join(folder, 'evil.sqlite');
    const evil = 'k\u001B[2J\u0007\u202E';
    await fill(
      { address, options: { type: 'sqlite', database: address } },
      { [evil]: [entry(evil, `"\u009B${evil}"`)] },
    );
    for (const args of [
      ['ls'],
      ['scan', evil, '--values'],
      ['get', evil, evil],
      ['scan', evil, '--values', '--json'],
      ['export'],
    ]) {
      const { stdout, code } = await runOnTerminal([...args, '--database', address]);
      expect(stdout).toContain('u001b[2J');
      expect(stdout).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
      expect(code).toBe(0);
    }
  });
});

describe('what is not understood', () => {
  it.each([
    [['ls'], '--database is missing'],
    [['ls', 'a', 'b', '--database', 'x'], 'The command ls takes the name of one namespace'],
    [['scan', '--database', 'x'], 'The command scan takes the name of one namespace'],
    [['scan', 'n', '--limit', '0', '--database', 'x.sqlite'], '--limit must be a whole number'],
    [['get', 'n', '--database', 'x'], 'The command get takes the name of one namespace, and one key'],
    [['rm', 'n', '--database', 'x'], 'rm takes keys, or --prefix'],
    [
      ['import', 'f', '--if-absent', '--overwrite', '--database', 'x'],
      '--if-absent or --overwrite, not both',
    ],
    [['verify', '--database', 'x'], '--module is missing'],
    [['s3cret', '--database', 'x'], 'There is no such command'],
    [['stat'], "There is no command 'stat' (did you mean stats?). The commands are ls, "],
    [['frobnicate'], "There is no command 'frobnicate'. The commands are ls, "],
    [['ls', '--databse=s3cret'], 'There is an unknown option: ls has no option --databse.'],
    [['ls', '--vlaues'], 'ls has no option --vlaues (did you mean --values?)'],
    [['ls', '-z'], 'ls has no option -z.'],
    [['ls', '-s3cret'], 'There is an unknown option.'],
    [["a's3cret'"], 'There is no such command'],
  ])('%o ends with 2, and no more of it is repeated than a mistyped name', async (args, said) => {
    await fill(
      { address: join(folder, 'x.sqlite'), options: { type: 'sqlite', database: join(folder, 'x.sqlite') } },
      { n: [entry('k', '1')] },
    );
    const { code, stdout, stderr } = await run(args, { cwd: folder });
    expect(stderr).toMatch(/^INVALID_OPTION: .*--help\.\n$/);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain('s3cret');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('each command explains itself', async () => {
    for (const name of ['ls', 'get', 'scan', 'rm', 'stats', 'export', 'import', 'copy', 'verify']) {
      const { code, stdout } = await run([name, '--help']);
      expect(stdout).toMatch(new RegExp(`^Usage: nestjs-durable-cache ${name} `));
      expect(code).toBe(0);
    }
    const all = await run(['--help']);
    expect(all.stdout).toMatch(/Commands:[^]*ls [^]*journal [^]*Exit codes:/);
  });

  it.each(['postgres://u:s3cret@127.0.0.1:1/none', 'postgres:/u:s3cret@h/db', 'redis://u:s3cret@h/1'])(
    'credentials of %s are never printed',
    async (address) => {
      for (const args of [['ls'], ['stats'], ['export'], ['rm', 'n', 'k'], ['import', 'none.ndjson']]) {
        const ran = await run([...args, '--database', address], { cwd: folder });
        expect(ran.code).not.toBe(0);
        expect(ran.stderr).toMatch(/^[A-Z_]+: /);
        expect(ran.stdout + ran.stderr).not.toContain('s3cret');
      }
    },
  );

  it('a scheme of no database is refused in words that are not those of a copy', async () => {
    const { stderr } = await run(['ls', '--database', 'redis://h/1'], { cwd: folder });
    expect(stderr).toMatch(/^INVALID_OPTION: --database has a scheme .*\. Use postgres:\/\//);
    expect(stderr).not.toMatch(/cop(?:y|ied)/);
  });
});
