import type { DataSource, QueryRunner } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Atom, AtomOutcome, RowWrite, Stamp } from '../../src/index.js';
import { driverErrorOf } from '../../src/storage/driver-error.js';
import { MysqlDialect } from '../../src/storage/mysql/dialect.js';
import { execute, query } from '../../src/storage/sql/execute.js';
import type { Statement } from '../../src/storage/sql/statement.js';
import type { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { connectTo, MARIADB, storageOf, until } from '../support/server-kind.js';
import { mariadbServer } from '../support/services.js';

const server = await mariadbServer();
const MEGABYTE = 2 ** 20;
const SUSPENDED_MS = 5500;

interface Expecting {
  readonly expects?: Stamp | null;
  readonly namespace?: string;
}

function put(key: string, value: string, { expects, namespace = 'n' }: Expecting = {}): RowWrite {
  return { namespace, key, value, expiresAt: null, expects };
}

function remove(key: string, { expects, namespace = 'n' }: Expecting = {}): RowWrite {
  return { namespace, key, value: undefined, expiresAt: null, expects };
}

const each = (rows: readonly RowWrite[]): Atom[] => rows.map((row) => [row]);
const kinds = (outcomes: readonly AtomOutcome[]): string[] => outcomes.map(({ kind }) => kind);
const keyOf = (i: number): string => `k${String(i).padStart(4, '0')}`;

describe.skipIf(server === undefined)('a conditional write to MariaDB', () => {
  let url: string;
  let db: DataSource;
  let others: QueryRunner[];
  let storages: TypeOrmStorage[];
  let storage: TypeOrmStorage;
  let stamp: Stamp;

  beforeEach(async () => {
    if (server === undefined) return;
    stamp = 1000;
    url = await server.newDatabase();
    db = await connectTo(MARIADB, url);
    others = [db.createQueryRunner(), db.createQueryRunner()];
    storages = [];
    storage = await opened();
  });

  afterEach(async () => {
    if (server === undefined) return;
    for (const other of others) await other.release();
    for (const open of storages) await open.close();
    await db.destroy();
  });

  async function opened(more: object = {}): Promise<TypeOrmStorage> {
    const made = storageOf(MARIADB, url, more);
    await made.open();
    storages.push(made);
    return made;
  }

  /** Writes each with a stamp of its own, as the cache does. */
  async function write(atoms: readonly Atom[], by = storage): Promise<string[]> {
    stamp += 1;
    return kinds(await by.write(atoms, { stamp, now: 1 }));
  }

  /** Stores rows whose stamp this gives. */
  async function stored(...rows: readonly RowWrite[]): Promise<Stamp> {
    await write([rows]);
    return stamp;
  }

  async function rowsOf(...keys: readonly string[]): Promise<Record<string, [string, Stamp]>> {
    const rows = await storage.read('n', keys);
    return Object.fromEntries(rows.map((row) => [row.key, [row.value, row.stamp]]));
  }

  it('has winners and losers of each kind in one write', async () => {
    const old = await stored(...['a', 'b', 'c', 'd', 'e', 'f'].map((key) => put(key, '"old"')));
    const outcomes = await write(
      each([
        put('a', '"new"', { expects: old }),
        put('b', '"new"', { expects: old + 1 }),
        put('gone', '"new"', { expects: old }),
        put('c', '"new"', { expects: null }),
        put('x', '"new"', { expects: null }),
        remove('d', { expects: old }),
        remove('e', { expects: old + 1 }),
        remove('gone too', { expects: old }),
        remove('f', { expects: null }),
        remove('y', { expects: null }),
        put('z', '"new"'),
        put('a', '"new"', { expects: null, namespace: 'm' }),
      ]),
    );
    expect(outcomes.map((outcome) => outcome === 'committed')).toEqual([
      true,
      false,
      false,
      false,
      true,
      true,
      false,
      false,
      false,
      true,
      true,
      true,
    ]);
    expect(await rowsOf('a', 'b', 'c', 'd', 'e', 'f', 'x', 'y', 'z', 'gone', 'gone too')).toEqual({
      a: ['"new"', stamp],
      b: ['"old"', old],
      c: ['"old"', old],
      e: ['"old"', old],
      f: ['"old"', old],
      x: ['"new"', stamp],
      z: ['"new"', stamp],
    });
  });

  it.each([
    ['an update', put('a', '"new"')],
    ['a removal', remove('a')],
  ])('of a lone row, %s, wins or loses by its stamp', async (_what, row) => {
    const old = await stored(put('a', '"old"'));
    expect(await write([[{ ...row, expects: old + 1 }]])).toEqual(['conflict']);
    expect(await rowsOf('a')).toEqual({ a: ['"old"', old] });
    expect(await write([[{ ...row, expects: old }]])).toEqual(['committed']);
    expect(await rowsOf('a')).toEqual(row.value === undefined ? {} : { a: ['"new"', stamp] });
    expect(await write([[{ ...row, expects: old }]])).toEqual(['conflict']);
  });

  it('of a lone row that is to be absent wins once', async () => {
    expect(await write([[put('a', '"1"', { expects: null })]])).toEqual(['committed']);
    const first = stamp;
    expect(await write([[put('a', '"2"', { expects: null })]])).toEqual(['conflict']);
    expect(await write([[remove('a', { expects: null })]])).toEqual(['conflict']);
    expect(await write([[remove('b', { expects: null })]])).toEqual(['committed']);
    expect(await rowsOf('a', 'b')).toEqual({ a: ['"1"', first] });
  });

  it('is the same where the server counts rows that are found, as drivers ask for', async () => {
    const old = await stored(put('a', '"old"'), put('b', '"old"'), put('c', '"old"'));
    const [runner] = others as [QueryRunner];
    const transaction = {
      execute: (statement: Statement) => execute(runner, statement),
      query: (statement: Statement) => query(runner, statement),
    };
    const dialect = new MysqlDialect(() => MEGABYTE);
    const lost = [put('b', '"old"', { expects: old + 1 }), put('c', '"old"', { expects: null })];
    const won = [put('a', '"old"', { expects: old }), put('x', '"new"', { expects: null })];
    const commit = { stamp: old + 2, now: 1 };
    expect(await dialect.compareAndSet(transaction, [...lost, ...won], commit)).toEqual(lost);
    expect(await dialect.compareAndSet(transaction, lost, commit)).toEqual(lost);
  });

  it('that is tried again with its stamp, after it had committed, is in conflict', async () => {
    const old = await stored(put('a', '"old"'), put('b', '"old"'));
    const atoms = each([
      put('a', '"new"', { expects: old }),
      put('x', '"new"', { expects: null }),
      remove('b', { expects: old }),
    ]);
    const commit = { stamp: old + 1, now: 1 };
    expect(kinds(await storage.write(atoms, commit))).toEqual(['committed', 'committed', 'committed']);
    expect(kinds(await storage.write(atoms, commit))).toEqual(['conflict', 'conflict', 'conflict']);
  });

  it.each([2, 30, 1000])('of %i keys leaves out every third, which another has written', async (count) => {
    const keys = Array.from({ length: count }, (_, i) => keyOf(i));
    const isLost = (i: number): boolean => i % 3 === 1;
    const expected = keys.map((_, i) => (isLost(i) ? 'conflict' : 'committed'));
    const lost = keys.filter((_, i) => isLost(i));

    await stored(...lost.map((key) => put(key, '"theirs"')));
    expect(await write(each(keys.map((key) => put(key, '"mine"', { expects: null }))))).toEqual(expected);
    const inserted = stamp;
    await stored(...lost.map((key) => put(key, '"theirs"')));
    const updates = keys.map((key) => put(key, '"mine too"', { expects: inserted }));
    expect(await write(each(updates))).toEqual(expected);
    const updated = stamp;
    expect(await write(each(keys.map((key) => remove(key, { expects: updated }))))).toEqual(expected);
    const left = await storage.read('n', keys);
    expect(left.map(({ key }) => key).toSorted()).toEqual(lost);
    expect(left.every(({ value }) => value === '"theirs"')).toBe(true);
  });

  it('leaves out the whole of an atom of which a half has lost, and writes the others', async () => {
    const old = await stored(put('a', '"old"'), put('b', '"old"'), put('c', '"old"'));
    const outcomes = await write([
      [remove('a', { expects: old }), put('x', '"moved"', { expects: null })],
      [remove('b', { expects: old }), put('c', '"moved"', { expects: null })],
      [put('y', '"blind"'), put('c', '"new"', { expects: old + 1 })],
      [put('z', '"new"', { expects: null })],
    ]);
    expect(outcomes).toEqual(['committed', 'conflict', 'conflict', 'committed']);
    expect(await rowsOf('a', 'b', 'c', 'x', 'y', 'z')).toEqual({
      b: ['"old"', old],
      c: ['"old"', old],
      x: ['"moved"', stamp],
      z: ['"new"', stamp],
    });
  });

  it('takes rows that no cache has written by their stamp 0', async () => {
    await db.query(
      "INSERT INTO cache_storage (namespace, `key`, value) VALUES ('n', 'a', '1'), ('n', 'b', '1')",
    );
    expect((await storage.read('n', ['a']))[0]?.stamp).toBe(0);
    const atoms = each([
      put('a', '2', { expects: 0 }),
      put('b', '2', { expects: null }),
      put('c', '2', { expects: 0 }),
    ]);
    expect(await write(atoms)).toEqual(['committed', 'conflict', 'conflict']);
    expect(await rowsOf('a', 'b', 'c')).toEqual({ a: ['2', stamp], b: ['1', 0] });
  });

  it('takes a row that has expired for one that is there', async () => {
    const old = await stored({ ...put('a', '"old"'), expiresAt: 0 }, { ...put('b', '"old"'), expiresAt: 0 });
    const atoms = each([put('a', '"new"', { expects: old }), put('b', '"new"', { expects: null })]);
    expect(await write(atoms)).toEqual(['committed', 'conflict']);
    expect(await rowsOf('a', 'b')).toEqual({ a: ['"new"', stamp], b: ['"old"', old] });
  });

  it('loses where a row was removed and inserted again with the same text', async () => {
    const old = await stored(put('a', '"same"'));
    await write([[remove('a', { expects: old })]]);
    await write([[put('a', '"same"', { expects: null })]]);
    expect(await write([[put('a', '"new"', { expects: old })]])).toEqual(['conflict']);
  });

  it('keeps to the packet of the server, which refuses longer statements by ending the connection', async () => {
    const keys = Array.from({ length: 12 }, (_, i) => keyOf(i));
    const large = JSON.stringify('x'.repeat(2 * MEGABYTE));
    expect(await write(each(keys.map((key) => put(key, large, { expects: null }))))).toEqual(
      keys.map(() => 'committed'),
    );
    const inserted = stamp;
    const updates = keys.map((key, i) => put(key, large, { expects: inserted + (i === 7 ? 1 : 0) }));
    expect(await write(each(updates))).toEqual(keys.map((_, i) => (i === 7 ? 'conflict' : 'committed')));
    const tooLarge = put('a', 'x'.repeat(17 * MEGABYTE), { expects: null });
    const error: unknown = await write([[tooLarge]]).catch((reason: unknown) => reason);
    expect(storage.classify(error)).toBe('permanent');
    expect(await write([[put('a', '"small"', { expects: null })]])).toEqual(['committed']);
  });

  it('that races for an absent key wins on one connection alone', async () => {
    const rival = await opened();
    for (let race = 0; race < 50; race += 1) {
      const key = keyOf(race);
      const outcomes = await Promise.all(
        [storage, rival].map((by, i) => write([[put(key, `"${i}"`, { expects: null })]], by)),
      );
      expect(outcomes.flat().toSorted()).toEqual(['committed', 'conflict']);
      const winner = outcomes.findIndex(([outcome]) => outcome === 'committed');
      expect(await rowsOf(key)).toEqual({ [key]: [`"${winner}"`, stamp - 1 + winner] });
    }
  });

  it.each([
    ['commits', 'conflict'],
    ['rolls back', 'committed'],
  ])('waits for another that inserts the key, which then %s: %s', async (end, outcome) => {
    const [other] = others as [QueryRunner];
    await other.startTransaction();
    await other.query("INSERT INTO cache_storage (namespace, `key`, value) VALUES ('n', 'a', '\"theirs\"')");
    const outcomes = write([[put('a', '"mine"', { expects: null })]]);
    await until(db, MARIADB.waiting, (n) => n > 0);
    await (end === 'commits' ? other.commitTransaction() : other.rollbackTransaction());
    expect(await outcomes).toEqual([outcome]);
  });

  it.each([1, 10])('that races with another for %i rows loses none of their updates', async (count) => {
    const rival = await opened();
    const keys = Array.from({ length: count }, (_, i) => keyOf(i));
    await stored(...keys.map((key) => put(key, '0')));
    const wins = [storage, rival].map(async (by) => {
      let won = 0;
      for (let race = 0; race < 50; race += 1) {
        const rows = await by.read('n', keys);
        const next = rows.map((row) => put(row.key, `${Number(row.value) + 1}`, { expects: row.stamp }));
        // The order is that of others too, so that no deadlock ends a write.
        const outcomes = await write(each(next), by);
        won += outcomes.filter((outcome) => outcome === 'committed').length;
      }
      return won;
    });
    const [mine = 0, theirs = 0] = await Promise.all(wins);
    const rows = await storage.read('n', keys);
    expect(rows.reduce((sum, { value }) => sum + Number(value), 0)).toBe(mine + theirs);
    expect(mine + theirs).toBeGreaterThanOrEqual(50 * count);
  });

  it.each([
    ['that reads rows to modify them', [] as string[]],
    ['that compares the stamps of several rows to remove', ['a', 'b']],
  ])('%s lets nobody else write them before it has committed', async (_what, removed) => {
    const old = await stored(put('a', '"old"'), put('b', '"old"'));
    const [runner, other] = others as [QueryRunner, QueryRunner];
    await other.query('SET SESSION innodb_lock_wait_timeout = 1');
    const change = async (): Promise<string> => {
      const changing = other.query(
        `UPDATE cache_storage SET value = '1' WHERE namespace = 'n' AND \`key\` = 'a'`,
      );
      return changing.then(
        () => 'changed',
        (error: unknown) => driverErrorOf(error).code ?? '',
      );
    };
    let meanwhile = '';
    const transaction = {
      execute: ({ sql, parameters }: Statement) => runner.query(sql, parameters) as Promise<number>,
      query: async ({ sql, parameters }: Statement) => {
        const found = (await runner.query(sql, parameters)) as unknown[];
        meanwhile = await change();
        return found;
      },
    };
    const dialect = new MysqlDialect(() => MEGABYTE);
    await runner.startTransaction();
    if (removed.length === 0) await dialect.lock(transaction, 'n', ['a', 'b']);
    else {
      const removals = removed.map((key) => remove(key, { expects: old }));
      expect(await dialect.compareAndSet(transaction, removals, { stamp: 1, now: 1 })).toEqual([]);
    }
    expect(meanwhile).toBe('ER_LOCK_WAIT_TIMEOUT');
    await runner.commitTransaction();
    expect(await change()).toBe('changed');
  });

  it('that modifies decides on what the one before it has committed, with any number of keys', async () => {
    const keys = Array.from({ length: 1100 }, (_, i) => keyOf(i));
    await stored(...keys.map((key) => put(key, '0')));
    const rival = await opened();
    const modify = (by: TypeOrmStorage): Promise<readonly AtomOutcome[]> =>
      by.modify(
        'n',
        keys,
        (rows) => rows.map((row) => [put(row.key, `${Number(row.value) + 1}`, { expects: row.stamp })]),
        { stamp: (stamp += 1), now: 1 },
      );
    const outcomes = (await Promise.all([storage, rival, storage, rival].map(modify))).map(kinds);
    expect(new Set(outcomes.flat())).toEqual(new Set(['committed']));
    const rows = await storage.read('n', keys.slice(0, 500));
    expect(rows.every(({ value }) => value === '4')).toBe(true);
  });

  it('that expects absence removes nothing, whoever inserts the row after it was looked for', async () => {
    const [runner, other] = others as [QueryRunner, QueryRunner];
    const dialect = new MysqlDialect(() => MEGABYTE);
    const transaction = {
      execute: (): Promise<number> => expect.unreachable('There is nothing to execute.'),
      query: async ({ sql, parameters }: Statement) => {
        const found = (await runner.query(sql, parameters)) as unknown[];
        await other.query("INSERT INTO cache_storage (namespace, `key`, value) VALUES ('n', 'a', '1')");
        return found;
      },
    };
    const losers = await dialect.compareAndSet(transaction, [remove('a', { expects: null })], {
      stamp: 1,
      now: 1,
    });
    expect(losers).toEqual([]);
    expect(await rowsOf('a')).toEqual({ a: ['1', 0] });
  });

  it('keeps nobody from inserting beside the keys that it has found absent', async () => {
    await stored(put('z', '"old"'));
    const [holding, inserting] = others as [QueryRunner, QueryRunner];
    await holding.startTransaction();
    await holding.query("UPDATE cache_storage SET value = '1' WHERE namespace = 'n' AND `key` = 'z'");
    const modified = storage.modify('n', ['a'], () => [[put('z', '"new"')]], { stamp: 1, now: 1 });
    await until(db, MARIADB.waiting, (n) => n > 0);
    await inserting.query('SET SESSION innodb_lock_wait_timeout = 1');
    await inserting.query("INSERT INTO cache_storage (namespace, `key`, value) VALUES ('n', 'b', '1')");
    await holding.commitTransaction();
    expect(kinds(await modified)).toEqual(['committed']);
  });

  it('that the server ends, since it and another wait for each other, is tried again by the cache', async () => {
    const old = await stored(put('a', '"old"'), put('b', '"old"'));
    const [other] = others as [QueryRunner];
    const hold = (key: string): Promise<unknown> =>
      other.query(`UPDATE cache_storage SET value = '"held"' WHERE namespace = 'n' AND \`key\` = '${key}'`);
    await other.startTransaction();
    // The one that has changed less is ended.
    for (let i = 0; i < 50; i += 1)
      await other.query(`INSERT INTO cache_storage (namespace, \`key\`, value) VALUES ('m', 'x${i}', '1')`);
    await hold('b');
    const failed = write(each(['a', 'b'].map((key) => put(key, '"new"', { expects: old })))).catch(
      (error: unknown) => error,
    );
    // Long enough to have locked the first row: what prepares the write is under way before it.
    await until(db, `${MARIADB.waiting} AND time_ms > 50`, (n) => n > 0);
    await hold('a');
    const error = await failed;
    expect(error).toMatchObject({ code: 'ER_LOCK_DEADLOCK' });
    expect(storage.classify(error)).toBe('transient');
    await other.rollbackTransaction();
    expect(await rowsOf('a', 'b')).toEqual({ a: ['"old"', old], b: ['"old"', old] });
  });

  it('works on a table that has another key in place of the primary key', async () => {
    await db.query(
      'ALTER TABLE cache_storage DROP PRIMARY KEY, ADD UNIQUE KEY `it``s mine` (`key`, namespace)',
    );
    const adopting = await opened();
    const old = await stored(put('a', '"old"'), put('b', '"old"'));
    const atoms = each([put('a', '"new"', { expects: old }), put('b', '"new"', { expects: 1 })]);
    expect(await write(atoms, adopting)).toEqual(['committed', 'conflict']);
  });

  it.each([
    ['is empty', 0],
    ['has two rows', 2],
    ['was empty when its rows were counted', 5000],
  ])('finds its rows by the primary key, in order, where the table %s', async (_what, count) => {
    await db.query('ANALYZE TABLE cache_storage PERSISTENT FOR ALL');
    if (count > 0) await stored(...Array.from({ length: count }, (_, i) => put(keyOf(i), '"x"')));
    const [runner] = others as [QueryRunner];
    const dialect = new MysqlDialect(() => MEGABYTE);
    await dialect.tableFaults(runner, 'migrated');
    const plans: string[] = [];
    const explain = async (sql: string, parameters: unknown[]): Promise<void> => {
      const steps = (await runner.query(`EXPLAIN ${sql}`, parameters)) as Record<string, unknown>[];
      const step = steps.find(({ table }) => table === 't' || table === 'cache_storage');
      plans.push(`${String(step?.['type'])} ${String(step?.['key'])}`);
    };
    const rows = [0, 1, 2].map((i) => put(keyOf(i * 100), '"new"', { expects: stamp }));
    const transaction = {
      execute: async ({ sql, parameters }: Statement) => {
        await explain(sql, parameters);
        return 0;
      },
      query: async () => [],
    };
    await dialect.compareAndSet(transaction, rows, { stamp: 1, now: 1 });
    await dialect.compareAndSet(transaction, rows.slice(0, 1), { stamp: 1, now: 1 });
    expect(plans).toEqual(['eq_ref PRIMARY', 'range PRIMARY']);
  });

  it('lets go of its rows when its process is suspended in the middle of it', async () => {
    const old = await stored(put('a', '"old"'));
    const modified = storage.modify(
      'n',
      ['a'],
      () => {
        // Nothing of this process runs meanwhile.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SUSPENDED_MS);
        return each([put('a', '"mine"', { expects: old })]);
      },
      { stamp: old + 1, now: 1 },
    );
    const error: unknown = await modified.catch((reason: unknown) => reason);
    expect(storage.classify(error)).toBe('transient');
    expect(error).toBeInstanceOf(Error);
    expect(await write(each([put('a', '"theirs"', { expects: old })]))).toEqual(['committed']);
  });
});
