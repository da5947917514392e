import { DataSource, type DataSourceOptions } from 'typeorm';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { cacheMigrations } from '../../migrations/index.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import {
  expectKept,
  expectMended,
  named,
  refusalOf,
  remedyIn,
  type ForeignTable,
} from '../support/foreign-tables.js';
import { mariadbServer, postgresServer } from '../support/services.js';

/** A server, and the tables of others on it. */
interface Kind {
  readonly type: 'postgres' | 'mariadb';
  readonly server: Awaited<ReturnType<typeof postgresServer>>;
  /** Executes statements in one text, as somebody would give them to a shell. */
  readonly run: (url: string, sql: string) => Promise<void>;
  /** The statements that leave nothing in a database. */
  readonly empty: (database: string) => readonly string[];
  /** What the catalogue says of the table. */
  readonly catalogue: string;
  readonly good: readonly ForeignTable[];
  readonly bad: readonly ForeignTable[];
}

const ALL = cacheMigrations.map((Migration) => new Migration());
const OLD = `INSERT INTO cache_storage (namespace, key, value) VALUES ('names', 'old', '"kept"')`;
const onPostgres = (columns: string, before = 'CREATE TABLE'): string[] => [
  `${before} cache_storage (${columns})`,
  OLD,
];
const onMariadb = (columns: string, options = ''): string[] => [
  `CREATE TABLE cache_storage (${columns}) CHARACTER SET utf8mb4 ${options}`,
  OLD.replace(' key', ' `key`'),
];
const STAMP = 'version BIGINT NOT NULL DEFAULT 0';
const P_KEY = 'PRIMARY KEY (namespace, key)';
const P_TEXTS = `namespace TEXT, key TEXT, value TEXT, updated_at TIMESTAMPTZ, expires_at BIGINT, ${STAMP}`;
/** As the migrations make it: nothing has to change. */
const P_OWN = `namespace TEXT COLLATE "C", key TEXT COLLATE "C", value TEXT, updated_at TIMESTAMPTZ, expires_at BIGINT, ${STAMP}`;
const P_BESIDE_ID = 'namespace TEXT, key TEXT, value TEXT, UNIQUE (namespace, key)';
const M_BESIDE_ID = 'namespace VARCHAR(50), `key` VARCHAR(50), value TEXT, UNIQUE (namespace, `key`)';
const M_KEY = 'PRIMARY KEY (namespace, `key`)';
const M_REST = `value LONGTEXT, updated_at DATETIME(3), expires_at BIGINT, ${STAMP}`;
const M_BYTES = 'namespace VARBINARY(512), `key` VARBINARY(2048)';
/** What a database has that an earlier version of the cache migrated. */
const recorded = (id: string, migrations = ALL): string[] => [
  `CREATE TABLE cache_migrations (id ${id} PRIMARY KEY, timestamp BIGINT NOT NULL, name VARCHAR(255) NOT NULL)`,
  `INSERT INTO cache_migrations (timestamp, name) VALUES ${migrations.map(({ name }) => `(${name.slice(-13)}, '${name}')`).join(', ')}`,
];
const IGNORES_CAPITALS =
  "CREATE COLLATION capitals (provider = icu, locale = 'und-u-ks-level2', deterministic = false)";

const POSTGRES: Kind = {
  type: 'postgres',
  server: await postgresServer(),
  run: async (url, sql) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  },
  empty: () => ['DROP SCHEMA public CASCADE', 'CREATE SCHEMA public'],
  catalogue: `SELECT c.relname, c.relkind, c.relpersistence, a.attname, a.atttypid, a.attcollation, i.indexdef
    FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
      LEFT JOIN pg_indexes i ON i.tablename = c.relname
    WHERE c.relnamespace = 'public'::regnamespace ORDER BY c.relname, a.attnum, i.indexname`,
  good: [
    {
      name: 'of VARCHARs',
      seed: onPostgres(`namespace VARCHAR(50), key VARCHAR(50), value VARCHAR(50), ${P_KEY}`),
    },
    { name: 'of CHARs and JSONB', seed: onPostgres(`namespace CHAR(9), key CHAR(9), value JSONB, ${P_KEY}`) },
    {
      name: 'without any key',
      seed: onPostgres('namespace TEXT, key TEXT, value TEXT, updated_at TIMESTAMP'),
    },
    {
      name: 'with a key for some rows only',
      seed: [
        ...onPostgres('namespace TEXT, key TEXT, value TEXT'),
        "CREATE UNIQUE INDEX k ON cache_storage (namespace, key) WHERE value <> 'x'",
      ],
    },
    {
      name: 'that a crash would empty',
      seed: onPostgres(`namespace TEXT, key TEXT, value TEXT, ${P_KEY}`, 'CREATE UNLOGGED TABLE'),
    },
    {
      name: 'whose collation ignores capitals',
      seed: [
        IGNORES_CAPITALS,
        ...onPostgres(`namespace TEXT, key TEXT COLLATE capitals, value TEXT, ${P_KEY}`),
      ],
    },
    {
      name: 'with a number for each row',
      seed: onPostgres(
        'id SERIAL PRIMARY KEY, namespace TEXT, key TEXT, value TEXT, UNIQUE (key, namespace)',
      ),
    },
    {
      name: 'with an identity',
      seed: onPostgres(
        'id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, namespace TEXT, key TEXT, value TEXT, UNIQUE (key, namespace)',
      ),
    },
    {
      name: 'with columns that nobody has to fill in',
      seed: onPostgres(
        `namespace TEXT, key TEXT, value TEXT, note TEXT UNIQUE, hits INT NOT NULL DEFAULT 0, size INT GENERATED ALWAYS AS (length(value)) STORED, ${P_KEY}`,
      ),
    },
    {
      name: 'with rows that have no key',
      unreadable: 2,
      seed: [
        ...onPostgres('namespace TEXT, key TEXT, value TEXT'),
        "INSERT INTO cache_storage VALUES ('names', NULL, '1'), ('names', NULL, '1')",
      ],
    },
    {
      name: 'whose primary key is made by a function of its own',
      seed: [
        'CREATE FUNCTION new_id() RETURNS text LANGUAGE sql AS $$ SELECT md5(random()::text) $$',
        ...onPostgres(`id TEXT PRIMARY KEY DEFAULT new_id(), ${P_BESIDE_ID}`),
      ],
    },
    {
      name: 'whose primary key is made from the time',
      seed: onPostgres(`id TEXT PRIMARY KEY DEFAULT md5(clock_timestamp()::text), ${P_BESIDE_ID}`),
    },
    {
      name: 'whose primary key is made by its type',
      seed: [
        'CREATE DOMAIN id AS uuid DEFAULT gen_random_uuid()',
        ...onPostgres(`id id PRIMARY KEY, ${P_BESIDE_ID}`),
      ],
    },
    {
      name: 'whose columns a trigger fills in',
      seed: [
        `CREATE TABLE cache_storage (id TEXT PRIMARY KEY, made TIMESTAMPTZ NOT NULL, ${P_BESIDE_ID})`,
        `CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN NEW.id := gen_random_uuid(); NEW.made := now(); RETURN NEW; END $$`,
        'CREATE TRIGGER fill BEFORE INSERT ON cache_storage FOR EACH ROW EXECUTE FUNCTION fill()',
        OLD,
      ],
    },
    {
      name: 'whose trigger notes what was written',
      seed: [
        ...onPostgres(`${P_TEXTS}, ${P_KEY}`),
        'CREATE TABLE notes (key TEXT)',
        `CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN INSERT INTO notes VALUES (NEW.key); RETURN NULL; END $$`,
        'CREATE TRIGGER note AFTER INSERT OR UPDATE ON cache_storage FOR EACH ROW EXECUTE FUNCTION note()',
      ],
    },
    {
      name: 'unique by a hash of the key',
      seed: [
        ...onPostgres(
          `${P_OWN}, hash TEXT GENERATED ALWAYS AS (md5(key)) STORED, ${P_KEY}, UNIQUE (namespace, hash)`,
        ),
        'CREATE UNIQUE INDEX l ON cache_storage (namespace, md5(key))',
      ],
    },
    {
      name: 'in parts by hashes',
      seed: [
        `CREATE TABLE cache_storage (${P_TEXTS}, ${P_KEY}) PARTITION BY HASH (namespace, key)`,
        'CREATE TABLE part_0 PARTITION OF cache_storage FOR VALUES WITH (MODULUS 2, REMAINDER 0)',
        'CREATE TABLE part_1 PARTITION OF cache_storage FOR VALUES WITH (MODULUS 2, REMAINDER 1)',
        OLD,
      ],
    },
    {
      name: 'that an earlier version left unlogged',
      seed: [
        ...recorded('SERIAL'),
        ...onPostgres(`${P_TEXTS}, PRIMARY KEY (namespace, key)`, 'CREATE UNLOGGED TABLE'),
      ],
    },
    {
      name: 'of which an earlier version ran the first migration only',
      seed: [
        ...recorded('SERIAL', ALL.slice(0, 1)),
        ...onPostgres('namespace VARCHAR(50), key VARCHAR(50), value TEXT, updated_at TIMESTAMP'),
      ],
    },
    {
      name: 'that an earlier version left with a key on more columns',
      seed: [
        ...recorded('SERIAL'),
        ...onPostgres(`tenant INT DEFAULT 1, ${P_TEXTS}, PRIMARY KEY (tenant, namespace, key)`),
      ],
    },
    {
      name: 'in parts',
      seed: [
        'CREATE TABLE cache_storage (namespace TEXT, key TEXT, value TEXT, updated_at TIMESTAMPTZ, PRIMARY KEY (namespace, key)) PARTITION BY LIST (namespace)',
        'CREATE TABLE part PARTITION OF cache_storage DEFAULT',
        OLD,
      ],
    },
    { name: 'that the app made itself', seed: onPostgres(`${P_TEXTS}, ${P_KEY}`), migrationsRun: false },
  ],
  bad: [
    {
      name: 'that the app made, whose collation ignores capitals',
      migrationsRun: false,
      seed: [
        IGNORES_CAPITALS,
        ...onPostgres(
          `namespace TEXT, key TEXT COLLATE capitals, value TEXT, updated_at TIMESTAMPTZ, expires_at BIGINT, ${STAMP}, ${P_KEY}`,
        ),
      ],
      refused: /collation of its column key/,
    },
    {
      name: 'that the app made, whose key alone ignores capitals',
      migrationsRun: false,
      seed: [
        IGNORES_CAPITALS,
        ...onPostgres(P_TEXTS),
        'CREATE UNIQUE INDEX k ON cache_storage (namespace, key)',
        'CREATE UNIQUE INDEX l ON cache_storage (namespace, key COLLATE capitals)',
      ],
      refused: /unique key l on \(namespace, key\)/,
    },
    {
      name: 'that the app made, with texts that are too short',
      migrationsRun: false,
      seed: onPostgres(
        `namespace VARCHAR(128), key VARCHAR(255), value TEXT, updated_at TIMESTAMP, expires_at BIGINT, ${STAMP}, ${P_KEY}`,
      ),
      refused: /key is of type varchar\(255\)/,
    },
    {
      name: 'that the app made, of values in JSONB',
      migrationsRun: false,
      seed: onPostgres(
        `namespace TEXT, key TEXT, value JSONB, updated_at TIMESTAMP, expires_at BIGINT, ${STAMP}, ${P_KEY}`,
      ),
      refused: /value is of type jsonb/,
    },
    {
      name: 'that the app made, of CHARs',
      migrationsRun: false,
      seed: onPostgres(
        `namespace TEXT, key CHAR(600), value TEXT, updated_at TIMESTAMP, expires_at BIGINT, ${STAMP}, ${P_KEY}`,
      ),
      refused: /key is of type bpchar/,
    },
    {
      name: 'that the app made, with an expiry in seconds',
      migrationsRun: false,
      seed: onPostgres(
        `namespace TEXT, key TEXT, value TEXT, updated_at TIMESTAMP, expires_at INT, ${STAMP}, ${P_KEY}`,
      ),
      refused: /expires_at is of type int4/,
    },
    {
      name: 'that the app made, which a crash would empty',
      migrationsRun: false,
      seed: onPostgres(`${P_TEXTS}, ${P_KEY}`, 'CREATE UNLOGGED TABLE'),
      refused: /unlogged/,
    },
    {
      name: 'that the app made, without any key',
      migrationsRun: false,
      seed: onPostgres(P_TEXTS),
      refused: /no unique key/,
    },
    {
      name: 'that the app made, with a key that waits for the commit',
      migrationsRun: false,
      seed: onPostgres(`${P_TEXTS}, UNIQUE (namespace, key) DEFERRABLE`),
      refused: /may wait for the end of a transaction; it has no unique key/,
    },
    {
      name: 'with a key that waits for the commit',
      seed: onPostgres('namespace TEXT, key TEXT, value TEXT, UNIQUE (namespace, key) DEFERRABLE'),
      refused: /unique key .* may wait for the end of a transaction/,
    },
    {
      name: 'that the app made, with a key for some rows only',
      migrationsRun: false,
      seed: [
        ...onPostgres(P_TEXTS),
        "CREATE UNIQUE INDEX k ON cache_storage (namespace, key) WHERE value <> 'x'",
      ],
      refused: /no unique key/,
    },
    {
      name: 'of bytes',
      seed: [`CREATE TABLE cache_storage (namespace TEXT, key BYTEA, value TEXT, ${P_KEY})`, OLD],
      refused: /key is of type bytea/,
    },
    {
      name: 'with a time that is a number',
      seed: onPostgres(`namespace TEXT, key TEXT, value TEXT, updated_at BIGINT, ${P_KEY}`),
      refused: /updated_at is of type int8/,
    },
    {
      name: 'unique by key alone',
      seed: onPostgres('namespace TEXT, key TEXT PRIMARY KEY, value TEXT'),
      refused: /on \(key\) takes rows for the same/,
    },
    {
      name: 'unique by a column that is always the same',
      seed: onPostgres(
        `namespace TEXT, key TEXT, value TEXT, tenant VARCHAR(9) NOT NULL DEFAULT 'a' UNIQUE, ${P_KEY}`,
      ),
      refused: /on \(tenant\) takes rows for the same/,
    },
    {
      name: 'with a column that a trigger fills in too late',
      seed: [
        'CREATE TABLE cache_storage (namespace TEXT, key TEXT, value TEXT, owner TEXT NOT NULL, PRIMARY KEY (namespace, key))',
        `CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`,
        'CREATE TRIGGER fill AFTER INSERT ON cache_storage FOR EACH ROW EXECUTE FUNCTION fill()',
        `INSERT INTO cache_storage VALUES ('names', 'old', '"kept"', 'me')`,
      ],
      refused: /column owner, .* has to be filled in/,
    },
    {
      name: 'unique by what becomes of a key',
      seed: [
        ...onPostgres(`namespace TEXT, key TEXT, value TEXT, ${P_KEY}`),
        'CREATE UNIQUE INDEX l ON cache_storage (namespace, lower(key))',
      ],
      refused: /unique key l on \(namespace, an expression\)/,
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
      name: 'whose rows have to expire',
      seed: onPostgres(
        `namespace TEXT, key TEXT, value TEXT, expires_at BIGINT NOT NULL DEFAULT 9999999999999, ${P_KEY}`,
      ),
      refused: /expires_at refuses NULL/,
    },
    ...[
      ['short', 'SMALLINT NOT NULL DEFAULT 0'],
      ['a text', "TEXT NOT NULL DEFAULT '0'"],
      ['a fraction', 'DOUBLE PRECISION NOT NULL DEFAULT 0'],
      ['NULL', 'BIGINT DEFAULT 0'],
      ['counted', 'BIGSERIAL'],
      ['counted by the standard', 'BIGINT GENERATED BY DEFAULT AS IDENTITY'],
      ['computed and short', 'INT GENERATED ALWAYS AS (length(value)) STORED'],
    ].map(([what = '', type = '']) => ({
      name: `whose stamp may be ${what}`,
      seed: onPostgres(`namespace TEXT, key TEXT, value TEXT, version ${type}, ${P_KEY}`),
      refused:
        /column version(?: is (?:of type|not NOT NULL with the default 0)|, )|computes its column version/,
    })),
    {
      name: 'that changes stamps as others count versions',
      seed: [
        ...onPostgres(`${P_TEXTS}, ${P_KEY}`),
        'CREATE FUNCTION counts() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN NEW.version := OLD.version + 1; RETURN NEW; END $$',
        'CREATE TRIGGER counts BEFORE UPDATE ON cache_storage FOR EACH ROW EXECUTE FUNCTION counts()',
      ],
      refused: /trigger counts changes or drops rows/,
    },
    {
      name: 'whose columns are written otherwise',
      seed: [
        'CREATE TABLE cache_storage (namespace TEXT, "Key" TEXT, value TEXT, PRIMARY KEY (namespace, "Key"))',
        OLD.replace(' key', ' "Key"'),
      ],
      refused: /no column key\./,
    },
    {
      name: 'that the app made, with a time that names no zone',
      migrationsRun: false,
      seed: onPostgres(
        `namespace TEXT, key TEXT, value TEXT, updated_at TIMESTAMP, expires_at BIGINT, ${STAMP}, ${P_KEY}`,
      ),
      refused: /updated_at is of type timestamp, and needs to be timestamptz\(3\).* zone of the session/,
    },
    {
      name: 'that the app made, with a time in whole seconds',
      migrationsRun: false,
      seed: onPostgres(
        `namespace TEXT, key TEXT, value TEXT, updated_at TIMESTAMPTZ(0), expires_at BIGINT, ${STAMP}, ${P_KEY}`,
      ),
      refused: /updated_at is of type timestamptz\(0\)/,
    },
    {
      name: 'unique by what is computed of a key',
      seed: onPostgres(
        `${P_OWN}, small TEXT GENERATED ALWAYS AS (lower(key)) STORED, ${P_KEY}, UNIQUE (namespace, small)`,
      ),
      refused: /on \(namespace, small\) takes rows for the same/,
    },
    {
      name: 'unique by a column that takes one NULL for another',
      seed: onPostgres(`${P_TEXTS}, tag TEXT, ${P_KEY}, UNIQUE NULLS NOT DISTINCT (tag)`),
      refused: /on \(tag\) takes rows for the same/,
    },
    {
      name: 'that excludes keys that are alike',
      seed: onPostgres(`${P_TEXTS}, ${P_KEY}, EXCLUDE USING btree (namespace WITH =, (lower(key)) WITH =)`),
      refused: /its exclusion constraint \w+ refuses rows/,
    },
    {
      name: 'that refuses long keys',
      seed: onPostgres(`${P_TEXTS}, ${P_KEY}, CHECK (length(key) < 100)`),
      refused: /its check constraint \w+ refuses rows/,
    },
    {
      name: 'whose namespaces another table has to know',
      seed: [
        'CREATE TABLE spaces (name TEXT PRIMARY KEY)',
        "INSERT INTO spaces VALUES ('names')",
        ...onPostgres(
          `${P_TEXTS}, ${P_KEY}, FOREIGN KEY (namespace) REFERENCES spaces DEFERRABLE INITIALLY DEFERRED`,
        ),
      ],
      refused: /its foreign key \w+ takes only what another table has/,
    },
    {
      name: 'with a column whose type refuses NULL',
      seed: [
        'CREATE DOMAIN filled AS text NOT NULL',
        `CREATE TABLE cache_storage (${P_TEXTS}, "tag""x" filled, ${P_KEY})`,
        `INSERT INTO cache_storage VALUES ('names', 'old', '"kept"', NULL, NULL, 0, 'me')`,
      ],
      refused: /column tag"x, which the cache does not know, has to be filled in/,
    },
    ...(['DELETE', 'UPDATE', 'INSERT'] as const).map((event) => ({
      name: `whose trigger skips each ${event}`,
      seed: [
        ...onPostgres(`${P_TEXTS}, ${P_KEY}`),
        'CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$',
        `CREATE TRIGGER "t""x" BEFORE ${event} ON cache_storage FOR EACH ROW EXECUTE FUNCTION f()`,
      ],
      refused: /its trigger t"x changes or drops rows/,
    })),
    {
      name: 'whose trigger sets the time of a row by another clock',
      seed: [
        ...onPostgres(`${P_TEXTS}, ${P_KEY}`),
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now() + interval '1 s'; RETURN NEW; END $$",
        'CREATE TRIGGER t BEFORE INSERT OR UPDATE ON cache_storage FOR EACH ROW EXECUTE FUNCTION f()',
      ],
      refused: /its trigger t changes or drops rows/,
    },
    {
      name: 'whose trigger refuses at the commit',
      seed: [
        ...onPostgres(`${P_TEXTS}, ${P_KEY}`),
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
        'CREATE CONSTRAINT TRIGGER t AFTER INSERT ON cache_storage DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()',
      ],
      refused: /its trigger t refuses rows/,
    },
    {
      name: 'whose rule keeps what is deleted',
      seed: [
        ...onPostgres(`${P_TEXTS}, ${P_KEY}`),
        'CREATE RULE r AS ON DELETE TO cache_storage DO INSTEAD NOTHING',
      ],
      refused: /its rule r changes or drops rows/,
    },
    {
      name: 'whose rule does not go with the words of a conditional write',
      seed: [
        ...onPostgres(`${P_OWN}, ${P_KEY}`),
        'CREATE TABLE notes (key TEXT)',
        'CREATE RULE r AS ON DELETE TO cache_storage DO ALSO INSERT INTO notes VALUES (OLD.key)',
      ],
      refused: /its rule r refuses rows/,
    },
    {
      name: 'whose trigger hides what an update has found',
      seed: [
        ...onPostgres(`${P_TEXTS}, ${P_KEY}`),
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF current_query() ~ 'RETURNING r.n' THEN RETURN NULL; END IF; RETURN NEW; END $$",
        'CREATE TRIGGER t BEFORE UPDATE ON cache_storage FOR EACH ROW EXECUTE FUNCTION f()',
      ],
      refused: /its trigger t changes or drops rows/,
    },
    {
      name: 'whose rule does not go with the words of the cache',
      seed: [
        ...onPostgres(`${P_OWN}, ${P_KEY}`),
        'CREATE TABLE notes (key TEXT)',
        'CREATE RULE r AS ON INSERT TO cache_storage DO ALSO INSERT INTO notes VALUES (NEW.key)',
      ],
      refused: /its rule r refuses rows/,
    },
    {
      name: 'of which a crash would empty a part',
      seed: [
        `CREATE TABLE cache_storage (${P_TEXTS}, ${P_KEY}) PARTITION BY LIST (namespace)`,
        'CREATE UNLOGGED TABLE part PARTITION OF cache_storage DEFAULT',
        OLD,
      ],
      refused: /its partition public\.part is unlogged/,
    },
    {
      name: 'one part of which has a key of its own',
      seed: [
        `CREATE TABLE cache_storage (${P_TEXTS}, ${P_KEY}) PARTITION BY LIST (namespace)`,
        'CREATE TABLE part PARTITION OF cache_storage DEFAULT',
        'CREATE UNIQUE INDEX l ON part (namespace)',
        OLD,
      ],
      refused: /unique key l of its part public\.part on \(namespace\)/,
    },
    {
      name: 'one part of which has a trigger of its own',
      seed: [
        `CREATE TABLE cache_storage (${P_TEXTS}, ${P_KEY}) PARTITION BY LIST (namespace)`,
        "CREATE TABLE part PARTITION OF cache_storage FOR VALUES IN ('names')",
        'CREATE TABLE others PARTITION OF cache_storage DEFAULT',
        'CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$',
        'CREATE TRIGGER t BEFORE DELETE ON part FOR EACH ROW EXECUTE FUNCTION f()',
        OLD,
      ],
      refused: /the trigger t of its part public\.part may change or drop rows/,
    },
    {
      name: 'in parts of which there is none',
      seed: [`CREATE TABLE cache_storage (${P_TEXTS}, ${P_KEY}) PARTITION BY LIST (namespace)`],
      keepsOld: false,
      refused: /no partition that takes rows/,
    },
    {
      name: 'in parts for some namespaces only',
      seed: [
        `CREATE TABLE cache_storage (${P_TEXTS}, ${P_KEY}) PARTITION BY LIST (namespace)`,
        "CREATE TABLE part PARTITION OF cache_storage FOR VALUES IN ('names')",
        OLD,
      ],
      refused: /its partitioning refuses rows/,
    },
    {
      name: 'in parts by the time of writing',
      seed: [
        `CREATE TABLE cache_storage (${P_TEXTS}, UNIQUE (namespace, key, updated_at)) PARTITION BY RANGE (updated_at)`,
        'CREATE TABLE part PARTITION OF cache_storage DEFAULT',
        `INSERT INTO cache_storage VALUES ('names', 'old', '"older"', '2026-01-01'), ('names', 'old', '"kept"', '2026-01-02')`,
      ],
      refused: /no unique key on exactly \(namespace, key\); there are several rows/,
    },
    {
      name: 'in parts by a key that is too short',
      seed: [
        'CREATE TABLE cache_storage (namespace VARCHAR(50), key VARCHAR(50), value TEXT, PRIMARY KEY (namespace, key)) PARTITION BY LIST (key)',
        'CREATE TABLE part PARTITION OF cache_storage DEFAULT',
        OLD,
      ],
      refused: /column key is of type varchar\(50\)/,
    },
    {
      name: 'whose rows others inherit',
      seed: [
        ...onPostgres(`${P_TEXTS}, ${P_KEY}`),
        'CREATE TABLE kid () INHERITS (cache_storage)',
        `INSERT INTO kid VALUES ('names', 'alice', '"kid"')`,
      ],
      refused: /the table public\.kid inherits from it/,
    },
    {
      name: 'of a type',
      seed: [
        'CREATE TYPE stored AS (namespace TEXT, key TEXT, value TEXT, updated_at TIMESTAMPTZ, expires_at BIGINT)',
        'CREATE TABLE cache_storage OF stored (PRIMARY KEY (namespace, key))',
        OLD,
      ],
      refused: /it is a table of a type/,
    },
    {
      name: 'with another column in its primary key',
      seed: [
        `CREATE TABLE cache_storage ("tenant""x" TEXT, ${P_TEXTS}, PRIMARY KEY ("tenant""x", namespace, key))`,
        `INSERT INTO cache_storage VALUES ('me', 'names', 'old', '"kept"')`,
      ],
      refused: /column tenant"x, which the cache does not know, has to be filled in/,
    },
    {
      name: 'whose primary key has to be filled in',
      seed: [
        `CREATE TABLE cache_storage (id UUID PRIMARY KEY, ${P_BESIDE_ID})`,
        `INSERT INTO cache_storage VALUES ('00000000-0000-0000-0000-000000000001', 'names', 'old', '"kept"')`,
      ],
      refused: /column id, .* has to be filled in/,
    },
    {
      name: 'whose key others refer to',
      seed: [
        ...onPostgres('namespace TEXT, key TEXT, value TEXT, CONSTRAINT "k""x" PRIMARY KEY (key)'),
        'CREATE TABLE "child""x" (key TEXT CONSTRAINT "f""x" REFERENCES cache_storage (key))',
      ],
      refused: /unique key k"x on \(key\) takes rows for the same/,
    },
    {
      name: 'of another kind',
      seed: ['CREATE TABLE cache_storage (id INT)'],
      keepsOld: false,
      refused: /no column namespace/,
    },
    {
      name: 'that is a view',
      seed: [`CREATE TABLE t (${P_TEXTS})`, 'CREATE VIEW cache_storage AS SELECT * FROM t'],
      keepsOld: false,
      refused: /no table but a view/,
    },
    {
      name: 'with several rows of one key',
      seed: [
        ...onPostgres('namespace TEXT, key TEXT, value TEXT'),
        `INSERT INTO cache_storage VALUES ('names', 'twice', '1'), ('names', 'twice', '2'), ('names', 'old', '"kept"'), ('names', NULL, '1'), ('names', NULL, '1')`,
        `DELETE FROM cache_storage WHERE key IS NULL`,
      ],
      refused: /several rows of \["names","old"\], \["names","twice"\]/,
    },
  ],
};

const MARIADB: Kind = {
  type: 'mariadb',
  server: await mariadbServer(),
  run: async (url, sql) => {
    const connection = await mysql.createConnection({ uri: url, multipleStatements: true });
    try {
      await connection.query(sql);
    } finally {
      await connection.end();
    }
  },
  empty: (database) => [`DROP DATABASE ${database}`, `CREATE DATABASE ${database}`, `USE ${database}`],
  catalogue: 'SHOW TABLES',
  good: [
    {
      name: 'of VARCHARs that ignore capitals',
      seed: onMariadb(`namespace VARCHAR(50), \`key\` VARCHAR(50), value TEXT, ${M_KEY}`),
    },
    {
      name: 'of VARCHARs in latin1',
      seed: onMariadb(
        `namespace VARCHAR(50) CHARACTER SET latin1, \`key\` VARCHAR(50) CHARACTER SET latin1, value TEXT CHARACTER SET latin1, ${M_KEY}`,
      ),
    },
    { name: 'of CHARs', seed: onMariadb(`namespace CHAR(50), \`key\` CHAR(50), value JSON, ${M_KEY}`) },
    {
      name: 'of short bytes',
      seed: onMariadb(`namespace VARBINARY(50), \`key\` VARBINARY(50), value TINYTEXT, ${M_KEY}`),
    },
    {
      name: 'without any key',
      seed: onMariadb('namespace VARCHAR(50), `key` VARCHAR(50), value TEXT, updated_at TIMESTAMP NULL'),
    },
    {
      name: 'of the engine MyISAM',
      seed: onMariadb(`namespace VARCHAR(50), \`key\` VARCHAR(50), value TEXT, ${M_KEY}`, 'ENGINE=MyISAM'),
    },
    {
      name: 'of the engine Aria',
      seed: onMariadb(`namespace VARCHAR(50), \`key\` VARCHAR(50), value TEXT, ${M_KEY}`, 'ENGINE=Aria'),
    },
    {
      name: 'with a number for each row',
      seed: onMariadb(
        'id INT AUTO_INCREMENT PRIMARY KEY, namespace VARCHAR(50), `key` VARCHAR(50), value TEXT, UNIQUE (`key`, namespace)',
      ),
    },
    {
      name: 'with columns that nobody has to fill in',
      seed: onMariadb(
        `namespace VARCHAR(50), \`key\` VARCHAR(50), value TEXT, note VARCHAR(9) UNIQUE, hits INT NOT NULL DEFAULT 0, size INT AS (LENGTH(value)), ${M_KEY}`,
      ),
    },
    {
      name: 'with rows that have no key',
      unreadable: 2,
      seed: [
        ...onMariadb('namespace VARCHAR(50), `key` VARCHAR(50), value TEXT'),
        "INSERT INTO cache_storage VALUES ('names', NULL, '1'), ('names', NULL, '1')",
      ],
    },
    {
      name: 'whose columns are written in capitals',
      seed: [
        'CREATE TABLE cache_storage (NAMESPACE VARCHAR(50) NOT NULL, `Key` VARCHAR(50) NOT NULL, VALUE TEXT NOT NULL, UPDATED_AT DATETIME, PRIMARY KEY (NAMESPACE, `Key`))',
        OLD.replace(' key', ' `Key`'),
      ],
    },
    {
      name: 'whose columns are written in capitals, without any key',
      seed: [
        'CREATE TABLE cache_storage (NAMESPACE VARCHAR(50), `KEY` VARCHAR(50), VALUE TEXT, EXPIRES_AT BIGINT)',
        OLD.replace(' key', ' `Key`'),
      ],
    },
    {
      name: 'that an earlier version left with bytes that are too few',
      seed: [
        ...recorded('INT AUTO_INCREMENT'),
        ...onMariadb(`namespace VARBINARY(128), \`key\` VARBINARY(255), ${M_REST}, ${M_KEY}`),
      ],
    },
    {
      name: 'that an earlier version left with a key on more columns',
      seed: [
        ...recorded('INT AUTO_INCREMENT'),
        ...onMariadb(
          `tenant INT DEFAULT 1, namespace VARCHAR(50), \`key\` VARCHAR(50), ${M_REST}, PRIMARY KEY (tenant, namespace, \`key\`)`,
        ),
      ],
    },
    {
      name: 'whose primary key is made by a sequence',
      seed: [
        'CREATE SEQUENCE ids',
        ...onMariadb(`id BIGINT PRIMARY KEY DEFAULT NEXTVAL(ids), ${M_BESIDE_ID}`),
      ],
    },
    ...['SYS_GUID()', 'UUID()', 'MD5(RAND())', 'RANDOM_BYTES(16)'].map((made) => ({
      name: `whose primary key is made by ${made}`,
      seed: onMariadb(`id VARBINARY(36) PRIMARY KEY DEFAULT (${made}), ${M_BESIDE_ID}`),
    })),
    {
      name: 'whose columns a trigger fills in',
      seed: [
        `CREATE TABLE cache_storage (id CHAR(36) PRIMARY KEY, made DATETIME NOT NULL, ${M_BESIDE_ID})`,
        'CREATE TRIGGER fill BEFORE INSERT ON cache_storage FOR EACH ROW SET NEW.id = UUID(), NEW.made = NOW()',
        OLD.replace(' key', ' `key`'),
      ],
    },
    {
      name: 'whose trigger notes what was written',
      seed: [
        ...onMariadb(`${M_BYTES}, ${M_REST}, ${M_KEY}`),
        'CREATE TABLE notes (k VARBINARY(2048))',
        'CREATE TRIGGER note AFTER INSERT ON cache_storage FOR EACH ROW INSERT INTO notes VALUES (NEW.`key`)',
      ],
    },
    {
      name: 'unique by a hash of the key',
      seed: onMariadb(
        `${M_BYTES}, ${M_REST}, hash CHAR(32) AS (MD5(\`key\`)) STORED, ${M_KEY}, UNIQUE (namespace, hash)`,
      ),
    },
    {
      name: 'in parts',
      seed: onMariadb(`${M_BYTES}, ${M_REST}, ${M_KEY}`, 'PARTITION BY KEY (namespace) PARTITIONS 2'),
    },
    {
      name: 'that the app made itself',
      seed: onMariadb(`${M_BYTES}, ${M_REST}, ${M_KEY}`),
      migrationsRun: false,
    },
    {
      name: 'that the app made itself, of texts that are compared exactly',
      seed: onMariadb(
        `namespace VARCHAR(128) COLLATE utf8mb4_nopad_bin, \`key\` VARCHAR(512) COLLATE utf8mb4_nopad_bin, ${M_REST}, ${M_KEY}`,
      ),
      migrationsRun: false,
    },
  ],
  bad: [
    {
      name: 'that the app made, whose collation ignores capitals',
      migrationsRun: false,
      seed: onMariadb(
        `namespace VARBINARY(512), \`key\` VARCHAR(512) COLLATE utf8mb4_general_nopad_ci NOT NULL, ${M_REST}, ${M_KEY}`,
      ),
      refused: /collation of its column key/,
    },
    {
      name: 'that the app made, whose collation ignores blanks',
      migrationsRun: false,
      seed: onMariadb(
        `namespace VARCHAR(128) COLLATE utf8mb4_bin, \`key\` VARCHAR(512) COLLATE utf8mb4_bin, ${M_REST}, ${M_KEY}`,
      ),
      refused: /collation of its column namespace .*; the collation of its column key/,
    },
    {
      name: 'that the app made, in the letters of Europe',
      migrationsRun: false,
      seed: onMariadb(
        `namespace VARBINARY(512), \`key\` VARCHAR(512) CHARACTER SET utf8mb3 COLLATE utf8mb3_nopad_bin, ${M_REST}, ${M_KEY}`,
      ),
      refused: /key is of type varchar\(512\) in utf8mb3/,
    },
    {
      name: 'that the app made, with keys that are too short',
      migrationsRun: false,
      seed: onMariadb(`namespace VARBINARY(512), \`key\` VARBINARY(255), ${M_REST}, ${M_KEY}`),
      refused: /key is of type varbinary\(255\)/,
    },
    {
      name: 'that the app made, with values of at most 64 KB',
      migrationsRun: false,
      seed: onMariadb(`${M_BYTES}, value TEXT, updated_at DATETIME, expires_at BIGINT, ${STAMP}, ${M_KEY}`),
      refused: /value is of type text/,
    },
    {
      name: 'that the app made, with values in latin1',
      migrationsRun: false,
      seed: onMariadb(
        `${M_BYTES}, value LONGTEXT CHARACTER SET latin1, updated_at DATETIME, expires_at BIGINT, ${STAMP}, ${M_KEY}`,
      ),
      refused: /value is of type longtext in latin1/,
    },
    {
      name: 'that the app made, of the engine MyISAM',
      migrationsRun: false,
      seed: onMariadb(
        `namespace VARBINARY(100), \`key\` VARBINARY(800), ${M_REST}, ${M_KEY}`,
        'ENGINE=MyISAM',
      ),
      refused: /engine MyISAM knows no transactions/,
    },
    {
      name: 'that the app made, of the engine Aria',
      migrationsRun: false,
      seed: onMariadb(`namespace VARBINARY(100), \`key\` VARBINARY(800), ${M_REST}, ${M_KEY}`, 'ENGINE=Aria'),
      refused: /engine Aria knows no transactions/,
    },
    {
      name: 'that the app made, without any key',
      migrationsRun: false,
      seed: onMariadb(`${M_BYTES}, ${M_REST}`),
      refused: /no unique key/,
    },
    {
      name: 'that the app made, without a time and an expiry that is long enough',
      migrationsRun: false,
      seed: onMariadb(`${M_BYTES}, value LONGTEXT, expires_at INT, ${STAMP}, ${M_KEY}`),
      refused: /no column updated_at; .*expires_at is of type int/,
    },
    ...[
      ['short', 'SMALLINT NOT NULL DEFAULT 0'],
      ['a text', "VARCHAR(9) NOT NULL DEFAULT '0'"],
      ['a fraction', 'DOUBLE NOT NULL DEFAULT 0'],
      ['NULL', 'BIGINT DEFAULT 0'],
      ['another number', 'BIGINT NOT NULL DEFAULT 1'],
      ['counted', 'BIGINT NOT NULL AUTO_INCREMENT, KEY (version)'],
      ['computed and stored', 'INT AS (LENGTH(value)) STORED'],
    ].map(([what = '', type = '']) => ({
      name: `whose stamp may be ${what}`,
      seed: onMariadb(`${M_BYTES}, value LONGTEXT, version ${type}, ${M_KEY}`),
      refused: /column version is (?:of type|not NOT NULL with the default 0)|computes its column version/,
    })),
    {
      name: 'that changes stamps as others count versions',
      seed: [
        ...onMariadb(`${M_BYTES}, ${M_REST}, ${M_KEY}`),
        'CREATE TRIGGER counts BEFORE UPDATE ON cache_storage FOR EACH ROW SET NEW.version = OLD.version + 1',
      ],
      refused: /trigger counts changes or drops rows/,
    },
    {
      name: 'that the app made, with a time in whole seconds',
      migrationsRun: false,
      seed: onMariadb(
        `${M_BYTES}, value LONGTEXT, updated_at DATETIME, expires_at BIGINT, ${STAMP}, ${M_KEY}`,
      ),
      refused: /updated_at is of type datetime, and needs to be DATETIME\(3\)/,
    },
    ...[
      ['what is computed of a key', 'small VARCHAR(512) AS (LOWER(CONVERT(`key` USING utf8mb4))) VIRTUAL'],
      ['how a key begins', 'small VARBINARY(1) AS (LEFT(`key`, 1)) STORED'],
      ['what a default makes of a key', 'small VARCHAR(512) DEFAULT (LOWER(CONVERT(`key` USING utf8mb4)))'],
    ].map(([by = '', column = '']) => ({
      name: `unique by ${by}`,
      seed: onMariadb(`${M_BYTES}, ${M_REST}, ${column}, ${M_KEY}, UNIQUE \`k\`\`x\` (namespace, small)`),
      refused: /unique key k`x on \(namespace, small\) takes rows for the same/,
    })),
    {
      name: 'unique by what a trigger makes of a key',
      seed: [
        ...onMariadb(`${M_BYTES}, ${M_REST}, small VARCHAR(512), ${M_KEY}, UNIQUE (namespace, small)`),
        'CREATE TRIGGER t BEFORE INSERT ON cache_storage FOR EACH ROW SET NEW.small = LOWER(CONVERT(NEW.`key` USING utf8mb4))',
      ],
      refused: /on \(namespace, small\) takes rows for the same/,
    },
    {
      name: 'whose trigger changes what is written',
      seed: [
        ...onMariadb(`${M_BYTES}, ${M_REST}, ${M_KEY}`),
        'CREATE TRIGGER `t``x` BEFORE INSERT ON cache_storage FOR EACH ROW SET NEW.value = LOWER(NEW.value)',
      ],
      refused: /its trigger t`x changes or drops rows/,
    },
    {
      name: 'whose trigger keeps the old value',
      seed: [
        ...onMariadb(`${M_BYTES}, ${M_REST}, ${M_KEY}`),
        'CREATE TRIGGER t BEFORE UPDATE ON cache_storage FOR EACH ROW SET NEW.value = OLD.value',
      ],
      refused: /its trigger t changes or drops rows/,
    },
    {
      name: 'whose trigger asks for a table that is gone',
      seed: [
        ...onMariadb(`${M_BYTES}, ${M_REST}, ${M_KEY}`),
        'CREATE TRIGGER t AFTER DELETE ON cache_storage FOR EACH ROW INSERT INTO gone VALUES (1)',
      ],
      refused: /its trigger t refuses rows/,
    },
    {
      name: 'that the app made, of values in JSON, which the driver takes apart',
      migrationsRun: false,
      seed: onMariadb(
        `${M_BYTES}, value JSON, updated_at DATETIME(3), expires_at BIGINT, ${STAMP}, ${M_KEY}`,
      ),
      refused:
        /its check constraint value changes or drops rows.* takes a column with the check json_valid for JSON/,
    },
    {
      name: 'that the app made, which refuses long keys',
      migrationsRun: false,
      seed: onMariadb(
        `namespace VARBINARY(512), \`key\` VARBINARY(2048) NOT NULL CHECK (LENGTH(\`key\`) < 100), ${M_REST}, ${M_KEY}`,
      ),
      refused: /its check constraint key refuses rows/,
    },
    {
      name: 'whose namespaces another table has to know',
      seed: [
        'CREATE TABLE spaces (name VARBINARY(512) PRIMARY KEY)',
        "INSERT INTO spaces VALUES ('names')",
        ...onMariadb(`${M_BYTES}, ${M_REST}, ${M_KEY}, FOREIGN KEY (namespace) REFERENCES spaces (name)`),
      ],
      refused: /its foreign key \w+ takes only what another table has/,
    },
    ...['STORED', 'VIRTUAL'].map((kind) => ({
      name: `whose values are computed and ${kind}`,
      seed: [
        `CREATE TABLE cache_storage (${M_BYTES}, raw LONGTEXT, value LONGTEXT CHARACTER SET utf8mb4 AS (raw) ${kind}, updated_at DATETIME(3), expires_at BIGINT, ${M_KEY}) CHARACTER SET utf8mb4`,
        `INSERT INTO cache_storage (namespace, \`key\`, raw) VALUES ('names', 'old', '"kept"')`,
      ],
      refused: /the database computes its column value/,
    })),
    {
      name: 'in parts for some namespaces only',
      seed: onMariadb(
        `${M_BYTES}, ${M_REST}, ${M_KEY}`,
        "PARTITION BY LIST COLUMNS (namespace) (PARTITION p VALUES IN ('names'))",
      ),
      refused: /its partitioning refuses rows/,
    },
    {
      name: 'in parts by another column, without any key',
      seed: onMariadb(
        `${M_BYTES}, ${M_REST}, part INT NOT NULL DEFAULT 0`,
        'PARTITION BY HASH (part) PARTITIONS 2',
      ),
      refused: /no unique key on exactly/,
    },
    {
      name: 'that keeps its history',
      seed: onMariadb(`${M_BYTES}, ${M_REST}, ${M_KEY}`, 'WITH SYSTEM VERSIONING'),
      refused: /it is system-versioned/,
    },
    {
      name: 'with another column in its primary key',
      seed: [
        `CREATE TABLE cache_storage (\`tenant\`\`x\` VARCHAR(9) NOT NULL, ${M_BYTES}, ${M_REST}, PRIMARY KEY (\`tenant\`\`x\`, namespace, \`key\`))`,
        `INSERT INTO cache_storage (\`tenant\`\`x\`, namespace, \`key\`, value) VALUES ('me', 'names', 'old', '"kept"')`,
      ],
      refused: /column tenant`x, which the cache does not know, has to be filled in/,
    },
    {
      name: 'whose primary key has to be filled in',
      seed: [
        `CREATE TABLE cache_storage (id CHAR(36) PRIMARY KEY, ${M_BESIDE_ID})`,
        `INSERT INTO cache_storage VALUES ('1', 'names', 'old', '"kept"')`,
      ],
      refused: /column id, .* has to be filled in/,
    },
    {
      name: 'whose key others refer to',
      seed: [
        ...onMariadb(`id INT NOT NULL DEFAULT 0, ${M_BYTES}, ${M_REST}, ${M_KEY}, UNIQUE \`k\`\`x\` (id)`),
        'CREATE TABLE `child``x` (id INT, CONSTRAINT `f``x` FOREIGN KEY (id) REFERENCES cache_storage (id))',
      ],
      refused: /unique key k`x on \(id\) takes rows for the same/,
    },
    {
      name: 'with several rows of one key, and a computed column',
      seed: [
        ...onMariadb(
          'namespace VARCHAR(50), `key` VARCHAR(50), value TEXT, size INT AS (LENGTH(value)) STORED',
        ),
        `INSERT INTO cache_storage (namespace, \`key\`, value) VALUES ('names', 'old', '"kept"')`,
      ],
      refused: /several rows of \["names","old"\]/,
    },
    {
      name: 'with several rows of one key, in parts',
      seed: [
        ...onMariadb(
          `${M_BYTES}, ${M_REST}, part INT NOT NULL DEFAULT 0`,
          'PARTITION BY HASH (part) PARTITIONS 2',
        ),
        `INSERT INTO cache_storage (namespace, \`key\`, value) VALUES ('names', 'old', '"kept"')`,
      ],
      refused: /several rows of \["names","old"\]/,
    },
    {
      name: 'whose keys are padded',
      seed: [
        `CREATE TABLE cache_storage (namespace VARCHAR(9), \`key\` BINARY(3), value TEXT, ${M_KEY})`,
        OLD.replace(' key', ' `key`'),
      ],
      refused: /key is of type binary\(3\)/,
    },
    {
      name: 'with a time that is a number',
      seed: onMariadb(
        `namespace VARCHAR(50), \`key\` VARCHAR(50), value TEXT, updated_at BIGINT NOT NULL DEFAULT 0, ${M_KEY}`,
      ),
      refused: /updated_at is of type bigint/,
    },
    {
      name: 'with a time that is a text',
      seed: [
        "CREATE TABLE cache_storage (namespace VARCHAR(50), `key` VARCHAR(50), value TEXT, updated_at VARCHAR(30) CHARACTER SET utf8mb4 NOT NULL DEFAULT 'früh morgens 🌅', PRIMARY KEY (namespace, `key`)) CHARACTER SET latin1",
        OLD.replace(' key', ' `key`'),
      ],
      refused:
        /updated_at is of type varchar\(30\).* CHANGE .* varchar\(30\) CHARACTER SET utf8mb4 COLLATE \w+ NULL/s,
    },
    {
      name: 'unique by key alone',
      seed: onMariadb('namespace VARCHAR(50), `key` VARCHAR(50) PRIMARY KEY, value TEXT'),
      refused: /PRIMARY on \(key\) takes rows for the same/,
    },
    {
      name: 'unique by what a key begins with',
      seed: onMariadb(
        'namespace VARCHAR(50), `key` VARCHAR(50), value TEXT, PRIMARY KEY (namespace, `key`(2))',
      ),
      refused: /PRIMARY on \(namespace, key\) takes rows for the same/,
    },
    {
      name: 'unique by a column that is always the same',
      seed: onMariadb(
        `namespace VARCHAR(50), \`key\` VARCHAR(50), value TEXT, tenant INT NOT NULL DEFAULT 0 UNIQUE, ${M_KEY}`,
      ),
      refused: /on \(tenant\) takes rows for the same/,
    },
    {
      name: 'with a column that has to be filled in',
      seed: [
        `CREATE TABLE cache_storage (namespace VARCHAR(50), \`key\` VARCHAR(50), value TEXT, owner VARCHAR(9) NOT NULL, ${M_KEY})`,
        `INSERT INTO cache_storage VALUES ('names', 'old', '"kept"', 'me')`,
      ],
      refused: /column owner, which the cache does not know, has to be filled in/,
    },
    {
      name: 'of another kind',
      seed: ['CREATE TABLE cache_storage (id INT)'],
      keepsOld: false,
      refused: /no column namespace/,
    },
    {
      name: 'that is a view',
      seed: ['CREATE TABLE t (namespace INT)', 'CREATE VIEW cache_storage AS SELECT * FROM t'],
      keepsOld: false,
      refused: /no table but a view/,
    },
    {
      name: 'with several rows of one key',
      seed: [
        ...onMariadb('namespace VARCHAR(50), `key` VARCHAR(50), value TEXT'),
        `INSERT INTO cache_storage VALUES ('names', 'twice', '1'), ('names', 'twice', '2'), ('names', 'old', '"kept"')`,
      ],
      refused: /several rows of \["names","old"\], \["names","twice"\]/,
    },
  ],
};

for (const { type, server, run, empty, catalogue, good, bad } of [POSTGRES, MARIADB])
  describe.skipIf(server === undefined)(`a table of others on ${type}`, () => {
    let database: Promise<string> | undefined;
    /** In one database, emptied: to make one takes longer than all else. */
    const make = async (seed: readonly string[]): Promise<{ url: string; storage: DataSourceOptions }> => {
      database ??= server?.newDatabase();
      const url = (await database) ?? '';
      await run(url, [...empty(new URL(url).pathname.slice(1)), ...seed].join(';\n'));
      return { url, storage: { type, url } };
    };

    it.each(named(good))('%s keeps what was acknowledged', async (_name, { seed, ...rest }) => {
      const { storage } = await make(seed);
      await expectKept(storage, rest);
    });

    it.each(named(bad))(
      '%s is refused, row for row as it was, until its remedy is run',
      async (_name, foreign) => {
        const { url, storage } = await make(foreign.seed);
        const dump = async (): Promise<unknown> => {
          const db = await new DataSource(storage).initialize();
          const rows = (await db.query('SELECT * FROM cache_storage')) as Record<string, unknown>[];
          // The statements about tables of MySQL and MariaDB are no part of a transaction.
          const answer =
            type === 'postgres'
              ? [rows, await db.query(catalogue)]
              : rows.map((row) => String(row['value'])).toSorted();
          await db.destroy();
          return answer;
        };
        await expectMended(storage, foreign, { run: (sql) => run(url, sql), dump });
      },
    );

    it('that is in order is not written to by a start, nor does that wait for those who lock it against writes', async () => {
      const { url, storage } = await make([]);
      await expectKept(storage, { keepsOld: false });
      const db = await new DataSource(storage).initialize();
      const before = await db.query('SELECT * FROM cache_storage');
      const other = db.createQueryRunner();
      await other.query(type === 'postgres' ? 'BEGIN' : 'LOCK TABLES cache_storage READ');
      if (type === 'postgres') await other.query('LOCK TABLE cache_storage IN SHARE MODE');
      const opened = new TypeOrmStorage({ storage: { type, url }, migrationsRun: true, synchronous: 'full' });
      await opened.open();
      await opened.close();
      await other.query(type === 'postgres' ? 'COMMIT' : 'UNLOCK TABLES');
      await other.release();
      expect(await db.query('SELECT * FROM cache_storage')).toEqual(before);
      await db.destroy();
    });
  });

for (const { type, server, run } of [POSTGRES, MARIADB])
  describe.skipIf(server === undefined)(`the remedy of a table of others on ${type}`, () => {
    const key = type === 'postgres' ? 'key' : '`key`';
    const make = async (...seed: string[]): Promise<{ url: string; storage: DataSourceOptions }> => {
      const url = (await server?.newDatabase()) ?? '';
      for (const statement of seed) await run(url, statement);
      return { url, storage: { type, url } };
    };

    it.each([
      ['table', 'CREATE TABLE cache_storage (id INT)', 'the rows stay'],
      ['view', 'CREATE VIEW cache_storage AS SELECT 1 AS id', 'the view stays'],
    ])('that sets a %s aside says so, under a name that is free', async (_kind, seed, stays) => {
      const { url, storage } = await make(seed, 'CREATE TABLE cache_storage_before (id INT)');
      const message = await refusalOf(storage);
      expect(message).toContain(`The cache then begins empty: ${stays} as cache_storage_before_2.`);
      await run(url, remedyIn(message));
      await run(url, 'SELECT * FROM cache_storage_before_2');
      await expectKept(storage, { keepsOld: false });
    });

    it('can be run again after it stopped at any of its statements', async () => {
      const { url, storage } = await make(
        `CREATE TABLE cache_storage (namespace VARCHAR(50), ${key} VARCHAR(50), value TEXT, updated_at TIMESTAMP NULL)`,
        `INSERT INTO cache_storage VALUES ('names', 'old', '"kept"', '2026-01-02 00:00:00'), ('names', 'old', '"older"', '2026-01-01 00:00:00')`,
      );
      const message = await refusalOf(storage);
      const statements = remedyIn(message).split('\n');
      for (let done = 1; done < statements.length; done += 1) {
        // On its own, as in a shell that lost its connection.
        if (type === 'mariadb') for (const statement of statements.slice(0, done)) await run(url, statement);
        expect(await refusalOf(storage)).toBe(message);
      }
      await run(url, statements.join('\n'));
      await expectKept(storage, {});
    });
  });

describe.skipIf(MARIADB.server === undefined)('a remedy of MariaDB', () => {
  it('puts no table without the rows in the place of the old one, when a shell goes on after an error', async () => {
    const url = (await MARIADB.server?.newDatabase()) ?? '';
    await MARIADB.run(
      url,
      'CREATE TABLE cache_storage (namespace VARBINARY(600), `key` VARBINARY(2048), value LONGTEXT, updated_at DATETIME(3))',
    );
    // One of them is too long for the column of the new table.
    await MARIADB.run(
      url,
      "INSERT INTO cache_storage (namespace, `key`, value) VALUES ('n', 'a', '1'), ('n', 'a', '2'), (REPEAT('n', 600), 'b', '3')",
    );
    const storage = { type: 'mariadb', url } as const;
    const message = await refusalOf(storage);
    const failed: string[] = [];
    for (const statement of remedyIn(message).split('\n'))
      await MARIADB.run(url, statement).catch(() => failed.push(statement));
    expect(failed).toEqual([expect.stringMatching(/^CREATE/), expect.stringMatching(/^RENAME/)]);
    expect(await refusalOf(storage)).toBe(message);
  });

  it.each([
    ['CREATE TABLE cache_storage (id INT)'],
    [
      'CREATE TABLE cache_storage (namespace VARCHAR(50), `key` VARCHAR(50), value TEXT)',
      "INSERT INTO cache_storage VALUES ('n', 'a', '1'), ('n', 'a', '2')",
    ],
  ])('that renames tables names the rights it needs: %s', async (...seed) => {
    const url = new URL((await MARIADB.server?.newDatabase()) ?? '');
    for (const statement of seed) await MARIADB.run(url.href, statement);
    const message = await refusalOf({ type: 'mariadb', url: url.href });
    const rights = /The statements need the rights ([A-Z, and]+)\./
      .exec(message)?.[1]
      ?.replace(' and ', ', ');
    const database = url.pathname.slice(1);
    await MARIADB.server?.run(`CREATE USER '${database}' IDENTIFIED BY 'secret'`);
    await MARIADB.server?.run(`GRANT ${rights} ON ${database}.* TO '${database}'`);
    const restricted = Object.assign(new URL(url), { username: database, password: 'secret' });
    try {
      await MARIADB.run(restricted.href, remedyIn(message));
    } finally {
      await MARIADB.server?.run(`DROP USER '${database}'`);
    }
    await expectKept({ type: 'mariadb', url: url.href }, { keepsOld: false });
  });
});

describe.skipIf(POSTGRES.server === undefined)('a database of PostgreSQL', () => {
  it('whose encoding lacks characters is refused', async () => {
    const url = new URL((await POSTGRES.server?.newDatabase()) ?? '');
    const database = url.pathname.slice(1);
    await POSTGRES.server?.run(`DROP DATABASE ${database}`);
    await POSTGRES.server?.run(
      `CREATE DATABASE ${database} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    );
    expect(await refusalOf({ type: 'postgres', url: url.href })).toMatch(/ENCODING 'UTF8'/);
  });
});
