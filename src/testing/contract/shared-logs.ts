import assert from 'node:assert/strict';
import { readNote } from '../../core/sharing/note.js';
import { codeOf } from '../../core/driver-code.js';
import {
  isSharedStorage,
  UNKNOWN_WRITER,
  type LogHead,
  type SharedStorage,
} from '../../core/sharing/shared-storage.js';
import type { Atom, Commit, RowWrite } from '../../index.js';
import { STAMP } from './changes.js';
import { NOW, row, type ContractCase } from './contract-case.js';
import { kindsOf, OTHER, remove, SECOND, store } from './row-writes.js';

/** Instances of the tests: one of an ordinary number, and one of the largest. */
const ME = 7_000_001;
const YOU = Number.MAX_SAFE_INTEGER;

/** What a note says, its keys sorted: no storage gives them in an order. */
type Told = Readonly<Record<string, readonly string[] | { readonly prefix: string }>>;

function told(text: string | undefined, stamp = SECOND): Told {
  const note = readNote(text ?? '');
  assert.ok(note !== undefined, `no note can be read: ${text}`);
  assert.equal(note.stamp, stamp);
  return Object.fromEntries(
    [...note.changes].map(([namespace, changes]) => [
      namespace,
      'prefix' in changes ? { prefix: changes.prefix } : changes.toSorted(),
    ]),
  );
}

/** Keys that quoting, or escaping, or a list of parameters may get wrong. */
const TEXTS = [
  '"',
  '\\',
  "'",
  '`',
  '?',
  '$1',
  '\n',
  '😀',
  '\u2028',
  'ä',
  ' ',
  '\uFFFD',
  ';',
  '--',
  '{"a":[1]}',
];

/** The log in which each commit of a storage that several processes share says what it changes. */
export function sharedLogs({ storage, put, all, it: declare, refusesNull }: ContractCase): void {
  const shared = storage as SharedStorage;
  /** Storages that can't be shared have nothing to show. */
  const it = (test: string, body: () => Promise<void>): unknown =>
    declare(`${test}, where several processes share it`, async () => {
      if (isSharedStorage(storage)) await body();
    });

  const join = async (...writers: readonly number[]): Promise<void> => {
    for (const writer of writers)
      assert.deepEqual(await shared.join({ writer, mode: 'many', about: `the test's ${writer}` }), []);
  };
  const commit = (n: number, writer = ME, stamp = SECOND): Commit => ({
    stamp,
    now: NOW,
    logged: { writer, n },
  });
  const each = (...writes: readonly RowWrite[]): Atom[] => writes.map((write) => [write]);
  const notes = async (writer = ME): Promise<readonly (readonly [number, Told])[]> =>
    (await shared.notesSince([{ writer, n: 0 }], 100)).map((note) => {
      assert.equal(note.writer, writer);
      return [note.n, told(note.text)];
    });
  const heads = async (): Promise<readonly LogHead[]> =>
    (await shared.heads()).toSorted((a, b) => a.writer - b.writer);

  it('says what people call each instance, if it says anything of them', async () => {
    await join(ME, YOU);
    await storage.write(each(store('a', '1', undefined)), commit(3));
    if (shared.instances === undefined) return;
    const found = (await shared.instances()).toSorted((a, b) => a.writer - b.writer);
    assert.deepEqual(
      found.map(({ writer, mode, about, n }) => ({ writer, mode, about, n })),
      [
        { writer: ME, mode: 'many', about: `the test's ${ME}`, n: 3 },
        { writer: YOU, mode: 'many', about: `the test's ${YOU}`, n: 0 },
      ],
    );
    assert.deepEqual(
      found.map(({ beat }) => beat),
      (await heads()).map(({ beat }) => beat),
    );
  });

  it('leaves a note of the rows of a commit, one or thousands', async () => {
    await join(ME);
    const expected: (readonly [number, Told])[] = [];
    for (const [i, size] of [1, 2, 16, 100, 999, 1000, 1001, 2600].entries()) {
      const keys = Array.from({ length: size }, (_, k) => `key ${String(k).padStart(4, '0')}`);
      await storage.write(each(...keys.map((key) => store(key, '1', undefined))), commit(i + 1));
      assert.equal(await storage.count('n', NOW), size);
      expected.push([i + 1, { n: keys }]);
    }
    assert.deepEqual(await notes(), expected);
  });

  it('leaves one note of rows of several namespaces, stored and removed', async () => {
    await join(ME);
    await put(row('gone'), row('kept'));
    await storage.write(
      each(
        store('a', '1', undefined),
        remove('gone', undefined),
        store('a', '1', undefined, { namespace: 'm' }),
        store('b', '1', undefined, { namespace: '__proto__' }),
        remove('gone too', undefined, 'm'),
      ),
      commit(1),
    );
    const [[n, changes] = []] = await notes();
    assert.equal(n, 1);
    assert.deepEqual(
      Object.entries(changes ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      [
        ['__proto__', ['b']],
        ['m', ['a', 'gone too']],
        ['n', ['a', 'gone']],
      ],
    );
    assert.deepEqual(await all(), [row('a', '1', null, SECOND), row('kept')]);
  });

  it('names keys in a note as they are, by whatever statement they were written', async () => {
    await join(ME);
    let n = 0;
    for (const text of TEXTS) {
      await storage.write(each(store(text, '1', undefined)), commit((n += 1)));
      await storage.write(each(store(text, '2', SECOND)), commit((n += 1)));
      await storage.write(each(store(text, '3', SECOND), store('x', '3', undefined)), commit((n += 1)));
      assert.deepEqual(
        (await notes()).slice(-3).map(([, changes]) => changes),
        [{ n: [text] }, { n: [text] }, { n: [text, 'x'].toSorted() }],
      );
    }
  });

  for (const [what, winner, loser] of [
    ['a store that expects a row', store('a', '2', STAMP), store('a', '2', OTHER)],
    ['a store that expects none', store('b', '2', null), store('a', '2', null)],
    ['a removal', remove('a', STAMP), remove('a', OTHER)],
    ['a removal of what is not there', remove('b', null), remove('a', null)],
  ] as const)
    it(`leaves a note of ${what} if it was written, and none if it is in conflict`, async () => {
      await join(ME);
      await put(row('a', '1'));
      assert.deepEqual(kindsOf(await storage.write(each(loser), commit(1))), ['conflict']);
      assert.deepEqual(await notes(), []);
      assert.deepEqual(await all(), [row('a', '1')]);
      assert.deepEqual(kindsOf(await storage.write(each(winner), commit(2))), ['committed']);
      assert.deepEqual(await notes(), [[2, { n: [winner.key] }]]);
    });

  it('leaves the rows of atoms in conflict out of the note', async () => {
    await join(ME);
    await put(...['p1', 'p2', 'd1', 'd2', 'there', 'blind', 'gone'].map((key) => row(key, '1')));
    await storage.write(
      each(
        store('p1', '2', STAMP),
        store('p2', '2', OTHER),
        remove('d1', STAMP),
        remove('d2', OTHER),
        store('there', '2', null),
        store('new', '2', null),
        store('blind', '2', undefined),
        remove('gone', undefined),
        store('in m', '2', null, { namespace: 'm' }),
        store('never', '2', STAMP, { namespace: 'never' }),
      ),
      commit(1),
    );
    assert.deepEqual(await notes(), [[1, { m: ['in m'], n: ['blind', 'd1', 'gone', 'new', 'p1'] }]]);
  });

  it('leaves atoms out of the note whole, wherever they lose', async () => {
    await join(ME);
    await put(row('from', '1'), row('x', '1'), row('y', '1'));
    await storage.write(
      [
        [store('m1', '2', null), remove('from', OTHER)],
        [store('x', '2', STAMP), store('m2', '2', null)],
        [store('m3', '2', undefined), store('y', '2', OTHER)],
        [],
      ],
      commit(1),
    );
    assert.deepEqual(await notes(), [[1, { n: ['m2', 'x'] }]]);
  });

  it('leaves no note where nothing is written, and none of a commit that is to leave none', async () => {
    await join(ME);
    await put(row('a', '1'), row('b', '1'));
    await storage.write([], commit(1));
    await storage.write([[]], commit(2));
    await storage.write(each(store('a', '2', OTHER), store('b', '2', null)), commit(3));
    await storage.write([[store('a', '2', OTHER), store('c', '2', null)]], commit(4));
    await storage.modify('n', ['a'], () => [], commit(5));
    await storage.purgeExpired('n', NOW);
    await storage.clear('m', { stamp: STAMP, now: NOW });
    assert.deepEqual(await notes(), []);
    assert.deepEqual(await all(), [row('a', '1'), row('b', '1')]);
  });

  it('leaves a note of what was decided on rows, and none where nothing was decided', async () => {
    await join(ME);
    await put(row('a', '1'), row('b', '1'));
    await storage.modify(
      'n',
      ['a', 'b', 'c'],
      () => each(store('a', '2', STAMP), store('b', '2', OTHER), store('c', '2', undefined)),
      commit(1),
    );
    const failing = (): Atom[] => {
      throw new Error('not decided');
    };
    await assert.rejects(storage.modify('n', ['a'], failing, commit(2)), /not decided/);
    assert.deepEqual(await notes(), [[1, { n: ['a', 'c'] }]]);
  });

  it('leaves a note of a removal: of all rows, of a prefix, of one key, be there any or not', async () => {
    await join(ME);
    await put(row('a:1'), row('a:2'), row('b'), row('old', '1', NOW - 1));
    assert.equal(await shared.clearRange('n', { prefix: 'a:', isWhole: false }, commit(1)), 2);
    assert.equal(await shared.clearRange('n', { prefix: 'b', isWhole: true }, commit(2)), 1);
    assert.equal(await shared.clearRange('n', { prefix: '', isWhole: false }, commit(3)), 0);
    await storage.clear('n', commit(4));
    assert.deepEqual(await notes(), [
      [1, { n: { prefix: 'a:' } }],
      [2, { n: ['b'] }],
      [3, { n: { prefix: '' } }],
      [4, { n: { prefix: '' } }],
    ]);
    assert.deepEqual(await storage.read('n', ['a:1', 'a:2', 'b', 'old']), []);
  });

  if (refusesNull)
    it('leaves no note of a commit that the storage refuses', async () => {
      await join(ME);
      await put(row('a', '1'));
      const broken = { ...store('broken', '', undefined), value: null as unknown as string };
      for (const writes of [
        [broken],
        [store('a', '2', undefined), broken],
        [store('a', '2', STAMP), broken],
      ]) {
        const error: unknown = await storage
          .write(each(...writes), commit(1))
          .catch((reason: unknown) => reason);
        assert.equal(storage.classify(error), 'permanent');
        assert.notEqual(codeOf(error), UNKNOWN_WRITER);
      }
      assert.deepEqual(await all(), [row('a', '1')]);
      assert.deepEqual(await notes(), []);
      assert.deepEqual(await heads(), [{ writer: ME, n: 0, beat: 0 }]);
    });

  const REFUSED: readonly (readonly [string, (given: Commit) => Promise<unknown>])[] = [
    ['a row', (given) => storage.write(each(store('a', '2', undefined)), given)],
    ['rows', (given) => storage.write(each(store('a', '2', undefined), store('c', '2', undefined)), given)],
    [
      'thousands of rows',
      (given) =>
        storage.write(each(...Array.from({ length: 2600 }, (_, i) => store(`${i}`, '2', undefined))), given),
    ],
    [
      'rows and removals',
      (given) => storage.write(each(store('a', '2', undefined), remove('b', undefined)), given),
    ],
    ['a removal', (given) => storage.write(each(remove('a', undefined)), given)],
    ['a row that is expected', (given) => storage.write(each(store('a', '2', STAMP)), given)],
    ['a row whose absence is expected', (given) => storage.write(each(store('new', '2', null)), given)],
    [
      'rows that are expected',
      (given) =>
        storage.write(each(store('a', '2', STAMP), store('new', '2', null), remove('b', STAMP)), given),
    ],
    ['an atom', (given) => storage.write([[store('a', '2', STAMP), remove('b', STAMP)]], given)],
    [
      'what was decided',
      (given) =>
        storage.modify('n', ['a'], () => each(store('a', '2', undefined), store('b', '2', STAMP)), given),
    ],
    ['a removal of all', (given) => storage.clear('n', given)],
    ['a removal of some', (given) => storage.clearRange('n', { prefix: 'a', isWhole: false }, given)],
  ];
  it('writes nothing of an instance that is not known, or not any more', async () => {
    await join(ME, YOU);
    await put(row('a', '1'), row('b', '1'));
    assert.equal(await shared.remove(ME), true);
    for (const writer of [ME, ME + 1])
      for (const [what, write] of REFUSED) {
        const error: unknown = await write(commit(1, writer)).catch((reason: unknown) => reason);
        assert.equal(codeOf(error), UNKNOWN_WRITER, `${what}: ${String(error)}`);
        assert.equal(storage.isUndone?.(error), true, what);
        assert.deepEqual(await all(), [row('a', '1'), row('b', '1')], what);
      }
    // The storage is as good as before.
    for (const [i, [, write]] of REFUSED.entries()) await write(commit(i + 1, YOU));
    assert.notDeepEqual(await all(), [row('a', '1'), row('b', '1')]);
    assert.equal((await notes(YOU)).at(-1)?.[0], REFUSED.length);
  });

  it('gives the notes behind a position in their order, at most so many of each writer', async () => {
    await join(ME, YOU, 5);
    for (const n of [1, 2, 3, 9, 10, 11, 100]) {
      await storage.write(each(store(`mine ${n}`, '1', undefined)), commit(n, ME));
      if (n < 10) await storage.write(each(store(`yours ${n}`, '1', undefined)), commit(n, YOU));
    }
    const since = async (limit: number, ...positions: readonly (readonly [number, number])[]) => {
      const found = await shared.notesSince(
        positions.map(([writer, n]) => ({ writer, n })),
        limit,
      );
      return positions.map(([writer]) => found.filter((note) => note.writer === writer).map(({ n }) => n));
    };
    assert.deepEqual(await since(100, [ME, 0]), [[1, 2, 3, 9, 10, 11, 100]]);
    assert.deepEqual(await since(100, [ME, 3]), [[9, 10, 11, 100]]);
    assert.deepEqual(await since(2, [ME, 2], [YOU, 0]), [
      [3, 9],
      [1, 2],
    ]);
    assert.deepEqual(await since(100, [ME, 100], [YOU, 8], [5, 0], [ME + 1, 0]), [[], [9], [], []]);
    assert.deepEqual(await since(100), []);
    const many = Array.from({ length: 250 }, (_, i) => [10_000 + i, 0] as const);
    assert.deepEqual((await since(100, ...many, [YOU, 3])).flat(), [9]);
  });

  it('says how far each log reaches, and how each instance is', async () => {
    await join(ME, YOU);
    assert.deepEqual(await heads(), [
      { writer: ME, n: 0, beat: 0 },
      { writer: YOU, n: 0, beat: 0 },
    ]);
    await storage.write(each(store('a', '1', undefined)), commit(4));
    await storage.write(each(store('a', '1', undefined)), commit(11));
    assert.equal(await shared.beat(ME), true);
    assert.equal(await shared.beat(ME), true);
    await storage.write(each(store('a', '1', undefined)), commit(Number.MAX_SAFE_INTEGER, YOU));
    assert.deepEqual(await heads(), [
      { writer: ME, n: 11, beat: 2 },
      { writer: YOU, n: Number.MAX_SAFE_INTEGER, beat: 0 },
    ]);
  });

  it('keeps the log of an instance that has left, which has no beat any more', async () => {
    await join(ME, YOU);
    await storage.write(each(store('a', '1', undefined)), commit(1));
    await shared.leave(ME);
    assert.equal(await shared.beat(ME), false);
    assert.deepEqual(await heads(), [
      { writer: ME, n: 1, beat: -1 },
      { writer: YOU, n: 0, beat: 0 },
    ]);
    assert.deepEqual(await notes(), [[1, { n: ['a'] }]]);
  });

  it('removes an instance with its log, and no other', async () => {
    await join(ME, YOU);
    await storage.write(each(store('a', '1', undefined)), commit(1));
    await storage.write(each(store('b', '1', undefined)), commit(1, YOU));
    assert.equal(await shared.remove(ME), true);
    assert.equal(await shared.remove(ME), true);
    assert.equal(await shared.beat(ME), false);
    assert.deepEqual(await heads(), [{ writer: YOU, n: 1, beat: 0 }]);
    assert.deepEqual(await notes(ME), []);
    assert.deepEqual(await notes(YOU), [[1, { n: ['b'] }]]);
    await shared.leave(ME);
    assert.equal((await heads()).length, 1);
  });

  it('removes the notes of one writer up to a number', async () => {
    await join(ME, YOU);
    for (const n of [1, 2, 3, 4]) {
      await storage.write(each(store('a', '1', undefined)), commit(n));
      await storage.write(each(store('a', '1', undefined)), commit(n, YOU));
    }
    await shared.trimLog({ writer: ME, n: 3 });
    await shared.trimLog({ writer: 5, n: 3 });
    assert.deepEqual(
      (await notes()).map(([n]) => n),
      [4],
    );
    assert.equal((await notes(YOU)).length, 4);
    assert.deepEqual(
      (await heads()).map(({ n }) => n),
      [4, 4],
    );
  });
}
