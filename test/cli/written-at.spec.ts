import { join } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';
import { runCopy } from './support/copy-command.js';
import { copyAll, LOOSE_TABLE, run } from './support/raw-table.js';

const folder = tempFolder();
const postgres = await postgresServer();
const mariadb = await mariadbServer();

const T = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
/** By key: as SQLite stores it, and the instant that it is. */
const TIMES: Readonly<Record<string, readonly [stored: string, ms: number | null]>> = {
  none: ['NULL', null],
  seconds: [`'2026-01-02 03:04:05'`, T - 678],
  fraction: [`'2026-01-02 03:04:05.678'`, T],
  zone: [`'2026-01-02T05:04:05.678+02:00'`, T],
  epoch: [`${T / 1000}`, T],
  'epoch text': [`'${(T - 678) / 1000}'`, T - 678],
  ms: [`${T}`, T],
  julian: ['2461042.5', Date.UTC(2026, 0, 2)],
  old: [`'1969-12-31 23:59:59.999'`, -1],
};
const UNCLEAR = ['yesterday', 'infinity'];

let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.sqlite`);

const EXPECTED = Object.entries(TIMES).map(([key, [, ms]]) => ({ key, ms }));
const MS: Readonly<Record<string, string>> = {
  sqlite: `CAST(ROUND((julianday(updated_at) - 2440587.5) * 86400000) AS INTEGER)`,
  postgres: `(EXTRACT(EPOCH FROM updated_at) * 1000)::float8`,
  mariadb: `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', updated_at) DIV 1000`,
};

async function timesIn(options: DataSourceOptions): Promise<unknown[]> {
  const column = options.type === 'mariadb' ? '`key`' : '"key"';
  const ms = MS[options.type === 'better-sqlite3' ? 'sqlite' : options.type] ?? '';
  const rows = (await run(options, `SELECT ${column} AS k, ${ms} AS ms FROM cache_storage`)) as {
    k: string | Buffer;
    ms: number | string | null;
  }[];
  return rows.map(({ k, ms: found }) => ({ key: k.toString(), ms: found === null ? null : Number(found) }));
}

describe.each<[string, boolean, () => Promise<DataSourceOptions>]>([
  ['sqlite', false, async () => ({ type: 'sqlite', database: newFile() })],
  ['better-sqlite3', false, async () => ({ type: 'better-sqlite3', database: newFile() })],
  [
    'PostgreSQL',
    postgres === undefined,
    async () => ({ type: 'postgres', url: (await postgres?.newDatabase()) ?? '' }),
  ],
  [
    'MariaDB',
    mariadb === undefined,
    async () => ({ type: 'mariadb', url: (await mariadb?.newDatabase()) ?? '' }),
  ],
])('times of writing that are copied to %s', (_name, isMissing, create) => {
  it.skipIf(isMissing)('are the same instants, whatever form SQLite holds them in', async () => {
    const from = { type: 'sqlite', database: newFile() } as const;
    const values = [
      ...Object.entries(TIMES).map(([key, [stored]]) => `('n', '${key}', '1', ${stored})`),
      ...UNCLEAR.map((text) => `('n', '${text}', '1', '${text}')`),
    ];
    await run(
      from,
      LOOSE_TABLE,
      `INSERT INTO cache_storage (namespace, "key", value, updated_at) VALUES ${values.join(', ')}`,
    );
    const to = await create();
    const rows = EXPECTED.length + UNCLEAR.length;
    expect(await copyAll(from, to)).toMatchObject([
      { rows, copied: rows, refused: [], untimed: [{ count: UNCLEAR.length, keys: UNCLEAR.toSorted() }] },
    ]);
    const expected = [...EXPECTED, ...UNCLEAR.map((key) => ({ key, ms: null }))];
    const found = await timesIn(to);
    expect(found).toHaveLength(rows);
    expect(found).toEqual(expect.arrayContaining(expected));
    // And back from there.
    const back = { type: 'sqlite', database: newFile() } as const;
    expect(await copyAll(to, back)).toMatchObject([{ copied: rows, untimed: [] }]);
    expect(await timesIn(back)).toEqual(expect.arrayContaining(expected));
  });
});

describe.skipIf(postgres === undefined)('times that only PostgreSQL has', () => {
  it('end no copy, and are named', async () => {
    const url = (await postgres?.newDatabase()) ?? '';
    const from = { type: 'postgres', url } as const;
    await copyAll({ type: 'sqlite', database: await oneRow('a') }, from);
    await run(
      from,
      "INSERT INTO cache_storage VALUES ('n', 'b', '1', 'infinity', NULL), ('n', 'c', '1', '-infinity', NULL), ('n', 'd', '1', '290000-01-01', NULL), ('n', 'e', '1', '2026-01-02 03:04:05.678Z', NULL)",
    );
    const to = newFile();
    const { code, output } = await runCopy(folder, url, to);
    expect(output).toContain('n: 5 of 5 rows copied\n');
    expect(output).toContain(
      "  3 rows: the time of writing can't be told, and the row is copied without one (b, c, d)\n",
    );
    expect(output).toContain('The copy is incomplete: 3 rows lost the time of writing.');
    expect(code).toBe(3);
    const times = await run(
      { type: 'sqlite', database: to },
      'SELECT "key", updated_at FROM cache_storage WHERE "key" >= \'b\'',
    );
    expect(times).toEqual([
      ...['b', 'c', 'd'].map((key) => ({ key, updated_at: null })),
      { key: 'e', updated_at: '2026-01-02 03:04:05.678' },
    ]);
  });
});

async function oneRow(key: string): Promise<string> {
  const database = newFile();
  await run(
    { type: 'sqlite', database },
    LOOSE_TABLE,
    `INSERT INTO cache_storage (namespace, "key", value) VALUES ('n', '${key}', '1')`,
  );
  return database;
}
