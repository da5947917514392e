import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { InFlight, LoadWatch } from '../../src/core/entries/in-flight.js';
import { Knowledge } from '../../src/core/entries/knowledge.js';
import { MissReader } from '../../src/core/entries/miss-reader.js';
import { PersistedEntries } from '../../src/core/entries/persisted-entries.js';
import { valueOf } from '../../src/core/entries/known-value.js';
import { ValueEncoder } from '../../src/core/entries/value-encoder.js';
import { DirtyBudget } from '../../src/core/levels/write-back/dirty-budget.js';
import { LiveCount } from '../../src/core/levels/write-back/live-count.js';
import { PendingRemovals } from '../../src/core/levels/write-back/pending-removals.js';
import { DirtyWatch } from '../../src/core/levels/write-back/dirty-watch.js';
import { Flusher } from '../../src/core/levels/write-back/flusher.js';
import { WriteBack, type WriteBackOptions } from '../../src/core/levels/write-back/write-back.js';
import { OperationOrder } from '../../src/core/levels/write-back/operation-order.js';
import { DirtyEntries, type TakenChange } from '../../src/core/levels/write-back/dirty-entries.js';
import { COMMITTED, type AtomOutcome, type Atom, type StampedEntry } from '../../src/core/storage-adapter.js';
import { History, type Sabotage } from './history.js';
import type { Plan, Step } from './plan.js';
import { plansIn, type Climate } from './plans.js';
import { clockWith, heeding, journalWith, storageWith, writing } from './sabotage.js';
import { newTally } from './tally.js';

/** So many histories at most until a defect must have shown. */
const HISTORIES = 20_000;
/** A taste of `npm run simulate`, whose histories are all kinds of these. */
const SOUND_HISTORIES = 200;
const NOTHING = 'nothing found';

/** What a database answers that pretends to have written everything. */
const pretended = (atoms: readonly Atom[]): AtomOutcome[] => atoms.map(() => COMMITTED);

/** What is wrong with the data shows in such histories; they keep to what every oracle understands. */
const CALM: Climate = { unruly: [], maxDirtyBytes: [2 ** 26], checkpointIntervalMs: [200, 1000] };
/** Who waits, and for how long, shows best where nothing fails and no checkpoint comes to help. */
const FAIR: Climate = { ...CALM, weathers: [], checkpointIntervalMs: [30_000, false] };

interface Search {
  /** Where to begin, a little before the history that shows the defect today: the ones before it show nothing. */
  readonly from?: number;
  readonly histories?: number;
}

/** What the simulator says of an engine with a defect. */
async function verdict(
  climate: Climate,
  sabotage?: Sabotage,
  { from = 0, histories = HISTORIES }: Search = {},
): Promise<string> {
  const { failed, errorInstance } = await fc.check(
    fc.asyncProperty(plansIn(climate), async (plan) => {
      await new History(plan, newTally(), sabotage).run();
    }),
    { numRuns: histories, endOnFailure: true, seed: 1, path: String(from) },
  );
  return failed ? (errorInstance as Error).message : NOTHING;
}

/** The same of one history, which breaks nothing without the sabotage. */
async function verdictOn(plan: Plan, sabotage: Sabotage): Promise<string> {
  await new History(plan, newTally()).run();
  try {
    await new History(plan, newTally(), sabotage).run();
    return NOTHING;
  } catch (error) {
    return (error as Error).message;
  }
}

function lifeOf(steps: readonly Step[], end: Plan['lives'][0]['end']): Plan {
  return {
    seed: 1,
    maxDirty: 3,
    maxDirtyBytes: 2 ** 26,
    maxEntries: 3,
    checkpointIntervalMs: false,
    expires: false,
    unruly: [],
    rows: [],
    lives: [{ steps, end }],
  };
}

const HOUR_MS = 3_600_000;
const AWAY: Step = { do: 'weather', weather: 'down', keys: [] };
const SET: Step = { do: 'write', name: 'through', write: { kind: 'set', key: 'a', value: 1 } };
const STOP = { how: 'stop', rested: false } as const;

describe('the simulator finds nothing', { timeout: 180_000 }, () => {
  it.each([
    ['calm', CALM],
    ['fair', FAIR],
  ])('in %s histories of the engine as it is', async (_name, climate) => {
    expect(await verdict(climate, undefined, { histories: SOUND_HISTORIES })).toBe(NOTHING);
  });
});

describe('the simulator notices', { timeout: 180_000 }, () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  describe('of a database', () => {
    it('a write that gets lost on its way to it', async () => {
      let count = 0;
      const loses = writing(async (inner, atoms, commit) => {
        count += 1;
        const lost = count % 7 === 0 ? atoms.find(([row]) => row?.value !== undefined) : undefined;
        await inner.write(
          atoms.filter((atom) => atom !== lost),
          commit,
        );
        return pretended(atoms);
      });
      expect(await verdict(CALM, loses)).toMatch(/holds|after a crash|shows|are unwritten/);
    });

    it('a write that is acknowledged before it has committed', async () => {
      const hurries = writing(async (inner, atoms, commit) => {
        void inner.write(atoms, commit).catch(() => undefined);
        return pretended(atoms);
      });
      expect(await verdict(CALM, hurries)).toMatch(/holds|after a crash|never committed|are unwritten/);
    });

    it('a batch that is committed in part', async () => {
      const tears = writing(async (inner, atoms, commit) => {
        for (const row of atoms.flat()) await inner.write([[row]], commit);
        return pretended(atoms);
      });
      expect(await verdict(CALM, tears)).toMatch(/holds|after a crash/);
    });

    it('writes that change places', async () => {
      const reorders = storageWith((inner) => {
        let held: Parameters<typeof inner.write> | undefined;
        return {
          write: async (...args) => {
            if (held === undefined) {
              held = args;
              return pretended(args[0]);
            }
            const earlier = held;
            held = undefined;
            const outcomes = await inner.write(...args);
            await inner.write(...earlier);
            return outcomes;
          },
        };
      });
      expect(await verdict(CALM, reorders)).toMatch(/holds|after a crash|never committed/);
    });

    it('a read that answers what was there before', async () => {
      const remembers = storageWith((inner) => {
        const answers = new Map<string, readonly StampedEntry[]>();
        return {
          read: async (namespace, keys) => {
            const question = JSON.stringify([namespace, keys]);
            const answer = answers.get(question) ?? (await inner.read(namespace, keys));
            answers.set(question, answer);
            return answer;
          },
        };
      });
      expect(await verdict(CALM, remembers)).toMatch(/holds|after a crash|shows|unwritten/);
    });

    it('a write that is never answered', async () => {
      const hangs = storageWith((inner) => {
        let count = 0;
        return {
          write: (atoms, commit) => {
            count += 1;
            return count === 3 ? new Promise(() => undefined) : inner.write(atoms, commit);
          },
        };
      });
      expect(await verdict(FAIR, hangs)).toMatch(/waits for/);
    });
  });

  describe('of an engine', () => {
    it('a value that is forgotten because an older one of its key was written', async () => {
      const committed = Reflect.get(DirtyEntries.prototype, 'committed');
      vi.spyOn(DirtyEntries.prototype, 'committed').mockImplementation(function (
        this: DirtyEntries,
        batch: readonly TakenChange[],
      ) {
        const newest = batch.map(({ memoryKey, change }) => ({
          memoryKey,
          change: this.get(memoryKey) ?? change,
        }));
        committed.call(this, newest);
      });
      expect(await verdict(CALM)).toMatch(/holds|after a crash|shows|unwritten/);
    });

    it('a read that puts what it found over a newer write', async () => {
      vi.spyOn(MissReader.prototype, 'supersede').mockImplementation(() => undefined);
      expect(await verdict(CALM, undefined, { from: 360 })).toMatch(/holds|shows/);
    });

    it('a load that puts a page over a newer write', async () => {
      const loaded = Reflect.get(PersistedEntries.prototype, 'applyRow');
      vi.spyOn(PersistedEntries.prototype, 'applyRow').mockImplementation(function (
        this: PersistedEntries<unknown>,
        key,
        row,
        watch,
      ) {
        const blind = new LoadWatch();
        blind.isOver = watch.isOver;
        return loaded.call(this, key, row, blind);
      });
      expect(await verdict(CALM)).toMatch(/holds|shows/);
    });

    it('an update that is built on a value of before a commit of unknown outcome', async () => {
      vi.spyOn(PersistedEntries.prototype, 'doubt').mockImplementation(() => undefined);
      expect(await verdict({ ...CALM, weathers: ['fair', 'lies'] }, undefined, { from: 780 })).toMatch(
        /holds/,
      );
    });

    it('a touch that comes to nothing', async () => {
      vi.spyOn(ValueEncoder.prototype, 'renewed').mockImplementation((stored) => stored);
      expect(await verdict(CALM)).toMatch(/holds|after a crash|shows/);
    });

    it('a refresh that puts a row over what is dirty', async () => {
      vi.spyOn(WriteBack.prototype, 'refresh').mockImplementation(async function (
        this: WriteBack<unknown>,
        key,
      ) {
        const { entries, definition } = Reflect.get(this, 'options') as WriteBackOptions<unknown>;
        return valueOf(await entries.reader.readAnew(key), definition.value);
      });
      expect(await verdict(CALM)).toMatch(/holds|after a crash|shows|unwritten/);
    });

    it('a load or read that is not told of a write', async () => {
      vi.spyOn(InFlight.prototype, 'supersede').mockImplementation(() => undefined);
      expect(await verdict(CALM, undefined, { from: 150 })).toMatch(/holds|shows|unwritten|count gave/);
    });

    it('knowledge of what is absent that contradicts memory', async () => {
      vi.spyOn(Knowledge.prototype, 'present').mockImplementation(() => undefined);
      expect(await verdict(CALM)).toMatch(/remembered as absent/);
    });

    it('a scan that does not see what is dirty and has no row', async () => {
      vi.spyOn(DirtyEntries.prototype, 'putKeys').mockImplementation(function* none() {
        yield* [];
      });
      expect(await verdict(CALM)).toMatch(/a scan did not give/);
    });

    it('a scan that does not see what is written while it reads', async () => {
      vi.spyOn(DirtyWatch.prototype, 'get').mockReturnValue(undefined);
      expect(await verdict(CALM, undefined, { from: 150 })).toMatch(/a scan gave/);
    });

    it('a scan that takes the rows of before a clear for what there is', async () => {
      vi.spyOn(DirtyWatch.prototype, 'isRemoved').mockReturnValue(false);
      vi.spyOn(DirtyWatch.prototype, 'isEmptied', 'get').mockReturnValue(false);
      expect(await verdict(CALM, undefined, { from: 100 })).toMatch(/a scan gave/);
    });

    it('a removal of a range that does not know what it removes until it is written', async () => {
      vi.spyOn(PendingRemovals.prototype, 'has').mockReturnValue(false);
      expect(await verdict(CALM)).toMatch(/holds|shows|a scan gave|a count gave/);
    });

    it('a load or read that is not told of a removal', async () => {
      vi.spyOn(InFlight.prototype, 'supersedeWhere').mockImplementation(() => undefined);
      expect(await verdict(CALM, undefined, { from: 1920 })).toMatch(/holds|shows|unwritten/);
    });

    it('a removal that tells another number than it removes', async () => {
      vi.spyOn(LiveCount.prototype, 'of').mockResolvedValue(1);
      expect(await verdict(CALM)).toMatch(/holds|a count gave/);
    });

    it('a count whose questions are answered of the rows before a flush and after', async () => {
      vi.spyOn(Flusher.prototype, 'attempts', 'get').mockReturnValue(0);
      expect(await verdict({ ...CALM, weathers: [] }, undefined, { from: 1580 })).toMatch(
        /a count gave|holds/,
      );
    });

    it('a flusher that does not look again', async () => {
      vi.spyOn(Flusher.prototype, 'reconsider').mockImplementation(() => undefined);
      const climate = { ...CALM, maxDirty: [1, 2], checkpointIntervalMs: [false] as const };
      expect(await verdict(climate)).toMatch(/waits/);
    });

    it('an operation that overtakes another one on its key', async () => {
      vi.spyOn(OperationOrder.prototype, 'run').mockImplementation(async (_keys, task) => task());
      expect(await verdict({ ...CALM, maxDirty: [1, 2] })).toMatch(/holds|shows|waits|unwritten/);
    });

    it('bytes that are not charged', async () => {
      const charge = Reflect.get(DirtyBudget.prototype, 'charge');
      vi.spyOn(DirtyBudget.prototype, 'charge').mockImplementation(function (this: DirtyBudget, entries) {
        charge.call(this, entries, 0);
      });
      const climate = { ...CALM, maxDirty: [1000], maxDirtyBytes: [1000] };
      expect(await verdict(climate)).toMatch(/bytes are unwritten/);
    });

    it('dirty entries without bound', async () => {
      vi.spyOn(DirtyBudget.prototype, 'hasRoom', 'get').mockReturnValue(true);
      expect(await verdict(CALM)).toMatch(/entries are unwritten/);
    });

    it('a bound of entries that it does not heed', async () => {
      const forgets = heeding(() => ({ maxDirty: 1000 }));
      expect(await verdict({ ...CALM, maxDirty: [1, 2] }, forgets)).toMatch(/entries are unwritten/);
    });

    it('a bound of bytes that it does not heed', async () => {
      const forgets = heeding(() => ({ maxDirtyBytes: 2 ** 26 }));
      const climate = { ...CALM, maxDirty: [1000], maxDirtyBytes: [1000] };
      expect(await verdict(climate, forgets)).toMatch(/bytes are unwritten/);
    });

    it('a write that is tried for longer than its time', async () => {
      const insists = heeding(({ writeTimeoutMs }) => ({ writeTimeoutMs: writeTimeoutMs * 3 }));
      const plan = lifeOf([AWAY, SET, { do: 'wait', ms: 12_000 }], STOP);
      expect(await verdictOn(plan, insists)).toMatch(/waits for too long/);
    });

    it('a stop that takes longer than its time', async () => {
      const lingers = heeding(({ shutdownTimeoutMs }) => ({ shutdownTimeoutMs: shutdownTimeoutMs * 3 }));
      expect(await verdict(CALM, lingers)).toMatch(/The stop took/);
    });
  });

  describe('of a clock', () => {
    it('deadlines that move with the wall clock', async () => {
      const follows = clockWith((inner) => ({ monotonic: () => inner.now() }));
      const steps: Step[] = [
        AWAY,
        SET,
        { do: 'pass', steps: 5 },
        { do: 'step the wall clock', ms: -2 * HOUR_MS },
        { do: 'wait', ms: 12_000 },
      ];
      expect(await verdictOn(lifeOf(steps, STOP), follows)).toMatch(/waits for too long/);
    });

    it('a turn of the event loop that never comes', async () => {
      const loses = clockWith((inner) => {
        let count = 0;
        return {
          immediate: (task) => {
            count += 1;
            if (count !== 12) inner.immediate(task);
          },
        };
      });
      expect(await verdict(FAIR, loses)).toMatch(/waits for/);
    });

    it('a timer that never fires', async () => {
      const forgets = clockWith((inner) => {
        let count = 0;
        return {
          setTimer: (ms, task, keepAlive) => {
            count += 1;
            return inner.setTimer(ms, count === 4 ? () => undefined : task, keepAlive);
          },
        };
      });
      expect(await verdict(CALM, forgets, { from: 440 })).toMatch(/waits|[Aa]t rest/);
    });
  });

  describe('of a rescue journal', () => {
    it('that it forgets deletes', async () => {
      const forgets = journalWith((inner) => ({
        appendSync: (writes, origin) =>
          inner.appendSync(
            writes.filter((write) => write.op !== 'delete'),
            origin,
          ),
      }));
      expect(await verdict(CALM, forgets)).toMatch(/holds/);
    });

    it('that it forgets its last entry', async () => {
      const forgets = journalWith((inner) => ({
        appendSync: (writes, origin) => inner.appendSync(writes.slice(0, -1), origin),
      }));
      expect(await verdict(CALM, forgets)).toMatch(/holds/);
    });

    it('that it keeps what is replayed', async () => {
      const keeps = journalWith((inner) => ({
        claim: async (...of) =>
          (await inner.claim(...of)).map((claimed) => Object.assign(claimed, { remove: async () => true })),
      }));
      expect(await verdict(CALM, keeps)).toMatch(/holds|set aside/);
    });
  });
});
