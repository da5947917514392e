import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { databaseKinds, entry, fill } from './support/databases.js';
import { run } from './support/run-command.js';

const folder = tempFolder();
const kinds = await databaseKinds();
const [sqlite] = kinds;
const PACKAGE = JSON.stringify(resolve('dist/src/index.js'));

const DEFINITIONS = `
  const a = defineNamespace({ name: 'a', key: numberKey(), value: json() });
  const pair = defineNamespace({ name: 'pairs', key: tupleKey(numberKey(), numberKey()), value: json() });
  const memory = defineNamespace({ name: 'memory', key: stringKey(), value: json(), persistence: CachePersistenceLevel.MEMORY_ONLY });`;
const NAMES = 'CachePersistenceLevel, defineNamespace, json, numberKey, stringKey, tupleKey';

const MODULES: readonly [name: string, file: string, text: string][] = [
  [
    'ES module',
    'definitions.mjs',
    `import { ${NAMES} } from ${PACKAGE};${DEFINITIONS}\nexport { a };\nexport default [pair, memory];`,
  ],
  [
    'CommonJS module',
    'definitions.cjs',
    `const { ${NAMES} } = require(${PACKAGE});${DEFINITIONS}\nmodule.exports = { a, all: [pair, a, memory], other: 5 };`,
  ],
  [
    'module that TypeScript has compiled',
    'compiled.cjs',
    `Object.defineProperty(exports, '__esModule', { value: true });\nconst { ${NAMES} } = require(${PACKAGE});${DEFINITIONS}\n` +
      'exports.a = a;\nexports.default = pair;\nexports.memory = memory;',
  ],
];
for (const [, file, text] of MODULES) writeFileSync(join(folder, file), text);
const [[, module]] = MODULES as [(typeof MODULES)[number]];

describe.each(kinds)('verify on $name', ({ newDatabase }) => {
  it('names rows that do not decode by their keys and reasons, never by their values', async () => {
    const database = await newDatabase();
    await fill(database, {
      a: [
        entry('1', '{"x":1}'),
        entry('2', '{"s3cret":'),
        entry('02', '1'),
        entry('x\u001B', '1'),
        entry('9', 's3cret', 1),
      ],
      pairs: [entry('1:2', '1'), entry('1', '1'), entry('7:8', 's3cret')],
      memory: [entry('k', 's3cret')],
      foreign: [entry('k', 's3cret'), entry('l', '1')],
    });
    const args = ['verify', '--module', module, '--database', database.address];
    const { code, stdout, stderr } = await run(args, { cwd: folder });
    expect(stdout).toBe(
      [
        "a: 4 rows, 3 can't be read",
        '  2 rows: no key of this namespace is stored so (02, x\\u001b)',
        '  1 row: the value does not decode (SyntaxError) (2)',
        'foreign: 2 rows, which nobody declares: no definition of the module has this name',
        'memory: 1 row, which nobody reads: it is declared MEMORY_ONLY',
        "pairs: 3 rows, 2 can't be read",
        '  1 row: no key of this namespace is stored so (1)',
        '  1 row: the value does not decode (SyntaxError) (7:8)',
        '',
      ].join('\n'),
    );
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    const json = await run([...args, '--json'], { cwd: folder });
    expect(
      json.stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      {
        namespace: 'a',
        rows: 4,
        isDeclared: true,
        isChecked: true,
        bad: [
          { reason: 'no key of this namespace is stored so', rows: 2, keys: ['02', 'x\u001B'] },
          { reason: 'the value does not decode (SyntaxError)', rows: 1, keys: ['2'] },
        ],
      },
      { namespace: 'foreign', rows: 2, isDeclared: false, isChecked: false, bad: [] },
      { namespace: 'memory', rows: 1, isDeclared: true, isChecked: false, bad: [] },
      expect.objectContaining({ namespace: 'pairs', rows: 3 }),
    ]);
    expect(stdout + json.stdout).not.toContain('s3cret');
  });

  it('ends with 0 where every row decodes', async () => {
    const database = await newDatabase();
    await fill(database, { a: [entry('1', '1')], pairs: [entry('1:2', '{}')] });
    expect(
      await run(['verify', '--module', module, '--database', database.address], { cwd: folder }),
    ).toEqual({
      code: 0,
      stdout: 'a: 1 row, all decode\npairs: 1 row, all decode\n',
      stderr: '',
    });
  });
});

describe('the module of definitions', () => {
  it.each(MODULES)('may be a %s, with the definitions alone or in arrays', async (_name, file) => {
    const database = await sqlite!.newDatabase();
    await fill(database, { a: [entry('1', '1')], pairs: [entry('1:2', '{}')] });
    const ran = await run(['verify', '--module', file, '--database', database.address], { cwd: folder });
    expect(ran).toEqual({ code: 0, stdout: 'a: 1 row, all decode\npairs: 1 row, all decode\n', stderr: '' });
  });

  it.each([
    ['none.mjs', undefined, /--module names a module that can't be loaded: .*Check the path/],
    ['empty.mjs', 'export const x = { name: "a" };', /exports no definition of a namespace/],
    ['throws.mjs', 'throw new Error("postgres://u:s3cret@h");', /can't be loaded: it throws Error/],
    [
      'twice.mjs',
      `import { ${NAMES} } from ${PACKAGE};${DEFINITIONS}\nexport const one = a;\nexport const two = defineNamespace({ name: 'a', key: stringKey(), value: json() });`,
      /exports two definitions of namespace 'a'/,
    ],
  ])('is refused where it is of no use: %s', async (file, text, said) => {
    if (text !== undefined) writeFileSync(join(folder, file), text);
    const database = await sqlite!.newDatabase();
    const { code, stderr } = await run(['verify', '--module', file, '--database', database.address], {
      cwd: folder,
    });
    expect(stderr).toMatch(/^INVALID_OPTION: --module /);
    expect(stderr).toMatch(said);
    expect(stderr).not.toContain('s3cret');
    expect(code).toBe(1);
  });
});

describe('the end of the process', () => {
  // As an application that serves does.
  const RUNNING = 'setInterval(() => undefined, 1000);';

  it('comes with the end of the work, whatever the module of definitions has left running', async () => {
    const database = await sqlite!.newDatabase();
    await fill(database, { a: [entry('1', '1')] });
    const file = join(folder, 'running.mjs');
    writeFileSync(
      file,
      `import { ${NAMES} } from ${PACKAGE};${DEFINITIONS}\nexport const all = [a];\n${RUNNING}`,
    );
    const ran = await run(['verify', '--module', file, '--database', database.address]);
    expect(ran).toEqual({ code: 0, stdout: 'a: 1 row, all decode\n', stderr: '' });
    const failed = await run(['verify', '--module', file, '--database', join(folder, 'none.sqlite')]);
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringMatching(/^INVALID_OPTION/) as string });
  });

  it('comes when all is printed, beside a module of the database that runs on', async () => {
    const { address: database } = await sqlite!.newDatabase();
    const rows = Array.from({ length: 2000 }, (_, i) => entry(`${i}`, JSON.stringify('x'.repeat(1000))));
    await fill({ address: database, options: { type: 'sqlite', database } }, { a: rows });
    const file = join(folder, 'running-database.mjs');
    writeFileSync(file, `export default ${JSON.stringify({ type: 'sqlite', database })};\n${RUNNING}`);
    const { code, stdout } = await run(['export', '--database', file]);
    expect(stdout.length).toBeGreaterThan(2_000_000);
    expect(stdout.slice(stdout.lastIndexOf('\n', stdout.length - 2) + 1)).toBe('{"rows":2000}\n');
    expect(code).toBe(0);
  });
});
