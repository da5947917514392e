import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LoadWatch } from '../../../src/core/entries/in-flight.js';
import { Knowledge } from '../../../src/core/entries/knowledge.js';
import { MissReader } from '../../../src/core/entries/miss-reader.js';
import {
  PersistedEntries,
  type PersistedEntriesOptions,
} from '../../../src/core/entries/persisted-entries.js';
import { FoldedRow } from '../../../src/core/levels/write-through/folded-row.js';
import { KnownRows } from '../../../src/core/levels/write-through/known-rows.js';
import { Receipts } from '../../../src/core/levels/write-through/receipts.js';
import { SharedFreshness } from '../../../src/core/sharing/freshness.js';
import { LogReader } from '../../../src/core/sharing/log-reader.js';
import { noteOfRows } from '../../../src/core/sharing/note.js';
import type { LogNote, SharedStorage } from '../../../src/core/sharing/shared-storage.js';
import type { LogPosition, Writer } from '../../../src/core/storage-adapter.js';
import { StorageWriter } from '../../../src/core/writing/storage-writer.js';
import { SharedHistory } from './shared-history.js';
import { CALM, DEADLY, sharedPlansIn, type SharedClimate } from './shared-plans.js';
import type { SharedSabotage } from './shared-process.js';
import { newSharedTally } from './shared-tally.js';

/** So many histories at most until a defect must have shown. */
const HISTORIES = 3000;
const NOTHING = 'nothing found';
/** A key that nobody uses. */
const NO_KEY = 'no key';

/** What the simulator says of an engine with a defect. */
async function verdict(
  climate: SharedClimate,
  sabotage?: SharedSabotage,
  histories = HISTORIES,
): Promise<string> {
  const { failed, errorInstance } = await fc.check(
    fc.asyncProperty(sharedPlansIn(climate), async (plan) => {
      await new SharedHistory(plan, newSharedTally(), sabotage).run();
    }),
    { numRuns: histories, endOnFailure: true, seed: 1 },
  );
  return failed ? (errorInstance as Error).message : NOTHING;
}

/** A storage with other methods, made anew for each process. */
function storageWith(methods: (inner: SharedStorage) => Partial<SharedStorage>): SharedSabotage {
  return ({ storage, options }) => {
    const others = methods(storage);
    const wrapped = new Proxy(storage, {
      get: (inner, name) => {
        if (Object.hasOwn(others, name)) return Reflect.get(others, name) as unknown;
        const member: unknown = Reflect.get(inner, name);
        return typeof member === 'function' ? (member.bind(inner) as unknown) : member;
      },
    });
    return { storage: wrapped, options };
  };
}

/** A storage whose notes are read otherwise. */
function notesAs(change: (notes: readonly LogNote[]) => readonly LogNote[]): SharedSabotage {
  return storageWith((inner) => ({
    notesSince: async (positions, limit) => change(await inner.notesSince(positions, limit)),
  }));
}

const NO_CHANGES = noteOfRows(0, []);
/** What the checks say of what is too old. */
const OLD = /changed too long ago|seen something newer|When all has healed|does not look/;

it('the simulator of several processes finds nothing in calm histories of the engine as it is', async () => {
  expect(await verdict(CALM, undefined, 30)).toBe(NOTHING);
}, 60_000);

describe('the simulator of several processes notices', { timeout: 180_000 }, () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('a read on its way that is kept though others have changed its key', async () => {
    vi.spyOn(MissReader.prototype, 'supersede').mockImplementation(() => undefined);
    expect(await verdict(CALM)).toMatch(OLD);
  });

  it('an own commit that is kept though others have written since', async () => {
    vi.spyOn(PersistedEntries.prototype, 'watchOthers').mockImplementation(() => new LoadWatch());
    expect(await verdict(CALM)).toMatch(OLD);
  });

  it('rows that are loaded before the logs are read', async () => {
    const late = new WeakSet<SharedFreshness>();
    const confirmedAnew = Reflect.get(SharedFreshness.prototype, 'confirmedAnew');
    vi.spyOn(SharedFreshness.prototype, 'confirmedAnew').mockImplementation(async function (
      this: SharedFreshness,
    ) {
      if (late.has(this)) return confirmedAnew.call(this);
      late.add(this);
    });
    vi.spyOn(LogReader.prototype, 'beginAnew').mockImplementation(function (this: LogReader) {
      return this.begin();
    });
    expect(await verdict({ ...CALM, isCalm: false, maxEntries: [100] })).toMatch(OLD);
  });

  it('a position that goes on past a hole', async () => {
    const heard = new WeakMap<LogReader, Map<Writer, number>>();
    const received = Reflect.get(LogReader.prototype, 'received');
    vi.spyOn(LogReader.prototype, 'received').mockImplementation(function (this: LogReader, note) {
      const positions = heard.get(this) ?? new Map<Writer, number>();
      heard.set(this, positions);
      for (let n = positions.get(note.writer) ?? 0; n < note.n; n += 1)
        received.call(this, { writer: note.writer, n, text: NO_CHANGES });
      positions.set(note.writer, note.n);
      return received.call(this, note);
    });
    expect(await verdict({ ...CALM, hasMessages: [true] })).toMatch(OLD);
  });

  it('notes of which the last alone is read', async () => {
    expect(
      await verdict(
        CALM,
        notesAs((notes) => notes.slice(-1)),
      ),
    ).toMatch(OLD);
  });

  it('a freshness that is dated at the answer', async () => {
    const look = Reflect.get(SharedFreshness.prototype, 'look');
    vi.spyOn(SharedFreshness.prototype, 'look').mockImplementation(async function (this: SharedFreshness) {
      const readLogs = Reflect.get(this, 'readLogs') as () => Promise<void>;
      const read = readLogs();
      await read.catch(() => undefined);
      Reflect.set(this, 'readLogs', () => read);
      const isOver = look.call(this);
      Reflect.set(this, 'readLogs', readLogs);
      return isOver;
    });
    const climate: SharedClimate = { ...CALM, maxStaleMs: [150], pollMs: [1000], weathers: ['slow'] };
    expect(await verdict({ ...climate, calls: ['append', 'look'], maxEntries: [100] })).toMatch(
      /changed too long ago/,
    );
  });

  it('a commit that leaves no note', async () => {
    const forgets = storageWith((inner) => ({
      write: (atoms, commit) => inner.write(atoms, { ...commit, logged: undefined }),
    }));
    expect(await verdict(CALM, forgets)).toMatch(OLD);
  });

  it('a note that names what was not written', async () => {
    const losers = new Map<string, string>();
    const name = ({ writer, n }: LogPosition): string => `${writer} ${n}`;
    const confuses = storageWith((inner) => ({
      write: async (atoms, commit) => {
        const outcomes = await inner.write(atoms, commit);
        const lost = atoms.filter((_, i) => outcomes[i]?.kind === 'conflict').flat();
        if (lost.length > 0 && commit.logged !== undefined)
          losers.set(name(commit.logged), noteOfRows(commit.stamp, lost));
        return outcomes;
      },
      notesSince: async (positions, limit) => {
        const notes = await inner.notesSince(positions, limit);
        return notes.map(({ writer, n, text }) => ({
          writer,
          n,
          text: losers.get(name({ writer, n })) ?? text,
        }));
      },
    }));
    expect(await verdict(CALM, confuses)).toMatch(OLD);
  });

  it('completeness that forgets what it does not know', async () => {
    const unknown = Reflect.get(Knowledge.prototype, 'unknown');
    vi.spyOn(Knowledge.prototype, 'unknown').mockImplementation(function (this: Knowledge, key) {
      if (!this.isAbsent(NO_KEY)) unknown.call(this, key);
    });
    expect(await verdict({ ...CALM, maxEntries: [100] })).toMatch(OLD);
  });

  it('an absence that is remembered though others have written', async () => {
    const unknown = Reflect.get(Knowledge.prototype, 'unknown');
    vi.spyOn(Knowledge.prototype, 'unknown').mockImplementation(function (this: Knowledge, key) {
      if (this.isAbsent(NO_KEY)) unknown.call(this, key);
    });
    expect(await verdict({ ...CALM, maxEntries: [2] })).toMatch(OLD);
  });

  it('a note of an unknown format that is passed over', async () => {
    const passes = notesAs((notes) =>
      notes.map((note) => (note.text.startsWith('{"v":1') ? note : { ...note, text: NO_CHANGES })),
    );
    expect(await verdict({ ...CALM, isCalm: false }, passes)).toMatch(OLD);
  });

  it('who was out of touch for longer than notes are kept, and goes on where it was', async () => {
    const beginAnew = Reflect.get(LogReader.prototype, 'beginAnew');
    const begun = new WeakSet<LogReader>();
    vi.spyOn(LogReader.prototype, 'beginAnew').mockImplementation(function (this: LogReader) {
      if (begun.has(this)) return this.catchUp().then((heads) => heads ?? this.instances);
      begun.add(this);
      return beginAnew.call(this);
    });
    const climate: SharedClimate = {
      ...CALM,
      weathers: ['fair', 'blind'],
      waitMs: [40_000, 130_000],
    };
    expect(await verdict(climate)).toMatch(OLD);
  });

  it('an own clear after which memory counts as complete', async () => {
    const applyClear = Reflect.get(PersistedEntries.prototype, 'applyClear');
    vi.spyOn(PersistedEntries.prototype, 'applyClear').mockImplementation(function (
      this: PersistedEntries<unknown>,
    ) {
      const options = Reflect.get(this, 'options') as PersistedEntriesOptions<unknown>;
      Reflect.set(this, 'options', { ...options, isShared: false });
      applyClear.call(this);
      Reflect.set(this, 'options', options);
    });
    const climate: SharedClimate = { ...CALM, weathers: ['slow'], maxEntries: [100] };
    expect(await verdict({ ...climate, calls: ['clear', 'set', 'look'] })).toMatch(OLD);
  });

  it('an own commit that is answered late, and put over what was read behind it', async () => {
    const attempting = Reflect.get(FoldedRow.prototype, 'attempting');
    vi.spyOn(FoldedRow.prototype, 'attempting').mockImplementation(function (
      this: FoldedRow<unknown>,
      commit,
    ) {
      attempting.call(this, commit);
      const others = Reflect.get(this, 'others') as LoadWatch;
      others.seen.set = () => others.seen;
    });
    expect(await verdict({ ...CALM, calls: ['set', 'look'] })).toMatch(OLD);
  });

  it('a set that is made again where nobody can tell whether it has happened', async () => {
    const hasCommitted = Reflect.get(Receipts.prototype, 'hasCommitted');
    vi.spyOn(Receipts.prototype, 'hasCommitted').mockImplementation(function (this: Receipts, row) {
      return hasCommitted.call(this, row) ?? false;
    });
    expect(await verdict({ ...DEADLY, calls: ['set', 'look'] })).toMatch(/twice/);
  });

  it('a removal that is made again where nobody can tell whether it has happened', async () => {
    const clear = Reflect.get(StorageWriter.prototype, 'clear');
    vi.spyOn(StorageWriter.prototype, 'clear').mockImplementation(function (
      this: StorageWriter,
      namespace,
      removal,
    ) {
      Reflect.set(removal, 'whenUnknown', 'make again');
      return clear.call(this, namespace, removal);
    });
    expect(await verdict({ ...DEADLY, calls: ['clear', 'set', 'look'] })).toMatch(
      /has removed entries … twice/,
    );
  });

  it('a call that changes nothing and that memory answers', async () => {
    vi.spyOn(KnownRows.prototype, 'isFresh').mockReturnValue(true);
    expect(await verdict({ ...CALM, calls: ['touch', 'set'] })).toMatch(/shows \w+ \(touch\)/);
  });

  it('a delete of what memory takes for absent that removes whatever row there is', async () => {
    const sabotage = storageWith((inner) => ({
      write: (atoms, commit) =>
        inner.write(
          atoms.map((atom) =>
            atom.map((row) => (row.value === undefined ? { ...row, expects: undefined } : row)),
          ),
          commit,
        ),
    }));
    const calls = ['delete', 'set', 'look'] as const;
    expect(await verdict({ ...CALM, calls }, sabotage)).toMatch(/its absence \(delete\)/);
  });
});
