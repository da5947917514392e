import pg from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Atom, AtomOutcome, RowWrite, Stamp, StampedEntry } from '../../src/index.js';
import type { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { connectTo, POSTGRES, storageOf, until } from '../support/server-kind.js';
import { postgresServer } from '../support/services.js';

const server = await postgresServer();
const OLD = 11;
const NEW = 22;
const RACES = 50;
/** Longer than a transaction of the cache may wait for its next statement. */
const SUSPENDED_MS = 4500;

const put = (key: string, value: string, expects?: Stamp | null): RowWrite => ({
  namespace: 'n',
  key,
  value,
  expiresAt: null,
  expects,
});
const remove = (key: string, expects?: Stamp | null): RowWrite => ({
  ...put(key, ''),
  value: undefined,
  expects,
});
const each = (...rows: RowWrite[]): Atom[] => rows.map((row) => [row]);
const commit = (stamp: Stamp): { stamp: Stamp; now: number } => ({ stamp, now: 1 });
const kinds = (outcomes: readonly AtomOutcome[]): string[] => outcomes.map(({ kind }) => kind);

/** What an error of a write that rejects says: what is written may be to blame, or not. */
async function failureOf(write: Promise<unknown>): Promise<unknown> {
  const outcome = await write.then(
    () => 'none',
    (error: unknown) => error,
  );
  return (outcome as { failure?: unknown }).failure ?? outcome;
}

describe.skipIf(server === undefined)('a conditional write on PostgreSQL', () => {
  let url: string;
  let db: DataSource;
  let other: QueryRunner;
  let storage: TypeOrmStorage;

  beforeAll(async () => {
    if (server !== undefined) url = await server.newDatabase();
  });

  beforeEach(async () => {
    if (server === undefined) return;
    db = await connectTo(POSTGRES, url);
    await db.query('DROP SCHEMA public CASCADE');
    await db.query('CREATE SCHEMA public');
    other = db.createQueryRunner();
    storage = storageOf(POSTGRES, url);
    await storage.open();
  });

  afterEach(async () => {
    if (server === undefined) return;
    vi.restoreAllMocks();
    await storage.close();
    await other.release();
    await db.destroy();
  });

  async function seed(...keys: string[]): Promise<void> {
    await storage.write(each(...keys.map((key) => put(key, 'old'))), commit(OLD));
  }

  /** What there is, as `key=value@stamp`. */
  async function stored(): Promise<string[]> {
    const { rows } = await storage.load('n', { after: undefined, limit: 10_000, now: 1 });
    return rows.map(({ key, value, stamp }) => `${key}=${value}@${stamp}`);
  }

  /** What `task` says to the server. */
  async function sent(task: () => Promise<unknown>): Promise<string[]> {
    const query = vi.spyOn(pg.Client.prototype, 'query');
    await task();
    const texts = query.mock.calls.map(([config]) => {
      const given = config as unknown as string | { text: string };
      return typeof given === 'string' ? given : given.text;
    });
    query.mockRestore();
    return texts;
  }

  const OF_ALL_KINDS = [
    put('put, absent', 'new'),
    put('put, there', 'new'),
    remove('removed, absent'),
    remove('removed, there'),
    put('replaced', 'new', OLD),
    put('replaced, another', 'new', OLD + 1),
    put('replaced, absent', 'new', OLD),
    put('inserted', 'new', null),
    put('inserted, there', 'new', null),
    remove('deleted', OLD),
    remove('deleted, another', OLD + 1),
    remove('deleted, absent', OLD),
    remove('absent', null),
    remove('absent, there', null),
  ];
  const LOSERS = /, another$|^(?:replaced|deleted), absent$|^(?:inserted|absent), there$/;
  const EXPECTED = OF_ALL_KINDS.map(({ key }) => (LOSERS.test(key) ? 'conflict' : 'committed'));
  const LEFT = [
    'absent, there=old@11',
    'deleted, another=old@11',
    'inserted, there=old@11',
    'inserted=new@22',
    'put, absent=new@22',
    'put, there=new@22',
    'replaced, another=old@11',
    'replaced=new@22',
  ];
  const THERE = OF_ALL_KINDS.map(({ key }) => key).filter((key) =>
    /there$|another$|^(?:replaced|deleted)$/.test(key),
  );

  it('of all kinds, with winners and losers of each, is one statement', async () => {
    await seed(...THERE);
    const texts = await sent(async () => {
      expect(kinds(await storage.write(each(...OF_ALL_KINDS), commit(NEW)))).toEqual(EXPECTED);
    });
    expect(texts).toHaveLength(1);
    expect((await stored()).toSorted()).toEqual(LEFT.toSorted());
  });

  it('that is too large for one statement does the same in a transaction', async () => {
    await seed(...THERE);
    const more = Array.from({ length: 2500 }, (_, i) => put(`more ${i}`, 'new', i % 2 === 0 ? null : OLD));
    const texts = await sent(async () => {
      const outcomes = kinds(await storage.write(each(...more, ...OF_ALL_KINDS), commit(NEW)));
      expect(outcomes.slice(more.length)).toEqual(EXPECTED);
      expect(outcomes.slice(0, 4)).toEqual(['committed', 'conflict', 'committed', 'conflict']);
    });
    expect(texts.at(0)).toBe('START TRANSACTION');
    expect(texts.at(-1)).toBe('COMMIT');
    const left = (await stored()).filter((row) => !row.startsWith('more '));
    expect(left.toSorted()).toEqual(LEFT.toSorted());
    expect(await storage.count('n', 1)).toBe(LEFT.length + 1250);
  });

  it('takes a thousand keys at once, and tells the losers among them', async () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`);
    await seed(...keys);
    const texts = await sent(async () => {
      const rows = keys.map((key, i) => put(key, 'new', i % 3 === 0 ? NEW : OLD));
      const outcomes = kinds(await storage.write(each(...rows), commit(NEW)));
      expect(outcomes).toEqual(keys.map((_, i) => (i % 3 === 0 ? 'conflict' : 'committed')));
    });
    expect(texts).toHaveLength(1);
    expect((await stored()).filter((row) => row.endsWith('=new@22'))).toHaveLength(666);
  });

  it.each([
    ['two conditions', [put('a', 'new', OLD), put('b', 'new', null)]],
    ['two conditions, the loser first', [put('b', 'new', null), put('a', 'new', OLD)]],
    ['a condition beside what has none', [put('b', 'new', null), remove('a'), put('free', 'new')]],
  ])('leaves out the whole of an atom whose half loses, and nothing else (%s)', async (_, atom) => {
    await seed('a', 'b', 'c');
    const atoms = [[put('c', 'new', OLD)], atom, [put('d', 'new', null), put('e', 'new')], [put('f', 'new')]];
    expect(kinds(await storage.write(atoms, commit(NEW)))).toEqual([
      'committed',
      'conflict',
      'committed',
      'committed',
    ]);
    expect(await stored()).toEqual(['a=old@11', 'b=old@11', 'c=new@22', 'd=new@22', 'e=new@22', 'f=new@22']);
  });

  it('fails as a whole where the database refuses a row of it', async () => {
    await seed('a', 'b');
    const bad = put('bad', null as unknown as string, null);
    const rows = each(put('a', 'new', OLD), bad, put('c', 'new'), remove('b', OLD));
    expect(await failureOf(storage.write(rows, commit(NEW)))).toBe('permanent');
    expect(await stored()).toEqual(['a=old@11', 'b=old@11']);
  });

  it('does not take another unique key for the row that it expects to be absent', async () => {
    await db.query('CREATE UNIQUE INDEX another ON cache_storage (value)');
    await storage.write(each(put('a', 'same')), commit(OLD));
    expect(await failureOf(storage.write(each(put('b', 'same', null)), commit(NEW)))).toBe('permanent');
  });

  describe('with another instance', () => {
    let rival: TypeOrmStorage;

    beforeEach(async () => {
      if (server === undefined) return;
      rival = storageOf(POSTGRES, url);
      await rival.open();
    });

    afterEach(() => rival.close());

    it.each([
      ['that both expect to be absent', null],
      ['that both expect to be the same', OLD],
    ])('wins or loses a row %s, and never both', async (_, expects) => {
      const keys = Array.from({ length: RACES }, (__, i) => `k${i}`);
      if (expects !== null) await seed(...keys);
      for (const key of keys) {
        const outcomes = await Promise.all([
          storage.write(each(put(key, 'mine', expects)), commit(NEW)),
          rival.write(each(put(key, 'theirs', expects)), commit(NEW + 1)),
        ]);
        const [mine, theirs] = outcomes.flatMap(kinds);
        expect(new Set([mine, theirs])).toEqual(new Set(['committed', 'conflict']));
        const [row] = (await storage.read('n', [key])) as [StampedEntry];
        const winner =
          mine === 'committed' ? { value: 'mine', stamp: NEW } : { value: 'theirs', stamp: NEW + 1 };
        expect(row).toMatchObject(winner);
      }
    });

    it('loses no update of those that both make in a loop', async () => {
      await storage.write(each(put('counter', '0')), commit(1));
      let stamp = 1;
      const count = async (own: TypeOrmStorage): Promise<void> => {
        for (let done = 0; done < RACES;) {
          const [row] = (await own.read('n', ['counter'])) as [StampedEntry];
          const next = each(put('counter', `${Number(row.value) + 1}`, row.stamp));
          const [outcome] = await own.write(next, commit((stamp += 1)));
          if (outcome?.kind === 'committed') done += 1;
        }
      };
      await Promise.all([count(storage), count(rival)]);
      expect(await storage.read('n', ['counter'])).toMatchObject([{ value: `${2 * RACES}` }]);
    });

    it('holds the rows that it modifies against it', async () => {
      await storage.write(each(put('counter', '0')), commit(1));
      let stamp = 1;
      const count = async (own: TypeOrmStorage): Promise<void> => {
        for (let i = 0; i < RACES; i += 1) {
          const outcomes = await own.modify(
            'n',
            ['counter'],
            ([row]) => each(put('counter', `${Number(row?.value) + 1}`, row?.stamp ?? null)),
            commit((stamp += 1)),
          );
          expect(kinds(outcomes)).toEqual(['committed']);
        }
      };
      await Promise.all([count(storage), count(rival)]);
      expect(await storage.read('n', ['counter'])).toMatchObject([{ value: `${2 * RACES}` }]);
    });
  });

  describe.each(['read committed', 'repeatable read', 'serializable'])(
    'that waits for another session, on a database whose default is %s',
    (isolation) => {
      beforeEach(async () => {
        if (server === undefined) return;
        await storage.close();
        const [{ name }] = (await db.query('SELECT current_database() AS name')) as [{ name: string }];
        await db.query(`ALTER DATABASE ${name} SET default_transaction_isolation = '${isolation}'`);
        // For the sessions that begin from here on.
        storage = storageOf(POSTGRES, url);
        await storage.open();
        await seed('a');
        await other.startTransaction();
      });

      afterEach(async () => {
        const [{ name }] = (await db.query('SELECT current_database() AS name')) as [{ name: string }];
        await db.query(`ALTER DATABASE ${name} RESET default_transaction_isolation`);
      });

      const CHANGE = `UPDATE cache_storage SET value = 'theirs', version = 99 WHERE key = 'a'`;
      const INSERT = `INSERT INTO cache_storage (namespace, key, value, version) VALUES ('n', 'b', 'theirs', 99)`;
      const DELETE = `DELETE FROM cache_storage WHERE key = 'a'`;

      it.each([
        ['a change', CHANGE, put('a', 'mine', OLD), 'conflict', ['a=theirs@99']],
        ['a change', CHANGE, remove('a', OLD), 'conflict', ['a=theirs@99']],
        ['a removal', DELETE, put('a', 'mine', OLD), 'conflict', []],
        ['an insert', INSERT, put('b', 'mine', null), 'conflict', ['a=old@11', 'b=theirs@99']],
        ['a removal', DELETE, put('a', 'mine', null), 'committed', ['a=mine@22']],
      ] as const)('meets %s of it when that has committed (%#)', async (_, sql, row, outcome, left) => {
        await other.query(sql);
        const write = storage.write(each(row), commit(NEW));
        await until(db, POSTGRES.waiting, (n) => n > 0);
        await other.commitTransaction();
        expect(kinds(await write)).toEqual([outcome]);
        expect(await stored()).toEqual(left);
      });

      it.each([
        ['a change', CHANGE, put('a', 'mine', OLD), ['a=mine@22']],
        ['an insert', INSERT, put('b', 'mine', null), ['a=old@11', 'b=mine@22']],
      ] as const)('wins where %s of it is rolled back', async (_, sql, row, left) => {
        await other.query(sql);
        const write = storage.write(each(row), commit(NEW));
        await until(db, POSTGRES.waiting, (n) => n > 0);
        await other.rollbackTransaction();
        expect(kinds(await write)).toEqual(['committed']);
        expect(await stored()).toEqual(left);
      });
    },
  );

  it.each([
    ['of one kind', put('b', 'new', OLD)],
    ['of several kinds', remove('b', OLD)],
  ])(
    '%s locks its rows in the order of their keys, wherever they lie in a small table',
    async (_kinds, second) => {
      await seed('c');
      await seed('b');
      await seed('a', ...Array.from({ length: 20 }, (_, i) => `more ${i}`));
      await db.query('ANALYZE cache_storage');
      await other.startTransaction();
      await other.query(`SELECT FROM cache_storage WHERE key = 'b' FOR UPDATE`);
      const write = storage.write(each(put('c', 'new', OLD), put('a', 'new', OLD), second), commit(NEW));
      await until(db, POSTGRES.waiting, (n) => n > 0);
      const free = `SELECT key FROM cache_storage WHERE key IN ('a', 'c') FOR UPDATE SKIP LOCKED`;
      expect(await db.query(free)).toEqual([{ key: 'c' }]);
      await other.rollbackTransaction();
      expect(kinds(await write)).toEqual(['committed', 'committed', 'committed']);
    },
  );

  it('that is tried again after it has committed unheard is in conflict with itself, and its stamp says so', async () => {
    const proxy = await CuttingProxy.before(url);
    const behind = storageOf(POSTGRES, proxy.through(url));
    await behind.open();
    await seed('a');
    const rows = each(put('a', 'new', OLD), put('b', 'new', null));
    const lost = proxy.loseAnswerTo('json_to_recordset');
    const first = failureOf(behind.write(rows, commit(NEW)));
    await lost;
    expect(await first).toBe('transient');
    expect(kinds(await behind.write(rows, commit(NEW + 1)))).toEqual(['conflict', 'conflict']);
    expect(await stored()).toEqual(['a=new@22', 'b=new@22']);
    await behind.close();
    await proxy.close();
  });

  it('can’t happen later, when its connection has broken while it waited', async () => {
    const proxy = await CuttingProxy.before(url);
    const behind = storageOf(POSTGRES, proxy.through(url));
    await behind.open();
    await seed('a');
    await other.startTransaction();
    await other.query(`SELECT FROM cache_storage WHERE key = 'a' FOR UPDATE`);
    const late = failureOf(behind.write(each(put('a', 'late', OLD)), commit(NEW)));
    await until(db, POSTGRES.waiting, (n) => n > 0);
    proxy.cutClients();
    expect(await late).toBe('transient');
    await behind.write(each(put('b', 'new', null)), commit(NEW + 1));
    expect(await db.query(POSTGRES.waiting)).toEqual([{ n: '0' }]);
    await other.rollbackTransaction();
    expect(await stored()).toEqual(['a=old@11', 'b=new@23']);
    await behind.close();
    await proxy.close();
  });

  it('lets go of its rows when its process is suspended in the middle of it', async () => {
    await seed('a');
    const waiting = new pg.Client(url);
    await waiting.connect();
    let theirs: Promise<unknown> | undefined;
    const modified = storage.modify(
      'n',
      ['a'],
      () => {
        theirs = waiting.query(`UPDATE cache_storage SET value = 'theirs', version = 99 WHERE key = 'a'`);
        // Nothing of this process runs meanwhile.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SUSPENDED_MS);
        return each(put('a', 'mine', OLD));
      },
      commit(NEW),
    );
    expect(await failureOf(modified)).toBe('transient');
    await theirs;
    await waiting.end();
    expect(await stored()).toEqual(['a=theirs@99']);
    expect(kinds(await storage.write(each(put('a', 'mine', 99)), commit(NEW)))).toEqual(['committed']);
  });
});
