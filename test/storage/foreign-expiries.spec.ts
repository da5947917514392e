import { join } from 'node:path';
import { promisify } from 'node:util';
import mysql from 'mysql2/promise';
import pg from 'pg';
import sqlite3 from 'sqlite3';
import type { DataSourceOptions } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { expectKept, refusalOf, remedyIn } from '../support/foreign-tables.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';

/** In a year, in whole seconds. */
const SOON = Math.floor(Date.now() / 1000) + 365 * 86_400;
const SOON_TEXT = new Date(SOON * 1000).toISOString().slice(0, 19).replace('T', ' ');
const UNCLEAR = 'never';

/** A column `expires_at` of others: its type, a value as a literal of SQL, and the milliseconds that it means. */
type Expiry = readonly [type: string, literal: string, ms: number | typeof UNCLEAR];

interface Kind {
  readonly name: string;
  readonly isThere: boolean;
  readonly key: string;
  readonly others: string;
  readonly expiries: readonly Expiry[];
  /** A new database, and what runs statements in it. */
  readonly make: () => Promise<{ storage: DataSourceOptions; run: (sql: string) => Promise<unknown> }>;
}

const folder = tempFolder();
const postgres = await postgresServer();
const mariadb = await mariadbServer();
let files = 0;

const KINDS: readonly Kind[] = [
  {
    name: 'SQLite',
    isThere: true,
    key: 'key',
    others: 'namespace TEXT, key TEXT, value TEXT',
    expiries: [
      ['bigint', `${SOON}`, SOON * 1000],
      ['INTEGER', `${SOON * 1000}`, SOON * 1000],
      ['INTEGER', '0', UNCLEAR],
      ['TIMESTAMP', `'${SOON_TEXT}'`, SOON * 1000],
      ['TEXT', `'${SOON_TEXT.replace(' ', 'T')}Z'`, SOON * 1000],
      ['TEXT', `'${SOON}'`, SOON * 1000],
      ['TEXT', "'tomorrow'", UNCLEAR],
    ],
    make: async () => {
      const database = join(folder, `${(files += 1)}.sqlite`);
      const run = async (sql: string): Promise<unknown> => {
        const db = new sqlite3.Database(database);
        try {
          return await (sql.startsWith('SELECT')
            ? promisify<string, unknown>(db.all.bind(db))(sql)
            : promisify<string>(db.exec.bind(db) as (sql: string, done: (error?: unknown) => void) => void)(
                sql,
              ));
        } finally {
          await promisify(db.close.bind(db))();
        }
      };
      return { storage: { type: 'sqlite', database }, run };
    },
  },
  {
    name: 'PostgreSQL',
    isThere: postgres !== undefined,
    key: 'key',
    others: 'namespace TEXT, key TEXT, value TEXT',
    expiries: [
      ['bigint', `${SOON}`, SOON * 1000],
      ['bigint', `${SOON * 1000}`, SOON * 1000],
      ['bigint', '0', UNCLEAR],
      ['int NOT NULL DEFAULT 0', `${SOON}`, SOON * 1000],
      ['numeric', `${SOON * 1000}`, SOON * 1000],
      ['double precision', `${SOON}.0`, SOON * 1000],
      ['timestamptz DEFAULT now()', `'${SOON_TEXT}Z'`, SOON * 1000],
      ['timestamptz', "'infinity'", UNCLEAR],
      ['timestamp', `'${SOON_TEXT}'`, SOON * 1000],
      ['text', "'tomorrow'", UNCLEAR],
    ],
    make: async () => {
      const url = (await postgres?.newDatabase()) ?? '';
      const run = async (sql: string): Promise<unknown> => {
        const client = new pg.Client({ connectionString: url, options: '-c TimeZone=UTC' });
        await client.connect();
        try {
          return (await client.query(sql)).rows;
        } finally {
          await client.end();
        }
      };
      return { storage: { type: 'postgres', url }, run };
    },
  },
  {
    name: 'MariaDB',
    isThere: mariadb !== undefined,
    key: '`key`',
    others: 'namespace VARBINARY(512), `key` VARBINARY(2048), value LONGTEXT',
    expiries: [
      ['BIGINT', `${SOON}`, SOON * 1000],
      ['BIGINT', `${SOON * 1000}`, SOON * 1000],
      ['BIGINT', '0', UNCLEAR],
      ['INT UNSIGNED NOT NULL', `${SOON}`, SOON * 1000],
      ['DOUBLE', `${SOON}`, SOON * 1000],
      ['DATETIME', `'${SOON_TEXT}'`, SOON * 1000],
      ['TIMESTAMP NULL', `'${SOON_TEXT}'`, SOON * 1000],
      ['VARCHAR(20)', "'tomorrow'", UNCLEAR],
    ],
    make: async () => {
      const url = (await mariadb?.newDatabase()) ?? '';
      const run = async (sql: string): Promise<unknown> => {
        const connection = await mysql.createConnection({ uri: url, multipleStatements: true });
        try {
          await connection.query("SET time_zone = '+00:00'");
          return (await connection.query(sql))[0];
        } finally {
          await connection.end();
        }
      };
      return { storage: { type: 'mariadb', url }, run };
    },
  },
];

for (const { name, isThere, key, others, expiries, make } of KINDS)
  describe.skipIf(!isThere)(`an expiry of others in ${name}`, () => {
    it.each(expiries)(
      'of the type %s, as %s, deletes no row early, and means the same in the end: %s',
      async (type, literal, ms) => {
        const { storage, run } = await make();
        await run(
          `CREATE TABLE cache_storage (${others}, expires_at ${type}, PRIMARY KEY (namespace, ${key}))`,
        );
        await run(
          `INSERT INTO cache_storage (namespace, ${key}, value, expires_at) VALUES ('names', 'old', '"kept"', ${literal})`,
        );
        const isInOrder = /^(?:bigint|integer)$/i.test(type) && Number(literal) === ms;
        if (!isInOrder) await run(remedyIn(await refusalOf(storage)));
        await expectKept(storage, {});
        const [row] = (await run(
          "SELECT expires_at AS expiry FROM cache_storage WHERE namespace = 'names' AND value = '\"kept\"'",
        )) as { expiry: string | number | null }[];
        expect(row?.expiry ?? UNCLEAR, literal).toEqual(ms === UNCLEAR ? UNCLEAR : expect.anything());
        if (ms !== UNCLEAR) expect(Number(row?.expiry)).toBe(ms);
      },
    );

    it('is looked for at each start where the app runs the migrations', async () => {
      const { storage, run } = await make();
      await expectKept(storage, { keepsOld: false });
      await run(
        `INSERT INTO cache_storage (namespace, ${key}, value, expires_at) VALUES ('names', 'old', '"kept"', ${SOON})`,
      );
      await run(remedyIn(await refusalOf(storage, false)));
      await expectKept(storage, { migrationsRun: false });
    });
  });
