import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Atom, AtomOutcome, Stamp } from '../../src/index.js';
import { PortableDialect } from '../../src/storage/portable/dialect.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { sqliteFiles, storageOn } from '../contract/sql-storage.js';
import { postgresServer } from '../support/services.js';

const NOW = 1_000_000;
const newFile = sqliteFiles();
const postgres = await postgresServer();

interface Kind {
  readonly name: string;
  readonly isThere: boolean;
  /** Gives what makes storages of one new table. */
  readonly newTable: () => Promise<() => TypeOrmStorage>;
}

const KINDS: readonly Kind[] = [
  {
    name: 'a SQLite file',
    isThere: true,
    newTable: async () => {
      const database = newFile();
      return () => storageOn({ type: 'sqlite', database });
    },
  },
  {
    name: 'PostgreSQL with the portable dialect',
    isThere: postgres !== undefined,
    newTable: async () => {
      const url = (await postgres?.newDatabase()) ?? '';
      return () =>
        new TypeOrmStorage(
          { storage: { type: 'postgres', url }, migrationsRun: true, synchronous: 'full' },
          (dataSource) => new PortableDialect(dataSource),
        );
    },
  },
];

describe.each(KINDS.filter(({ isThere }) => isThere))('two storages of one table: $name', ({ newTable }) => {
  let both: TypeOrmStorage[];

  beforeEach(async () => {
    const make = await newTable();
    both = [make(), make()];
    // One after the other: the first one migrates.
    for (const storage of both) await storage.open();
  });

  afterEach(async () => {
    await Promise.all(both.map((storage) => storage.close()));
  });

  /** What both make of `task` at the same time, the index of the storage given. */
  const race = <T>(task: (storage: TypeOrmStorage, index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(both.map(task));

  const write = (storage: TypeOrmStorage, atoms: readonly Atom[], stamp: Stamp): Promise<AtomOutcome[]> =>
    again(storage, async () => [...(await storage.write(atoms, { stamp, now: NOW }))]);

  const put = (key: string, value: string, expects: Stamp | null | undefined): Atom => [
    { namespace: 'n', key, value, expiresAt: null, expects },
  ];

  it('lets exactly one make a row that both expect to be absent', async () => {
    for (let round = 0; round < 50; round += 1) {
      const key = `key ${round}`;
      const outcomes = await race((storage, i) =>
        write(storage, [put(key, `${i}`, null)], 2 * round + i + 1),
      );
      const kinds = outcomes.map(([outcome]) => outcome?.kind);
      const winner = kinds.indexOf('committed');
      expect(kinds).toEqual(winner === 0 ? ['committed', 'conflict'] : ['conflict', 'committed']);
      expect(await both[0]?.read('n', [key])).toMatchObject([
        { value: `${winner}`, stamp: 2 * round + winner + 1 },
      ]);
    }
  });

  it('lets exactly one have each of many rows, present and absent', async () => {
    const keys = Array.from({ length: 300 }, (_, i) => `key ${i}`);
    const isPresent = (i: number): boolean => i % 2 === 0;
    await write(
      both[0] as TypeOrmStorage,
      keys.filter((_, i) => isPresent(i)).map((key) => put(key, 'first', undefined)),
      1,
    );
    const outcomes = await race((storage, index) =>
      write(
        storage,
        keys.map((key, i) => put(key, `${index}`, isPresent(i) ? 1 : null)),
        2 + index,
      ),
    );
    const rows = new Map((await both[0]?.read('n', keys))?.map((row) => [row.key, row]));
    for (const [i, key] of keys.entries()) {
      const winners = [0, 1].filter((index) => outcomes[index]?.[i]?.kind === 'committed');
      expect(winners).toHaveLength(1);
      expect(rows.get(key)).toMatchObject({ value: `${winners[0]}`, stamp: 2 + Number(winners[0]) });
    }
  });

  it('loses no update of a row that both compare and set', async () => {
    await race(async (storage, index) => {
      for (let done = 0, stamp = 1 + index; done < 40; stamp += 2) {
        const [row] = await storage.read('n', ['counter']);
        const next = put('counter', `${Number(row?.value ?? 0) + 1}`, row?.stamp ?? null);
        const [outcome] = await write(storage, [next], stamp);
        if (outcome?.kind === 'committed') done += 1;
      }
    });
    expect(await both[0]?.read('n', ['counter'])).toMatchObject([{ value: '80' }]);
  });

  it('loses no update of rows that both modify', async () => {
    const keys = ['a', 'b', 'c'];
    await write(
      both[0] as TypeOrmStorage,
      keys.map((key) => put(key, '0', null)),
      1,
    );
    await race(async (storage, index) => {
      for (let done = 0; done < 25; done += 1) {
        const outcomes = await again(storage, () =>
          storage.modify(
            'n',
            index === 0 ? keys : keys.toReversed(),
            (rows) => rows.map(({ key, value, stamp }) => put(key, `${Number(value) + 1}`, stamp)),
            { stamp: 2 + 2 * done + index, now: NOW },
          ),
        );
        expect(outcomes.map(({ kind }) => kind)).toEqual(['committed', 'committed', 'committed']);
      }
    });
    expect((await both[0]?.read('n', keys))?.map(({ value }) => value)).toEqual(['50', '50', '50']);
  });
});

/** Tries again after errors that may pass, as the engine does: a lock, a deadlock, a row that another one has made meanwhile. */
async function again<T>(storage: TypeOrmStorage, task: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await task();
    } catch (error) {
      if (storage.classify(error) !== 'transient' || tries === 200) throw error;
    }
  }
}
