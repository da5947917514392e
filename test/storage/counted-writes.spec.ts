import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Atom, AtomOutcome, Stamp, StampedEntry } from '../../src/index.js';
import { query } from '../../src/storage/sql/execute.js';
import { SqliteDialect } from '../../src/storage/sqlite/dialect.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { sqliteFiles } from '../contract/sql-storage.js';

const NOW = 1_000_000;
const OLD = 11;
const NEW = 22;
const newFile = sqliteFiles();

const put = (key: string, value: string, expects: Stamp | null | undefined): Atom => [
  { namespace: 'n', key, value, expiresAt: null, expects },
];
const commit = (stamp: Stamp): { stamp: Stamp; now: number } => ({ stamp, now: NOW });
const kinds = (outcomes: readonly AtomOutcome[]): string[] => outcomes.map(({ kind }) => kind);

describe('rows that one statement of SQLite compares and sets, and counts', () => {
  let other: DataSource;
  let storage: TypeOrmStorage;
  /** What another process does before the winners are read; `undefined` for nothing. */
  let meanwhile: string | undefined;
  /** With what the winners are read in vain. */
  let refusal: Error | undefined;

  beforeEach(async () => {
    meanwhile = undefined;
    refusal = undefined;
    const options = { type: 'sqlite', database: newFile() } as const;
    class Watched extends SqliteDialect {
      override async read(...given: Parameters<SqliteDialect['read']>): Promise<StampedEntry[]> {
        if (meanwhile !== undefined) await other.query(meanwhile);
        if (refusal !== undefined) throw refusal;
        return super.read(...given);
      }
    }
    storage = new TypeOrmStorage(
      { storage: options, migrationsRun: true, synchronous: 'full' },
      () => new Watched(false, query),
    );
    await storage.open();
    other = await new DataSource(options).initialize();
    await storage.write(
      ['a', 'b', 'c'].map((key) => put(key, 'old', undefined)),
      commit(OLD),
    );
  });

  afterEach(async () => {
    await other.destroy();
    await storage.close();
  });

  /** What there is, as `key=value@stamp`. */
  async function stored(): Promise<string[]> {
    const { rows } = await storage.load('n', { after: undefined, limit: 100, now: NOW });
    return rows.map(({ key, value, stamp }) => `${key}=${value}@${stamp}`);
  }

  it('are told apart by the stamp that the winners have', async () => {
    const atoms = [
      put('a', 'new', OLD),
      put('b', 'new', OLD + 1),
      put('c', 'new', OLD),
      put('d', 'new', OLD),
    ];
    expect(kinds(await storage.write(atoms, commit(NEW)))).toEqual([
      'committed',
      'conflict',
      'committed',
      'conflict',
    ]);
    expect(await stored()).toEqual(['a=new@22', 'b=old@11', 'c=new@22']);
  });

  it.each([
    ['written', "UPDATE cache_storage SET value = 'theirs', version = 99 WHERE key = 'a'"],
    ['removed', "DELETE FROM cache_storage WHERE key = 'a'"],
  ])('are in doubt where some have lost and another process has %s a winner since', async (_, sql) => {
    meanwhile = sql;
    const atoms = [put('a', 'new', OLD), put('b', 'new', OLD + 1), put('c', 'new', OLD)];
    const error: unknown = await storage.write(atoms, commit(NEW)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: expect.stringContaining('nobody can tell') as string });
    expect(storage.classify(error)).toBe('transient');
    expect(storage.isUndone(error)).toBe(false);
  });

  it.each(['DATABASE_FILE_GONE', 'SQLITE_LOCKED_SHAREDCACHE'])(
    'are in doubt where some have lost and the winners can’t be read (%s), which undoes nothing',
    async (code) => {
      refusal = Object.assign(new Error('No.'), { code });
      const atoms = [put('a', 'new', OLD), put('b', 'new', OLD + 1)];
      const error: unknown = await storage.write(atoms, commit(NEW)).catch((reason: unknown) => reason);
      refusal = undefined;
      expect(await stored()).toEqual(['a=new@22', 'b=old@11', 'c=old@11']);
      expect(error).toMatchObject({ code });
      expect(storage.isUndone(error)).toBe(false);
    },
  );

  it('need no second look where all have won, or all have lost', async () => {
    meanwhile = 'THIS IS NO SQL';
    const atoms = (expects: Stamp): Atom[] => ['a', 'b'].map((key) => put(key, 'new', expects));
    expect(kinds(await storage.write(atoms(OLD), commit(NEW)))).toEqual(['committed', 'committed']);
    expect(kinds(await storage.write(atoms(OLD), commit(NEW + 1)))).toEqual(['conflict', 'conflict']);
  });

  it('are not read by their namespace, whatever SQLite knows of the table', async () => {
    await other.query(`INSERT INTO cache_storage (namespace, key, value)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT 'n', 'k' || i, '1' FROM n`);
    const dialect = new SqliteDialect(false, query);
    for (const statistics of ['SELECT 1', 'ANALYZE']) {
      await other.query(statistics);
      for (const expiresAt of [null, NOW]) {
        const rows = ['a', 'b'].map((key) => ({ namespace: 'n', key, value: '1', expiresAt, expects: OLD }));
        const { sql, parameters } = dialect.counted(rows, commit(NEW)) ?? { sql: '', parameters: [] };
        const plan: { detail: string }[] = await other.query(`EXPLAIN QUERY PLAN ${sql}`, parameters);
        expect(plan.map(({ detail }) => detail)).toEqual([
          expect.stringMatching(/^SCAN given VIRTUAL TABLE/),
          expect.stringMatching(/^SEARCH cache_storage USING INDEX \S+ \(namespace=\? AND key=\?\)/),
        ]);
      }
    }
  });
});
