import { statSync } from 'node:fs';
import sqlite3 from 'sqlite3';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readNote } from '../../src/core/sharing/note.js';
import { UNKNOWN_WRITER } from '../../src/core/sharing/shared-storage.js';
import type { Atom, AtomOutcome, Stamp } from '../../src/index.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { sqliteFiles } from '../contract/sql-storage.js';

const WRITER = 1001;
const OLD = 11;
const NEW = 22;
/** Of SQLite, bytes: a page, and what its log adds to one. */
const PAGE_BYTES = 4096;
const FRAME_BYTES = 24;
const COMMITS = 200;
const newFile = sqliteFiles();

const put = (key: string, expects?: Stamp | null, expiresAt: number | null = null): Atom => [
  { namespace: 'n', key, value: `${key} at ${String(expects)}`, expiresAt, expects },
];
const remove = (key: string, expects?: Stamp): Atom => [
  { namespace: 'n', key, value: undefined, expiresAt: null, expects },
];
const kinds = (outcomes: readonly AtomOutcome[]): string[] => outcomes.map(({ kind }) => kind);

/** Commits of each form that a statement of SQLite has, all of which win where `a` to `d` are there. */
const FORMS: readonly (readonly [string, readonly Atom[]])[] = [
  ['a row', [put('a')]],
  ['rows', [put('a'), put('new')]],
  ['rows that expire', [put('a', undefined, 5000), put('b')]],
  ['removals', [remove('a'), remove('b')]],
  ['a row that is expected', [put('a', OLD)]],
  ['a row that is expected to be absent', [put('new', null)]],
  ['rows that are expected', [put('a', OLD), put('b', OLD)]],
  ['rows that are expected and expire', [put('a', OLD, 5000), put('b', OLD)]],
  ['the removal of a row that is expected', [remove('a', OLD)]],
];

describe.each(['sqlite', 'better-sqlite3'] as const)('rows and their note (%s)', (type) => {
  let storage: TypeOrmStorage;
  let db: DataSource;
  let n = 0;
  const commit = (stamp: Stamp, writer = WRITER) => ({ stamp, now: 1, logged: { writer, n: (n += 1) } });

  beforeEach(async () => {
    const options = { type, database: newFile() };
    storage = new TypeOrmStorage({ storage: options, migrationsRun: true, synchronous: 'full' });
    await storage.open();
    await storage.join({ writer: WRITER, mode: 'many', about: 'one' });
    db = await new DataSource(options).initialize();
    await storage.write(
      ['a', 'b', 'c', 'd'].map((key) => put(key)),
      { stamp: OLD, now: 1 },
    );
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await db.destroy();
    await storage.close();
  });

  it('take two pages of the file with each commit: one for the row, one for the note', async () => {
    const { database = '' } = db.options as { readonly database?: string };
    // Others hold the log back, so that it grows by all that is written.
    await db.query('BEGIN');
    await db.query('SELECT * FROM cache_changes');
    const before = statSync(`${database}-wal`).size;
    for (let i = 0; i < COMMITS; i += 1) await storage.write([put('a', undefined)], commit(100 + i));
    await db.query('COMMIT');
    const pages = (statSync(`${database}-wal`).size - before) / (PAGE_BYTES + FRAME_BYTES);
    // A page that is full is split now and then.
    expect(pages / COMMITS).toBeGreaterThanOrEqual(2);
    expect(pages / COMMITS).toBeLessThan(2.2);
  });

  /** What there is, as `key=value@stamp` with the expiry where there is one. */
  async function stored(): Promise<string[]> {
    const { rows } = await storage.load('n', { after: undefined, limit: 100, now: 1 });
    return rows.map(({ key, value, stamp, expiresAt }) =>
      [`${key}=${value}@${stamp}`, ...(expiresAt === null ? [] : [expiresAt])].join(' until '),
    );
  }

  /** The keys that the notes name, each with its stamp. */
  async function noted(): Promise<unknown[]> {
    const notes = await storage.notesSince([{ writer: WRITER, n: 0 }], 100);
    return notes.map(({ text }) => readNote(text)).map((note) => [note?.stamp, note?.changes.get('n')]);
  }

  it.each(FORMS)('are both there, as without a note, after a commit of %s', async (_, atoms) => {
    await storage.write(atoms, commit(NEW)).then((outcomes) => {
      expect(kinds(outcomes)).toEqual(atoms.map(() => 'committed'));
    });
    const written = await stored();
    expect(await noted()).toEqual([[NEW, expect.arrayContaining(atoms.flat().map(({ key }) => key))]]);
    await db.query('DELETE FROM cache_storage');
    await storage.write(
      ['a', 'b', 'c', 'd'].map((key) => put(key)),
      { stamp: OLD, now: 1 },
    );
    await storage.write(atoms, { stamp: NEW, now: 1 });
    expect(await stored()).toEqual(written);
  });

  it.each(FORMS)('are both left out of a commit of %s by an instance that is not known', async (_, atoms) => {
    const before = await stored();
    const error: unknown = await storage.write(atoms, commit(NEW, 9)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: UNKNOWN_WRITER });
    expect(await stored()).toEqual(before);
  });

  it.each([
    ['a row', [put('a', OLD + 1)]],
    ['a row that is there', [put('a', null)]],
    ['a removal', [remove('a', OLD + 1)]],
    ['rows', [put('a', OLD + 1), put('b', OLD + 1)]],
  ])('are both left out where all lose: %s', async (_, atoms) => {
    const before = await stored();
    // Twice: the statement is the same the second time.
    for (const stamp of [NEW, NEW + 1])
      expect(kinds(await storage.write(atoms, commit(stamp)))).toEqual(atoms.map(() => 'conflict'));
    expect(await stored()).toEqual(before);
    expect(await noted()).toEqual([]);
  });

  it('are those of the winners alone where some lose', async () => {
    const atoms = [put('a', OLD), put('b', OLD + 1), put('c', OLD), put('e', OLD)];
    expect(kinds(await storage.write(atoms, commit(NEW)))).toEqual([
      'committed',
      'conflict',
      'committed',
      'conflict',
    ]);
    expect(await noted()).toEqual([[NEW, ['a', 'c']]]);
    expect((await stored()).filter((row) => row.endsWith(`@${NEW}`))).toHaveLength(2);
  });

  it('are one statement where each is a trip to another thread', async () => {
    if (type !== 'sqlite') return;
    for (const [what, atoms] of FORMS) {
      await storage.write(atoms, commit(NEW));
      await db.query('DELETE FROM cache_storage');
      await storage.write(
        ['a', 'b', 'c', 'd'].map((key) => put(key)),
        { stamp: OLD, now: 1 },
      );
      const calls = (['run', 'all'] as const).map((name) => vi.spyOn(sqlite3.Statement.prototype, name));
      await storage.write(atoms, commit(NEW));
      expect(
        calls.flatMap(({ mock }) => mock.calls),
        what,
      ).toHaveLength(1);
      vi.restoreAllMocks();
    }
  });
});
