import { join } from 'node:path';
import { promisify } from 'node:util';
import sqlite3 from 'sqlite3';
import { describe, expect, it } from 'vitest';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import {
  expectKept,
  expectMended,
  named,
  refusalOf,
  remedyIn,
  type ForeignTable,
} from '../support/foreign-tables.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
let files = 0;

const OLD = `INSERT INTO cache_storage (namespace, key, value) VALUES ('names', 'old', '"kept"')`;
const table = (columns: string, options = ''): readonly string[] => [
  `CREATE TABLE cache_storage (${columns}) ${options}`,
  OLD,
];
const KEY = 'PRIMARY KEY (namespace, key)';
const UPDATED_AT = 'updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP';

/** What an application of any kind may have made of it, the bot's Python version among them. */
const GOOD: readonly ForeignTable[] = [
  {
    name: 'as the bot’s Python version makes it',
    seed: table(`namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, ${UPDATED_AT}, ${KEY}`),
  },
  {
    name: 'without row numbers',
    seed: table(`namespace TEXT, key TEXT, value TEXT, ${UPDATED_AT}, ${KEY}`, 'WITHOUT ROWID'),
  },
  { name: 'strict', seed: table(`namespace TEXT, key TEXT, value ANY, updated_at TEXT, ${KEY}`, 'STRICT') },
  {
    name: 'strict and without row numbers',
    seed: table(`namespace TEXT, key ANY, value TEXT, ${KEY}`, 'STRICT, WITHOUT ROWID'),
  },
  {
    name: 'of VARCHARs',
    seed: table(`namespace VARCHAR(9), key VARCHAR(9), value VARCHAR(9), updated_at DATETIME, ${KEY}`),
  },
  { name: 'without types', seed: table(`namespace, key, value, updated_at, ${KEY}`) },
  { name: 'of BLOBs', seed: table(`namespace BLOB, key BLOB, value BLOB, updated_at INTEGER, ${KEY}`) },
  {
    name: 'with a unique index',
    seed: [
      ...table(`namespace TEXT, key TEXT, value TEXT, ${UPDATED_AT}`),
      'CREATE UNIQUE INDEX k ON cache_storage (key, namespace)',
    ],
  },
  {
    name: 'with a number for each row',
    seed: table(
      `id INTEGER PRIMARY KEY AUTOINCREMENT, namespace TEXT, key TEXT, value TEXT, UNIQUE (namespace, key)`,
    ),
  },
  {
    name: 'with columns that nobody has to fill in',
    seed: table(
      `namespace TEXT, key TEXT, value TEXT, note TEXT UNIQUE, hits INTEGER NOT NULL DEFAULT 0, size AS (length(value)), ${KEY}`,
    ),
  },
  {
    name: 'that ignores conflicts',
    seed: table(`namespace TEXT, key TEXT, value TEXT, ${KEY} ON CONFLICT IGNORE`),
  },
  {
    name: 'with a unique key on more than the key',
    seed: table(`namespace TEXT, key TEXT, value TEXT, note TEXT, ${KEY}, UNIQUE (namespace, key, note)`),
  },
  {
    name: 'whose primary key is made by an expression',
    seed: table(
      `id TEXT NOT NULL PRIMARY KEY DEFAULT (upper(hex(randomblob(8)))), namespace TEXT, key TEXT, value TEXT, UNIQUE (namespace, key)`,
    ),
  },
  ...['CACHE_STORAGE', 'Cache_Storage'].map((name) => ({
    name: `of the name ${name}`,
    seed: [`CREATE TABLE ${name} (namespace TEXT, key TEXT, value TEXT, ${UPDATED_AT}, ${KEY})`, OLD],
  })),
  {
    name: 'whose trigger notes what was written',
    seed: [
      ...table(`namespace TEXT, key TEXT, value TEXT, ${KEY}`),
      'CREATE TABLE notes (key TEXT)',
      'CREATE TRIGGER note AFTER INSERT ON cache_storage BEGIN INSERT INTO notes VALUES (NEW.key); END',
    ],
  },
  {
    name: 'unique by a hash of the key',
    seed: [
      ...table(`namespace TEXT, key TEXT, value TEXT, ${KEY}`),
      'CREATE UNIQUE INDEX k ON cache_storage (namespace, hex(key))',
    ],
  },
  {
    name: 'that takes nothing but JSON',
    seed: table(`namespace TEXT, key TEXT, value TEXT CHECK (json_valid(value)), ${KEY}`),
  },
  // Mended by the migration.
  { name: 'without a time', seed: table(`namespace TEXT, key TEXT, value TEXT, ${KEY}`) },
  { name: 'without any key', seed: table(`namespace TEXT, key TEXT, value TEXT, ${UPDATED_AT}`) },
  {
    name: 'with a key for some rows only',
    seed: [
      ...table('namespace TEXT, key TEXT, value TEXT'),
      `CREATE UNIQUE INDEX k ON cache_storage (namespace, key) WHERE namespace = 'other'`,
    ],
  },
  {
    name: 'with rows that have no key',
    unreadable: 2,
    seed: [
      ...table('namespace TEXT, key TEXT, value TEXT'),
      "INSERT INTO cache_storage VALUES ('names', NULL, '1'), ('names', NULL, '1')",
    ],
  },
  {
    name: 'with an expiry already',
    seed: table(`namespace TEXT, key TEXT, value TEXT, expires_at INTEGER, ${KEY}`),
  },
];

const BAD: readonly ForeignTable[] = [
  {
    name: 'that the app made itself, without migrations,',
    seed: table(
      `namespace TEXT, key TEXT COLLATE NOCASE, value TEXT, expires_at bigint, version bigint NOT NULL DEFAULT 0, ${KEY}`,
    ),
    migrationsRun: false,
    refused: /no column updated_at; .*collation of its column key/,
  },
  {
    name: 'that takes capitals for small letters',
    seed: table(`namespace TEXT, key TEXT COLLATE NOCASE, value TEXT, ${UPDATED_AT}, ${KEY}`),
    refused: /collation of its column key/,
  },
  {
    name: 'that takes namespaces in capitals for others',
    seed: table(`namespace TEXT COLLATE NOCASE, key TEXT, value TEXT, ${KEY}`, 'WITHOUT ROWID'),
    refused: /collation of its column namespace/,
  },
  {
    name: 'that ignores blanks',
    seed: table(`namespace TEXT, key TEXT COLLATE RTRIM, value TEXT, ${KEY}`),
    refused: /collation of its column key/,
  },
  {
    name: 'whose key alone ignores capitals',
    seed: table('namespace TEXT, key TEXT, value TEXT, PRIMARY KEY (namespace, key COLLATE NOCASE)'),
    refused: /unique key sqlite_autoindex_cache_storage_1 on \(namespace, key\)/,
  },
  {
    name: 'with a second key that ignores capitals',
    seed: [
      ...table(`namespace TEXT, key TEXT, value TEXT, ${KEY}`),
      'CREATE UNIQUE INDEX k ON cache_storage (namespace, key COLLATE NOCASE)',
    ],
    refused: /unique key k on/,
  },
  {
    name: 'whose keys are a STRING, which is a number',
    seed: table(`namespace TEXT, key STRING, value TEXT, ${UPDATED_AT}, ${KEY}`),
    refused: /column key is of type STRING/,
  },
  {
    name: 'whose keys are numbers',
    seed: table(`namespace TEXT, key INTEGER, value TEXT, ${KEY}`),
    refused: /column key is of type INTEGER/,
  },
  {
    name: 'whose keys are REAL',
    seed: table(`namespace TEXT, key REAL, value TEXT, ${KEY}`),
    refused: /column key is of type REAL/,
  },
  {
    name: 'whose namespaces are a STRING',
    seed: table(`namespace STRING, key TEXT, value TEXT, ${KEY}`),
    refused: /column namespace is of type STRING/,
  },
  {
    name: 'whose values are JSON',
    seed: table(`namespace TEXT, key TEXT, value JSON, ${UPDATED_AT}, ${KEY}`),
    refused: /column value is of type JSON/,
  },
  {
    name: 'of ANY',
    seed: table(`namespace TEXT, key ANY, value TEXT, ${KEY}`),
    refused: /column key is of type ANY/,
  },
  {
    name: 'strict, of bytes',
    seed: [`CREATE TABLE cache_storage (namespace TEXT, key TEXT, value BLOB, ${KEY}) STRICT`],
    keepsOld: false,
    refused: /column value is of type BLOB/,
  },
  {
    name: 'strict, with a time that is a number',
    seed: table(`namespace TEXT, key TEXT, value TEXT, updated_at INTEGER, ${KEY}`, 'STRICT'),
    refused: /column updated_at is of type INTEGER/,
  },
  {
    name: 'whose expiry is a text',
    seed: table(`namespace TEXT, key TEXT, value TEXT, expires_at TEXT, ${KEY}`),
    refused: /column expires_at is of type TEXT/,
  },
  {
    name: 'whose rows have to expire',
    seed: table(
      `namespace TEXT, key TEXT, value TEXT, expires_at INTEGER NOT NULL DEFAULT 9999999999999, ${KEY}`,
    ),
    refused: /column expires_at refuses NULL/,
  },
  ...[
    ['a text', 'version TEXT'],
    ['NULL', 'version INTEGER DEFAULT 0'],
    ['another number', 'version INTEGER NOT NULL DEFAULT 1'],
  ].map(([what = '', column = '']) => ({
    name: `whose stamp may be ${what}`,
    seed: table(`namespace TEXT, key TEXT, value TEXT, ${column}, ${KEY}`),
    refused: /column version is (?:of type TEXT|not NOT NULL with the default 0)/,
  })),
  {
    name: 'that changes stamps as others count versions',
    seed: [
      ...table(`namespace TEXT, key TEXT, value TEXT, version INTEGER NOT NULL DEFAULT 0, ${KEY}`),
      'CREATE TRIGGER counts AFTER UPDATE ON cache_storage BEGIN UPDATE cache_storage SET version = OLD.version + 1 WHERE namespace = NEW.namespace AND key = NEW.key; END',
    ],
    refused: /trigger counts changes or drops rows/,
  },
  {
    name: 'unique by stamp',
    seed: table(`namespace TEXT, key TEXT, value TEXT, version INTEGER NOT NULL DEFAULT 0 UNIQUE, ${KEY}`),
    refused: /on \(version\) takes rows for the same/,
  },
  {
    name: 'that the app made, without a stamp,',
    migrationsRun: false,
    seed: table(
      `namespace TEXT, key TEXT, value TEXT, ${UPDATED_AT}, expires_at bigint, version INT, ${KEY}`,
    ),
    refused: /column version is not NOT NULL/,
  },
  {
    name: 'unique by key alone',
    seed: table('namespace TEXT, key TEXT PRIMARY KEY, value TEXT'),
    refused: /on \(key\) takes rows for the same/,
  },
  {
    name: 'unique by value too',
    seed: table(`namespace TEXT, key TEXT, value TEXT UNIQUE, ${KEY}`),
    refused: /on \(value\) takes rows for the same/,
  },
  {
    name: 'unique by a column that is always the same',
    seed: table(`namespace TEXT, key TEXT, value TEXT, tenant INTEGER NOT NULL DEFAULT -1 UNIQUE, ${KEY}`),
    refused: /on \(tenant\) takes rows for the same/,
  },
  {
    name: 'with a column that a trigger can only look at',
    seed: [
      'CREATE TABLE cache_storage (namespace TEXT, key TEXT, value TEXT, owner TEXT NOT NULL, PRIMARY KEY (namespace, key))',
      'CREATE TRIGGER looks BEFORE INSERT ON cache_storage BEGIN SELECT NEW.owner; END',
      `INSERT INTO cache_storage VALUES ('names', 'old', '"kept"', 'me')`,
    ],
    refused: /column owner, .* has to be filled in/,
  },
  {
    name: 'with a column that has to be filled in',
    seed: [
      'CREATE TABLE cache_storage (namespace TEXT, key TEXT, value TEXT, owner TEXT NOT NULL, PRIMARY KEY (namespace, key))',
      `INSERT INTO cache_storage VALUES ('names', 'old', '"kept"', 'me')`,
    ],
    refused: /column owner, which the cache does not know, has to be filled in/,
  },
  {
    name: 'whose primary key has to be filled in',
    seed: [
      `CREATE TABLE cache_storage (id TEXT PRIMARY KEY, namespace TEXT, key TEXT, value TEXT, UNIQUE (namespace, key)) WITHOUT ROWID`,
      `INSERT INTO cache_storage VALUES ('1', 'names', 'old', '"kept"')`,
    ],
    refused: /column id, .* has to be filled in/,
  },
  {
    name: 'that computes its keys',
    seed: [
      `CREATE TABLE cache_storage (namespace TEXT, id TEXT, key TEXT AS (id), value TEXT, UNIQUE (namespace, key))`,
      `INSERT INTO cache_storage (namespace, id, value) VALUES ('names', 'old', '"kept"')`,
    ],
    refused: /computes its column key/,
  },
  {
    name: 'whose columns are written otherwise',
    seed: [
      'CREATE TABLE cache_storage (namespace TEXT, Key TEXT, value TEXT, PRIMARY KEY (namespace, Key))',
      OLD,
    ],
    refused: /column key is written Key\./,
  },
  ...['UPDATED_AT', 'EXPIRES_AT'].map((name) => ({
    name: `that has its ${name} in capitals`,
    seed: table(`namespace TEXT, key TEXT, value TEXT, ${name} bigint, ${KEY}`),
    refused: new RegExp(`column ${name.toLowerCase()} is written ${name}`),
  })),
  {
    name: 'that the app made, all of it in capitals',
    migrationsRun: false,
    seed: table(
      'NAMESPACE TEXT, KEY TEXT, VALUE TEXT, UPDATED_AT TEXT, EXPIRES_AT INTEGER, VERSION INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (NAMESPACE, KEY)',
    ),
    refused: /key is written KEY; .*expires_at is written EXPIRES_AT/,
  },
  ...['', ' ON CONFLICT REPLACE', ' ON CONFLICT IGNORE'].map((otherwise) => ({
    name: `unique by what is computed of a key${otherwise}`,
    seed: table(
      `namespace TEXT, key TEXT, value TEXT, small TEXT AS (lower(key)), ${KEY}, UNIQUE (namespace, small)${otherwise}`,
    ),
    refused: /on \(namespace, small\) takes rows for the same/,
  })),
  {
    name: 'unique by what becomes of a key',
    seed: [
      ...table(`namespace TEXT, key TEXT, value TEXT, ${KEY}`),
      'CREATE UNIQUE INDEX "k""x" ON cache_storage (namespace, lower(key))',
    ],
    refused: /unique key k"x on \(namespace, an expression\)/,
  },
  ...['DELETE', 'UPDATE', 'INSERT'].map((event) => ({
    name: `whose trigger ignores each ${event}`,
    seed: [
      ...table(`namespace TEXT, key TEXT, value TEXT, ${KEY}`),
      `CREATE TRIGGER "t""x" BEFORE ${event} ON cache_storage BEGIN SELECT RAISE(IGNORE); END`,
    ],
    refused: /its trigger t"x changes or drops rows/,
  })),
  {
    name: 'whose trigger changes what is written',
    seed: [
      ...table(`namespace TEXT, key TEXT, value TEXT, ${KEY}`),
      'CREATE TRIGGER t AFTER INSERT ON cache_storage BEGIN UPDATE cache_storage SET value = lower(value) WHERE rowid = NEW.rowid; END',
    ],
    refused: /its trigger t changes or drops rows/,
  },
  {
    name: 'whose trigger asks for a table that is gone',
    seed: [
      ...table(`namespace TEXT, key TEXT, value TEXT, ${KEY}`),
      'CREATE TRIGGER t AFTER INSERT ON cache_storage BEGIN INSERT INTO gone VALUES (1); END',
    ],
    refused: /its trigger t refuses rows/,
  },
  {
    name: 'that answers a conflict with the end of the transaction',
    seed: table(`namespace TEXT, key TEXT, value TEXT, tag TEXT UNIQUE ON CONFLICT ROLLBACK, ${KEY}`),
    refused: /one of its constraints ends transactions that others began/,
  },
  {
    name: 'whose trigger ends the transaction',
    seed: [
      ...table(`namespace TEXT, key TEXT, value TEXT, ${KEY}`),
      "CREATE TRIGGER t BEFORE INSERT ON cache_storage WHEN NEW.key = 'x' BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
    ],
    refused: /its trigger t ends transactions that others began/,
  },
  {
    name: 'that refuses long keys',
    seed: table(`namespace TEXT, key TEXT, value TEXT, ${KEY}, CHECK (length(key) < 100)`),
    refused: /its check constraint refuses rows/,
  },
  {
    name: 'whose namespaces another table has to know',
    seed: [
      'CREATE TABLE spaces (name TEXT PRIMARY KEY)',
      "INSERT INTO spaces VALUES ('names')",
      ...table(
        `namespace TEXT REFERENCES spaces (name) DEFERRABLE INITIALLY DEFERRED, key TEXT, value TEXT, ${KEY}`,
      ),
    ],
    refused: /its foreign key on namespace takes only what another table has/,
  },
  {
    name: 'of another kind',
    seed: ['CREATE TABLE cache_storage (id INTEGER PRIMARY KEY, size INTEGER)'],
    keepsOld: false,
    refused: /no column namespace; it has no column key; it has no column value/,
  },
  {
    name: 'that is a view',
    seed: [
      'CREATE TABLE t (namespace TEXT, key TEXT, value TEXT)',
      'CREATE VIEW cache_storage AS SELECT * FROM t',
    ],
    keepsOld: false,
    refused: /no table but a view/,
  },
  {
    name: 'with several rows of one key',
    seed: [
      ...table('namespace TEXT, key TEXT, value TEXT, updated_at TEXT'),
      `INSERT INTO cache_storage VALUES ('names', 'twice', '"new"', '2026-01-02'), ('names', 'twice', '"old"', '2026-01-01')`,
    ],
    refused: /no unique key on exactly \(namespace, key\); there are several rows of \["names","twice"\]/,
  },
];

describe.each(['sqlite', 'better-sqlite3'] as const)('a table of others in a SQLite file, by %s', (type) => {
  const newFile = async (seed: readonly string[]): Promise<{ type: typeof type; database: string }> => {
    const database = join(folder, `${(files += 1)}.sqlite`);
    await execute(database, seed.join(';'));
    return { type, database };
  };

  it.each(named(GOOD))('%s keeps what was acknowledged', async (_name, { seed, ...rest }) => {
    await expectKept(await newFile(seed), rest);
  });

  it.each(named(BAD))('%s is refused and left alone until its remedy is run', async (_name, foreign) => {
    const storage = await newFile(foreign.seed);
    await expectMended(storage, foreign, {
      run: (sql) => execute(storage.database, sql),
      dump: () => dump(storage.database),
    });
  });
});

describe.each(['sqlite', 'better-sqlite3'] as const)('a start on a table that is in order, by %s', (type) => {
  it('writes nothing to it, and waits for nobody who does', async () => {
    const database = join(folder, `${(files += 1)}.sqlite`);
    const storage = { type, database } as const;
    await expectKept(storage, { keepsOld: false });
    const openOnce = async (): Promise<void> => {
      const opened = new TypeOrmStorage({ storage, migrationsRun: true, synchronous: 'full' });
      await opened.open();
      await opened.close();
    };
    const before = await dump(database);
    await using(database, async (db) => {
      const all = promisify<string, unknown>(db.all.bind(db));
      const version = await all('PRAGMA data_version');
      await all('BEGIN IMMEDIATE');
      await openOnce();
      await all('ROLLBACK');
      await openOnce();
      expect(await all('PRAGMA data_version')).toEqual(version);
    });
    expect(await dump(database)).toEqual(before);
  });
});

describe('a table without types', () => {
  it('keeps a row whose key is a number, skips and counts it, and takes the text for another key', async () => {
    const database = join(folder, `${(files += 1)}.sqlite`);
    await execute(
      database,
      [
        ...table(`namespace, key, value, ${KEY}`),
        `INSERT INTO cache_storage VALUES ('names', 7, '"number"')`,
      ].join(';'),
    );
    await expectKept({ type: 'sqlite', database }, { unreadable: 1 });
    expect(await rowsOf(database, 'SELECT value FROM cache_storage WHERE key = 7')).toEqual([
      { value: '"number"' },
    ]);
  });
});

describe('what the remedy of a SQLite table keeps', () => {
  it('is the newest row of each key, with all of them in the table before', async () => {
    const duplicates = BAD.find(({ name }) => name === 'with several rows of one key') as ForeignTable;
    const database = join(folder, `${(files += 1)}.sqlite`);
    await execute(database, duplicates.seed.join(';'));
    const message = await refusalOf({ type: 'sqlite', database });
    await execute(database, remedyIn(message));
    expect(await rowsOf(database, "SELECT value FROM cache_storage WHERE key = 'twice'")).toEqual([
      { value: '"new"' },
    ]);
    expect(await rowsOf(database, 'SELECT * FROM cache_storage_before')).toHaveLength(3);
  });

  const mend = async (seed: readonly string[]): Promise<{ database: string; message: string }> => {
    const database = join(folder, `${(files += 1)}.sqlite`);
    await execute(database, seed.join(';'));
    const message = await refusalOf({ type: 'sqlite', database });
    await execute(database, remedyIn(message));
    return { database, message };
  };

  it('is the newest by the instant that its time means, in whatever form it is stored', async () => {
    const seconds = Date.UTC(2026, 0, 2, 3, 4, 5) / 1000;
    /** From the oldest to the newest, as literals of SQL. */
    const times = [
      'NULL',
      "'1969-12-31 23:59:59.999'",
      '2461042.5',
      "'2026-01-02 00:00:01'",
      "'2026-01-01T22:04:04-05:00'",
      `'${seconds}'`,
      "'2026-01-02T05:34:05.001+0230'",
      `${seconds * 1000 + 2}`,
      "'2026-01-02 03:04:05.003'",
      `${seconds}.004`,
      "'2026-01-02t03:04:05.005z'",
      `'${seconds * 1000 + 6}'`,
      "'2026-01-02 03:04:05.007100'",
      "'2026-01-02 03:04:05.007200'",
      "'2026-01-02 03:05'",
      '2461043',
      "'2026-01-02T13:00:00Z'",
      "'2026-01-03'",
    ];
    const rows = times.flatMap((older, i) =>
      times
        .slice(i + 1)
        .flatMap((newer, j) => [
          `('names', '${i} ${j} a', 'older', ${older}), ('names', '${i} ${j} a', 'newer', ${newer})`,
          `('names', '${i} ${j} b', 'newer', ${newer}), ('names', '${i} ${j} b', 'older', ${older})`,
        ]),
    );
    const { database } = await mend([
      'CREATE TABLE cache_storage (namespace TEXT, key TEXT, value TEXT, updated_at)',
      `INSERT INTO cache_storage VALUES ${rows.join(', ')}`,
    ]);
    expect(await rowsOf(database, "SELECT key FROM cache_storage WHERE value <> 'newer'")).toEqual([]);
    expect(await rowsOf(database, 'SELECT key FROM cache_storage')).toHaveLength(rows.length);
  });

  it.each([
    "'yesterday'",
    "'now'",
    "'12:00'",
    "'2026-02-30'",
    "'2026-13-01'",
    "''",
    '7',
    '1e15',
    "x'32303236'",
  ])('is any row with a time rather than one whose time is %s', async (time) => {
    const { database } = await mend([
      'CREATE TABLE cache_storage (namespace TEXT, key TEXT, value TEXT, updated_at)',
      `INSERT INTO cache_storage VALUES ('n', 'a', 'told', '2020-01-01'), ('n', 'a', 'other', ${time})`,
    ]);
    expect(await rowsOf(database, 'SELECT value FROM cache_storage')).toEqual([{ value: 'told' }]);
  });

  it('is no time of the mending for rows without one, and what the message says stays in the table before', async () => {
    const { database, message } = await mend([
      'CREATE TABLE cache_storage (namespace TEXT, key TEXT COLLATE NOCASE, value TEXT, note TEXT, PRIMARY KEY (namespace, key))',
      'CREATE INDEX notes ON cache_storage (note)',
      "INSERT INTO cache_storage VALUES ('n', 'a', '1', 'mine'), ('n', NULL, '1', NULL)",
    ]);
    expect(message).toMatch(
      /stays as cache_storage_before: other columns, indexes and triggers, rows without/,
    );
    expect(await rowsOf(database, 'SELECT * FROM cache_storage')).toEqual([
      { namespace: 'n', key: 'a', value: '1', updated_at: null, expires_at: null, version: 0 },
    ]);
    expect(await rowsOf(database, 'SELECT note FROM cache_storage_before')).toHaveLength(2);
    expect(await rowsOf(database, "SELECT tbl_name FROM sqlite_schema WHERE name = 'notes'")).toEqual([
      { tbl_name: 'cache_storage_before' },
    ]);
  });

  it('takes another name where a table before is there, and no index from it', async () => {
    const seed = [
      ...table('namespace TEXT, key TEXT COLLATE NOCASE, value TEXT'),
      'CREATE INDEX idx_cache_namespace ON cache_storage (namespace)',
      'CREATE UNIQUE INDEX idx_cache_namespace_key ON cache_storage (namespace, key)',
    ];
    const { database } = await mend(seed);
    const again = async (): Promise<string> => {
      await execute(
        database,
        `DROP TABLE cache_storage; ${seed[0] as string}; ${OLD}; ${OLD.replace('kept', 'twice')}`,
      );
      const message = await refusalOf({ type: 'sqlite', database });
      await execute(database, remedyIn(message));
      return message;
    };
    const indexed = (): Promise<unknown[]> =>
      rowsOf(
        database,
        "SELECT (SELECT group_concat(name) FROM pragma_index_info(l.name)) AS columns FROM pragma_index_list('cache_storage') l ORDER BY columns",
      );
    const all = ['namespace', 'namespace,expires_at', 'namespace,key'].map((columns) => ({ columns }));
    expect(await again()).toContain('RENAME TO "cache_storage_before_2";');
    expect(await indexed()).toEqual(all);
    expect(await again()).toContain('RENAME TO "cache_storage_before_3";');
    expect(await indexed()).toEqual(all);
    // The migration finds the names taken too.
    await execute(
      database,
      `DROP TABLE cache_storage; CREATE TABLE cache_storage (namespace, key, value); ${OLD}`,
    );
    await expectKept({ type: 'sqlite', database }, {});
    expect(await indexed()).toEqual(all);
  });
});

describe('the remedy of what is no table of the cache’s in SQLite', () => {
  it.each([
    [
      'a table of another kind',
      'CREATE TABLE cache_storage (id INT); CREATE TABLE cache_storage_before (id INT)',
      /The cache then begins empty: the rows stay as cache_storage_before_2\. Back .*:\nALTER TABLE "cache_storage" RENAME TO "cache_storage_before_2";$/,
    ],
    [
      'a table that has one of the columns under another name, and lacks another',
      'CREATE TABLE cache_storage (namespace TEXT, Key TEXT)',
      /The cache then begins empty: .*:\nALTER TABLE "cache_storage" RENAME TO "cache_storage_before";$/,
    ],
    [
      'a view',
      'CREATE VIEW cache_storage AS SELECT 1 AS id',
      /begins empty\. .* DROP VIEW forgets its definition: .*:\nDROP VIEW "cache_storage";$/,
    ],
  ])('says that the cache begins empty, and where the rows are: %s', async (_what, seed, said) => {
    const database = join(folder, `${(files += 1)}.sqlite`);
    await execute(database, seed);
    const message = await refusalOf({ type: 'sqlite', database });
    expect(message).toMatch(said);
    await execute(database, remedyIn(message));
    await expectKept({ type: 'sqlite', database }, { keepsOld: false });
  });
});

describe('a table that was changed after its migration', () => {
  const changed = async (change: string): Promise<{ type: 'sqlite'; database: string }> => {
    const storage = { type: 'sqlite', database: join(folder, `${(files += 1)}.sqlite`) } as const;
    await expectKept(storage, { keepsOld: false });
    await execute(storage.database, change);
    return storage;
  };

  it.each([
    [
      'its key removed',
      `CREATE TABLE other (namespace, key, value, updated_at, expires_at, version bigint NOT NULL DEFAULT 0); INSERT INTO other SELECT * FROM cache_storage; DROP TABLE cache_storage; ALTER TABLE other RENAME TO cache_storage`,
    ],
    ['the time removed', 'ALTER TABLE cache_storage DROP COLUMN updated_at'],
  ])('is mended at the next start: %s', async (_what, change) => {
    await expectKept(await changed(change), { keepsOld: false });
  });

  it.each([
    ['the table removed', 'DROP TABLE cache_storage', /it is missing/],
    [
      'another key on its values',
      'CREATE UNIQUE INDEX k ON cache_storage (length(value), key)',
      /unique key k on \(an expression, key\)/,
    ],
  ])('is refused at the next start: %s', async (_what, change, refused) => {
    const storage = await changed(change);
    await expectMended(
      storage,
      { name: change, seed: [], refused, keepsOld: false },
      { run: (sql) => execute(storage.database, sql), dump: () => dump(storage.database) },
    );
  });
});

/** Statements in one text, as somebody would give them to a shell. */
async function execute(database: string, sql: string): Promise<void> {
  await using(database, (db) => promisify<string, void>(db.exec.bind(db))(sql));
}

async function rowsOf<Row>(database: string, sql: string): Promise<Row[]> {
  return using(database, (db) => promisify<string, unknown>(db.all.bind(db))(sql) as Promise<Row[]>);
}

async function using<T>(database: string, task: (db: sqlite3.Database) => Promise<T>): Promise<T> {
  const db = new sqlite3.Database(database);
  try {
    return await task(db);
  } finally {
    await promisify(db.close.bind(db))();
  }
}

async function dump(database: string): Promise<unknown> {
  const tables = await rowsOf<{ name: string }>(
    database,
    'SELECT name, sql FROM sqlite_schema ORDER BY name',
  );
  const isThere = tables.some(({ name }) => name.toLowerCase() === 'cache_storage');
  return { tables, rows: isThere ? await rowsOf(database, 'SELECT * FROM cache_storage') : [] };
}
