import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import { readNote } from '../../src/core/sharing/note.js';
import { isSharedStorage, UNKNOWN_WRITER } from '../../src/core/sharing/shared-storage.js';
import { PortableDialect } from '../../src/storage/portable/dialect.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { sqliteFiles } from '../contract/sql-storage.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { mariadbServer, postgresServer } from '../support/services.js';

const postgres = await postgresServer();
const mariadb = await mariadbServer();
const newFile = sqliteFiles();

interface Kind {
  readonly name: string;
  readonly isServer: boolean;
  readonly isMissing?: boolean;
  readonly options: () => Promise<DataSourceOptions>;
  readonly begin: string;
}

const KINDS: readonly Kind[] = [
  ...(['sqlite', 'better-sqlite3'] as const).map((type) => ({
    name: type,
    isServer: false,
    options: async (): Promise<DataSourceOptions> => ({ type, database: newFile() }),
    begin: 'BEGIN IMMEDIATE',
  })),
  {
    name: 'PostgreSQL',
    isServer: true,
    isMissing: postgres === undefined,
    options: async () => ({ type: 'postgres', url: (await postgres?.newDatabase()) ?? '' }),
    begin: 'BEGIN',
  },
  {
    name: 'MariaDB',
    isServer: true,
    isMissing: mariadb === undefined,
    options: async () => ({ type: 'mariadb', url: (await mariadb?.newDatabase()) ?? '' }),
    begin: 'BEGIN',
  },
];

const ONE = 1001;
const OTHER = 2002;
const put = (key: string, value = '1', expects?: number | null) => [
  { namespace: 'n', key, value, expiresAt: null, expects },
];
const commit = (writer: number, n: number) => ({ stamp: writer * 1000 + n, now: 1, logged: { writer, n } });

function storageOn(options: DataSourceOptions, more: object = {}): TypeOrmStorage {
  return new TypeOrmStorage({ storage: options, migrationsRun: true, synchronous: 'full', ...more });
}

describe.each(KINDS.filter(({ isMissing }) => isMissing !== true))(
  'two instances on one database ($name)',
  ({ isServer, options: newOptions, begin }) => {
    let options: DataSourceOptions;
    let one: TypeOrmStorage;
    let other: TypeOrmStorage;
    /** A session of whoever, to stop in the middle of something. */
    let session: DataSource;
    const say = (sql: string): Promise<unknown> => session.query(sql);
    const note = (writer: number, n: number): Promise<unknown> =>
      say(`INSERT INTO cache_changes (writer, n, changes) VALUES (${writer}, ${n}, '{}')`);

    beforeEach(async () => {
      options = await newOptions();
      one = storageOn(options);
      other = storageOn(options);
      await one.open();
      await other.open();
      await one.join({ writer: ONE, mode: 'many', about: 'one' });
      await other.join({ writer: OTHER, mode: 'many', about: 'other' });
      // One connection, so that it is one session.
      session = await new DataSource({
        ...options,
        poolSize: 1,
        extra: { connectionLimit: 1 },
      } as DataSourceOptions).initialize();
      if (!isServer) {
        await say('PRAGMA busy_timeout = 0');
        await say('PRAGMA foreign_keys = ON');
      }
    });

    afterEach(async () => {
      await session.destroy();
      await other.close();
      await one.close();
    });

    it('shows each the commits of the other, rows and note at once', async () => {
      await one.write([put('a'), put('b')], commit(ONE, 1));
      expect(await other.heads()).toContainEqual({ writer: ONE, n: 1, beat: 0 });
      const [found] = await other.notesSince([{ writer: ONE, n: 0 }], 10);
      expect(readNote(found?.text ?? '')?.changes.get('n')).toEqual(['a', 'b']);
      expect(await other.read('n', ['a'])).toHaveLength(1);
    });

    it('keeps each log in its order while both commit, and loses no update of either', async () => {
      const notes: Record<number, number> = { [ONE]: 0, [OTHER]: 0 };
      let conflicts = 0;
      const count = async (storage: TypeOrmStorage, writer: number): Promise<void> => {
        for (let n = 1; n <= 60; n += 1) {
          const [row] = await storage.read('n', ['count']);
          const next = String(Number(row?.value ?? 0) + 1);
          const isTaken = await storage
            .write([put('count', next, row?.stamp ?? null)], commit(writer, n))
            .then(
              ([outcome]) => outcome?.kind === 'committed',
              (error: unknown) => {
                // SQLite lets others wait, and tells them so.
                expect(storage.isUndone(error)).toBe(true);
                return false;
              },
            );
          if (isTaken) notes[writer] = (notes[writer] ?? 0) + 1;
          else conflicts += 1;
        }
      };
      await Promise.all([count(one, ONE), count(other, OTHER)]);
      const [row] = await one.read('n', ['count']);
      expect(Number(row?.value)).toBe(120 - conflicts);
      const found = await one.notesSince(
        [ONE, OTHER].map((writer) => ({ writer, n: 0 })),
        100,
      );
      for (const writer of [ONE, OTHER]) {
        const ns = found.filter((each) => each.writer === writer).map(({ n }) => n);
        expect(ns).toHaveLength(notes[writer] ?? 0);
        expect(ns).toEqual(ns.toSorted((a, b) => a - b));
      }
    });

    it('does not remove an instance in the middle of a commit, and does not wait for its end', async () => {
      await say(begin);
      await note(ONE, 1);
      expect(await other.remove(ONE)).toBe(false);
      expect(await other.beat(OTHER).catch((error: unknown) => other.isUndone(error))).toBe(true);
      await say('COMMIT');
      expect(await other.heads()).toContainEqual({ writer: ONE, n: 1, beat: 0 });
      expect(await other.remove(ONE)).toBe(true);
      expect((await other.heads()).map(({ writer }) => writer)).toEqual([OTHER]);
      expect(await other.notesSince([{ writer: ONE, n: 0 }], 10)).toEqual([]);
      const error: unknown = await one
        .write([put('late')], commit(ONE, 2))
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: UNKNOWN_WRITER });
      expect(await other.read('n', ['late'])).toEqual([]);
    });

    it.runIf(isServer)('fails a commit whose instance is removed before it leaves its note', async () => {
      const column = options.type === 'postgres' ? '"key"' : '`key`';
      await say(begin);
      await say(`INSERT INTO cache_storage (namespace, ${column}, value) VALUES ('n', 'late', '1')`);
      expect(await other.remove(ONE)).toBe(true);
      await expect(note(ONE, 1)).rejects.toThrow(/foreign key/);
      await say('ROLLBACK');
      expect(await other.read('n', ['late'])).toEqual([]);
    });

    it('says whether others have committed, where that is cheaper to ask than how far their logs reach', async () => {
      if (isServer) {
        expect(one.hasChanged).toBeUndefined();
        return;
      }
      expect(await one.hasChanged?.()).toBe(true);
      expect(await one.hasChanged?.()).toBe(false);
      await one.write([put('a')], commit(ONE, 1));
      expect(await one.hasChanged?.()).toBe(false);
      await other.write([put('b')], commit(OTHER, 1));
      expect(await one.hasChanged?.()).toBe(true);
      expect(await one.hasChanged?.()).toBe(false);
    });

    it('refuses a commit of an instance that is unknown, and goes on with those of the others', async () => {
      const error: unknown = await one.write([put('a')], commit(9, 1)).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: UNKNOWN_WRITER });
      expect(one.classify(error)).toBe('transient');
      await one.write([put('a')], commit(ONE, 1));
      expect(await one.read('n', ['a'])).toHaveLength(1);
    });

    it('tells what to do where the app runs the migrations and has not run that of the log', async () => {
      await say('DROP TABLE cache_changes');
      await say('DROP TABLE cache_instances');
      const storage = storageOn(options, { migrationsRun: false });
      await storage.open();
      await expect(storage.join({ writer: 3, mode: 'many', about: 'third' })).rejects.toMatchObject({
        code: 'STORAGE_OPEN_FAILED',
        message: expect.stringMatching(/cache_instances and cache_changes.*CreateCacheInstances/) as string,
      });
      await storage.close();
    });
  },
);

describe.each(KINDS.filter(({ isServer, isMissing }) => isServer && isMissing !== true))(
  'a commit with its note ($name)',
  ({ name, options: newOptions }) => {
    const remove = (key: string) => [{ namespace: 'n', key, value: undefined, expiresAt: null }];
    const many = Array.from({ length: 16 }, (_, i) => put(`many ${i}`));
    const ROUNDS = [
      ['a row', [put('a')]],
      ['a row that is expected', [put('a', '2', ONE * 1000 + 1)]],
      ['16 rows', many],
      ['a removal', [remove('a')]],
      // Of these MariaDB has no single statement.
      ['rows and removals', [put('a'), remove('b')]],
      ['rows, some of which are expected', [put('a', '3', null), ...many]],
    ] as const;

    it('is one trip to the server', async () => {
      const options = await newOptions();
      const { url } = options as { url: string };
      const proxy = await CuttingProxy.before(url);
      const storage = storageOn({ ...options, url: proxy.through(url) } as DataSourceOptions);
      await storage.open();
      await storage.join({ writer: ONE, mode: 'many', about: 'one' });
      const trips: Record<string, number> = {};
      let n = 0;
      for (const [what, atoms] of ROUNDS)
        // The second time the session has its statements prepared.
        for (let time = 0; time < 2; time += 1) {
          const exchange = proxy.follow();
          await storage.write(atoms, commit(ONE, (n += 1)));
          trips[what] = exchange.pieces.length / 2;
        }
      const most = name === 'PostgreSQL' ? ROUNDS : ROUNDS.slice(0, 4);
      expect(trips).toMatchObject(Object.fromEntries(most.map(([what]) => [what, 1])));
      await storage.close();
      await proxy.close();
    });
  },
);

describe('a database that speaks words which every database understands', () => {
  it('is not one that several processes share', async () => {
    const storage = new TypeOrmStorage(
      { storage: { type: 'sqlite', database: newFile() }, migrationsRun: true, synchronous: 'full' },
      (dataSource) => new PortableDialect(dataSource),
    );
    expect(isSharedStorage(storage)).toBe(false);
    expect(isSharedStorage(storageOn({ type: 'sqlite', database: newFile() }))).toBe(true);
    await storage.open();
    await expect(storage.join({ writer: 1, mode: 'many', about: 'one' })).rejects.toMatchObject({
      code: 'UNSUPPORTED_STORAGE',
    });
    await storage.close();
  });

  it('is refused, with the option that says so, where a cache is to share it', async () => {
    const options = { type: 'sqlite', database: newFile() } as const;
    const portable = new TypeOrmStorage(
      { storage: options, migrationsRun: true, synchronous: 'full' },
      (dataSource) => new PortableDialect(dataSource),
    );
    const context = { clock: systemClock, logger: new RecordingLogger(), random: Math.random };
    const given = resolveEngineOptions({ instances: 'many' });
    const engine = new CacheEngine(() => portable, given, {}, context);
    await expect(engine.register(namespaceOf(ON_CHANGE))).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      option: 'instances',
      message: expect.stringContaining("'instances' must be 'one' for this storage") as string,
    });
    await engine.stop();
  });
});
