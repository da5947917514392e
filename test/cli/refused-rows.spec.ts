import { join } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';
import { runCopy } from './support/copy-command.js';
import { copyAll, LOOSE_TABLE, run, withStorage } from './support/raw-table.js';

const folder = tempFolder();
const postgres = await postgresServer();
const mariadb = await mariadbServer();

let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.sqlite`);

interface Target {
  readonly name: string;
  readonly isMissing?: boolean;
  readonly create: () => Promise<DataSourceOptions>;
}

const TARGETS: readonly Target[] = [
  { name: 'sqlite', create: async () => ({ type: 'sqlite', database: newFile() }) },
  { name: 'better-sqlite3', create: async () => ({ type: 'better-sqlite3', database: newFile() }) },
  {
    name: 'PostgreSQL',
    isMissing: postgres === undefined,
    create: async () => ({ type: 'postgres', url: (await postgres?.newDatabase()) ?? '' }),
  },
  {
    name: 'MariaDB',
    isMissing: mariadb === undefined,
    create: async () => ({ type: 'mariadb', url: (await mariadb?.newDatabase()) ?? '' }),
  },
];

/** As an expression of SQLite, what is wrong with the row, and what is said of it. */
const BAD_ROWS: readonly (readonly [
  what: string,
  key: string,
  value: string,
  expiry: string,
  reason: RegExp,
])[] = [
  ['a key that is NULL', 'NULL', `'1'`, 'NULL', /the key is no text/],
  ['a key that is a number', '7', `'1'`, 'NULL', /the key is no text/],
  ['a key that is bytes', `X'00FF'`, `'1'`, 'NULL', /the key is no text/],
  ['a key that is not UTF-8', `CAST(X'6DFF' AS TEXT)`, `'1'`, 'NULL', /the key is not UTF-8/],
  ['a value that is bytes', `'k'`, `X'7B7D'`, 'NULL', /the value is bytes/],
  ['a value that is NULL', `'k'`, 'NULL', 'NULL', /the value is no text/],
  ['a value that is a number', `'k'`, '5', 'NULL', /the value is no text/],
  ['a value that is not UTF-8', `'k'`, `CAST(X'22FFFE22' AS TEXT)`, 'NULL', /the value is not UTF-8/],
  ['an expiry that is a word', `'k'`, `'1'`, `'soon'`, /the expiry is no whole number/],
  ['an expiry that is bytes', `'k'`, `'1'`, `X'39'`, /the expiry is no whole number/],
  ['an expiry with a fraction', `'k'`, `'1'`, '9999999999999.5', /the expiry is no whole number/],
];

describe.each(['sqlite', 'better-sqlite3'] as const)('a copy from a loose table, read by %s', (type) => {
  describe.each(TARGETS)('to $name', ({ create, isMissing }) => {
    it.skipIf(isMissing)('names each row that no table could hold, and brings all others', async () => {
      const from = { type, database: newFile() };
      await run(
        from,
        LOOSE_TABLE,
        ...BAD_ROWS.map(
          ([, key, value, expiry], i) =>
            `INSERT INTO cache_storage (namespace, "key", value, updated_at, expires_at) VALUES ('bad ${i}', ${key}, ${value}, NULL, ${expiry}), ('bad ${i}', 'good', '"good"', NULL, NULL)`,
        ),
      );
      const to = await create();
      const copies = await copyAll(from, to);
      for (const [i, [what, , , , reason]] of BAD_ROWS.entries()) {
        const copy = copies.find(({ namespace }) => namespace === `bad ${i}`);
        expect(copy, what).toMatchObject({ rows: 2, copied: 1, refusedByTarget: 0 });
        expect(copy?.refused, what).toMatchObject([
          { count: 1, reason: expect.stringMatching(reason) as string },
        ]);
      }
      await withStorage(to, async (target) => {
        for (const i of BAD_ROWS.keys())
          expect(await target.read(`bad ${i}`, ['good', 'k', '7'])).toEqual([
            { key: 'good', value: '"good"', expiresAt: null, stamp: 0 },
          ]);
      });
      // Again: nothing is copied twice, and what was refused is refused again.
      expect(await copyAll(from, to)).toMatchObject(
        BAD_ROWS.map(() => ({ copied: 0, unchanged: 1, refused: [{ count: 1 }] })),
      );
    });

    it.skipIf(isMissing)('brings bytes that can be held exactly as they are', async () => {
      const from = { type, database: newFile() };
      const values = [
        '',
        '\uFFFD',
        'a\uFFFDb',
        '\uFEFF"x"',
        '😀',
        '\\u0000',
        'it\'s " \\ \n\r\t\u2028',
        '{"type":"Buffer","data":[1]}',
      ];
      await withStorage(from, (storage) =>
        writeChanges(
          storage,
          [
            {
              namespace: 'exact',
              puts: values.map((value, i) => ({
                key: `k\uFFFD${i}`,
                value,
                expiresAt: 9_007_199_254_740_991 - i,
              })),
            },
          ],
          1,
        ),
      );
      const to = await create();
      expect(await copyAll(from, to)).toMatchObject([
        { rows: values.length, copied: values.length, refused: [] },
      ]);
      await withStorage(to, async (target) => {
        for (const [i, value] of values.entries())
          expect(await target.read('exact', [`k\uFFFD${i}`])).toEqual([
            { key: `k\uFFFD${i}`, value, expiresAt: 9_007_199_254_740_991 - i, stamp: 0 },
          ]);
      });
    });
  });

  it('names rows of one key, which only one of could be copied', async () => {
    const from = { type, database: newFile() };
    await run(
      from,
      LOOSE_TABLE,
      `INSERT INTO cache_storage (namespace, "key", value) VALUES ('n', 'a', '1'), ('n', 'twice', '1'), ('n', 'twice', '2'), ('n', 'z', '1')`,
    );
    expect(await copyAll(from, { type, database: newFile() })).toMatchObject([
      {
        rows: 4,
        copied: 2,
        refused: [{ count: 2, reason: expect.stringContaining('same key') as string, keys: ['twice'] }],
      },
    ]);
  });

  it('brings texts of a file that keeps them as UTF-16', async () => {
    for (const encoding of ['UTF-16le', 'UTF-16be']) {
      const from = { type, database: newFile() };
      await run(
        from,
        `PRAGMA encoding = '${encoding}'`,
        LOOSE_TABLE,
        `INSERT INTO cache_storage (namespace, "key", value) VALUES ('n', 'é\uFFFD', '"\uFFFD😀"'), ('n', 'z', '1')`,
      );
      const to = { type, database: newFile() };
      expect(await copyAll(from, to)).toMatchObject([{ rows: 2, copied: 2, refused: [] }]);
      const rows = await withStorage(to, (target) => target.read('n', ['é\uFFFD']));
      expect(rows).toEqual([{ key: 'é\uFFFD', value: '"\uFFFD😀"', expiresAt: null, stamp: 0 }]);
    }
  });
});

/** What a server does not take, of what SQLite holds. */
const NOT_FOR_SERVERS: readonly (readonly [what: string, key: string, value: string])[] = [
  ['a NUL in the value', 'nul in value', '"a\0b"'],
  ['a NUL in the key', 'nul\0in key', '1'],
  ['a key that is too long', 'x'.repeat(4000), '1'],
];

describe.skipIf(postgres === undefined || mariadb === undefined)('a copy to a server', () => {
  it.each([
    [
      'PostgreSQL',
      async (): Promise<DataSourceOptions> => ({
        type: 'postgres',
        url: (await postgres?.newDatabase()) ?? '',
      }),
      3,
    ],
    // Its texts and keys may hold a NUL.
    [
      'MariaDB',
      async (): Promise<DataSourceOptions> => ({
        type: 'mariadb',
        url: (await mariadb?.newDatabase()) ?? '',
      }),
      1,
    ],
  ])('names what %s refuses, and brings the rows around it', async (_name, create, refused) => {
    const from: DataSourceOptions = { type: 'sqlite', database: newFile() };
    const good = Array.from({ length: 200 }, (_, i) => ({
      key: `good ${i}`,
      value: `${i}`,
      expiresAt: null,
    }));
    const bad = NOT_FOR_SERVERS.map(([, key, value]) => ({ key, value, expiresAt: null }));
    // Random, so that the database can't make it shorter.
    bad[2] = {
      key: Array.from({ length: 4000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000))).join(
        '',
      ),
      value: '1',
      expiresAt: null,
    };
    await withStorage(from, (storage) =>
      writeChanges(storage, [{ namespace: 'n', puts: [...good, ...bad] }], 1),
    );
    const to = await create();
    const [copy] = await copyAll(from, to);
    expect(copy).toMatchObject({ rows: 203, copied: 203 - refused, refusedByTarget: refused });
    for (const { reason } of copy?.refused ?? []) expect(reason).toMatch(/^the target refuses it: ./);
    await withStorage(to, async (target) => {
      expect(await target.count('n', 1)).toBe(203 - refused);
      const exact = await target.read(
        'n',
        bad.map(({ key }) => key).filter((key) => !key.includes('\0')),
      );
      for (const { stamp, ...row } of exact) {
        expect(stamp).toBe(0);
        expect(bad).toContainEqual(row);
      }
    });
    expect(await copyAll(from, to)).toMatchObject([
      { copied: 0, unchanged: 203 - refused, refusedByTarget: refused },
    ]);
  });

  it.each<[string, () => Promise<DataSourceOptions>, string[]]>([
    [
      'PostgreSQL, by a constraint',
      async () => ({ type: 'postgres', url: (await postgres?.newDatabase()) ?? '' }),
      [`ALTER TABLE cache_storage ADD CHECK (namespace <> 'n' OR value = '99')`],
    ],
    [
      'PostgreSQL, by a trigger',
      async () => ({ type: 'postgres', url: (await postgres?.newDatabase()) ?? '' }),
      [
        `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.namespace = 'n' AND NEW.value <> '99' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$`,
        'CREATE TRIGGER refuse BEFORE INSERT ON cache_storage FOR EACH ROW EXECUTE FUNCTION refuse()',
      ],
    ],
    [
      'MariaDB, by a trigger',
      async () => ({ type: 'mariadb', url: (await mariadb?.newDatabase()) ?? '' }),
      [
        `CREATE TRIGGER refuse BEFORE INSERT ON cache_storage FOR EACH ROW IF NEW.namespace = 'n' AND NEW.value <> '99' THEN SIGNAL SQLSTATE '45000'; END IF`,
      ],
    ],
    [
      'SQLite, by a trigger',
      async () => ({ type: 'sqlite', database: newFile() }),
      [
        `CREATE TRIGGER refuse BEFORE INSERT ON cache_storage WHEN NEW.namespace = 'n' AND NEW.value <> '99' BEGIN SELECT RAISE(ABORT, 'not this one'); END`,
      ],
    ],
  ])('names each row that %s, is refused, though all but one are', async (_name, create, rules) => {
    const from: DataSourceOptions = { type: 'sqlite', database: newFile() };
    const to = await create();
    const puts = Array.from({ length: 100 }, (_, i) => ({ key: `k${i}`, value: `${i}`, expiresAt: null }));
    await withStorage(from, (storage) => writeChanges(storage, [{ namespace: 'n', puts }], 1));
    await withStorage(to, async () => undefined);
    await run(to, ...rules);
    expect(await copyAll(from, to)).toMatchObject([
      { rows: 100, copied: 1, refusedByTarget: 99, refused: [{ count: 99, keys: ['k0', 'k1', 'k10'] }] },
    ]);
  });
});

describe('bytes that are not UTF-8 in a server', () => {
  it.skipIf(postgres === undefined)('are named: PostgreSQL, in a database that takes any', async () => {
    const url = new URL((await postgres?.newDatabase()) ?? '');
    const database = url.pathname.slice(1);
    await postgres?.run(`DROP DATABASE ${database}`);
    await postgres?.run(
      `CREATE DATABASE ${database} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    );
    const from: DataSourceOptions = { type: 'postgres', url: url.href };
    await withStorage(from, async () => undefined);
    await run(
      from,
      `INSERT INTO cache_storage (namespace, key, value) VALUES ('n', 'a', '"\uFFFD"'), ('n', E'k\\xff', '1'), ('n', 'v', E'"\\xff"'), (E'n\\xff', 'a', '1')`,
    );
    await expectBadBytes(from);
  });

  it.skipIf(mariadb === undefined)('are named: MariaDB, whose keys are bytes', async () => {
    const from: DataSourceOptions = { type: 'mariadb', url: (await mariadb?.newDatabase()) ?? '' };
    await withStorage(from, async () => undefined);
    await run(
      from,
      `INSERT INTO cache_storage (namespace, \`key\`, value) VALUES ('n', 'a', '"\uFFFD"'), ('n', X'6BFF', '1'), (X'6EFF', 'a', '1')`,
    );
    await expectBadBytes(from, []);
  });

  const OF_VALUES = [{ reason: 'the value is not UTF-8', count: 1, keys: ['v'] }];

  async function expectBadBytes(from: DataSourceOptions, ofValues = OF_VALUES): Promise<void> {
    const to = { type: 'sqlite', database: newFile() } as const;
    expect(await copyAll(from, to)).toMatchObject([
      {
        namespace: 'n',
        copied: 1,
        refused: [{ reason: 'the key is not UTF-8', count: 1, keys: ["X'6BFF'"] }, ...ofValues],
      },
    ]);
    expect(await run(to, 'SELECT "key", value FROM cache_storage')).toEqual([
      { key: 'a', value: '"\uFFFD"' },
    ]);
    expect(await withStorage(from, (storage) => storage.strayRows(), true)).toEqual([
      { reason: 'the namespace is no text', count: 1, keys: ["X'6EFF'"] },
    ]);
  }
});

describe('an expiry that is stored as text', () => {
  it('is the number that it says, and counts as past when it is', async () => {
    const from = { type: 'sqlite', database: newFile() } as const;
    await run(
      from,
      LOOSE_TABLE,
      `INSERT INTO cache_storage (namespace, "key", value, updated_at, expires_at) VALUES ('n', 'past', '1', NULL, '1000'), ('n', 'future', '1', NULL, '9999999999999')`,
    );
    const to = { type: 'sqlite', database: newFile() } as const;
    expect(await copyAll(from, to)).toMatchObject([{ rows: 1, copied: 1, refused: [] }]);
    expect(await run(to, 'SELECT "key", expires_at FROM cache_storage')).toEqual([
      { key: 'future', expires_at: 9_999_999_999_999 },
    ]);
  });
});

describe('the command', () => {
  it('names rows that are in no namespace, if there are no others', async () => {
    const from = { type: 'sqlite', database: newFile() } as const;
    await run(
      from,
      LOOSE_TABLE,
      `INSERT INTO cache_storage (namespace, "key", value, updated_at, expires_at) VALUES (NULL, 'a', '1', NULL, NULL), (X'61', 'b', '1', NULL, NULL)`,
    );
    const { code, output } = await runCopy(folder, from.database, newFile());
    expect(output).toContain('in no namespace:\n  1 row: the namespace is no text (NULL)\n');
    expect(output).toContain("  1 row: the namespace is no text (X'61')\n");
    expect(code).toBe(3);
  });

  it('ends with 3 after an incomplete copy, and names the first keys of each reason', async () => {
    const from = { type: 'sqlite', database: newFile() } as const;
    await run(
      from,
      LOOSE_TABLE,
      `INSERT INTO cache_storage (namespace, "key", value) VALUES ('n', 'a', '1'), ('n', 'b1', X'00'), ('n', 'b2', X'00'), ('n', 'b3', X'00'), ('n', 'b4', X'00'), ('n', 'c', CAST(X'FF' AS TEXT)), (NULL, 'd', '1')`,
    );
    const to = newFile();
    for (const options of [['--dry-run'], []]) {
      const { code, output } = await runCopy(folder, from.database, to, ...options);
      expect(output).toMatch(/^n: 1 of 6 rows (?:to copy|copied), 5 refused$/m);
      expect(output).toContain('  4 rows: the value is bytes (BLOB), not text (b1, b2, b3, …)\n');
      expect(output).toContain('  1 row: the value is not UTF-8 (c)\n');
      expect(output).toContain('in no namespace:\n  1 row: the namespace is no text (NULL)\n');
      expect(output).toContain("The copy is incomplete: 6 rows can't be copied. They are named above.\n");
      expect(code).toBe(3);
    }
    expect(await run({ type: 'sqlite', database: to }, 'SELECT "key" FROM cache_storage')).toEqual([
      { key: 'a' },
    ]);
  });
});
