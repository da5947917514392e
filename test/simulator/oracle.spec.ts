import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LoadWatch } from '../../src/core/entries/in-flight.js';
import { MissReader } from '../../src/core/entries/miss-reader.js';
import { PersistedEntries } from '../../src/core/entries/persisted-entries.js';
import { DirtyBudget } from '../../src/core/levels/write-back/dirty-budget.js';
import { DirtyEntries, type TakenChange } from '../../src/core/levels/write-back/dirty-entries.js';
import type { CacheStorageAdapter, NamespaceWrite } from '../../src/core/storage-adapter.js';
import { History, type Sabotage } from './history.js';
import { plans } from './plan.js';
import type { Scheduler } from './scheduler.js';
import { SimulatedJournal } from './simulated-journal.js';
import { newTally } from './tally.js';

/** So many histories at most until a defect must have shown. */
const HISTORIES = 40000;

/** What the simulator says of an engine with a defect. */
async function verdict(sabotage?: Sabotage): Promise<string> {
  const { failed, errorInstance } = await fc.check(
    fc.asyncProperty(plans, async (plan) => {
      await new History(plan, newTally(), sabotage).run();
    }),
    { numRuns: HISTORIES, endOnFailure: true, seed: 1 },
  );
  return failed ? (errorInstance as Error).message : 'nothing found';
}

/** A storage whose `write` is another one. */
function writing(
  write: (
    inner: CacheStorageAdapter,
    scheduler: Scheduler,
    batch: readonly NamespaceWrite[],
  ) => Promise<void>,
): Sabotage {
  return (inner, scheduler) =>
    new Proxy(inner, {
      get: (target, name) => {
        if (name === 'write') return (batch: readonly NamespaceWrite[]) => write(target, scheduler, batch);
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
}

describe('the simulator notices', { timeout: 180_000 }, () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('a write that gets lost on its way to the database', async () => {
    let count = 0;
    const loses = writing(async (inner, scheduler, batch) => {
      count += 1;
      const kept = count % 7 === 0 ? batch.map((write) => ({ ...write, puts: write.puts.slice(1) })) : batch;
      await inner.write(kept, scheduler.now());
    });
    expect(await verdict(loses)).not.toBe('nothing found');
  });

  it('a write that is acknowledged before it has committed', async () => {
    const hurries = writing(async (inner, scheduler, batch) => {
      void inner.write(batch, scheduler.now()).catch(() => undefined);
    });
    expect(await verdict(hurries)).not.toBe('nothing found');
  });

  it('a batch that is committed in part', async () => {
    const tears = writing(async (inner, scheduler, batch) => {
      for (const write of batch) {
        await inner.write([{ ...write, deletes: [] }], scheduler.now());
        await inner.write([{ ...write, puts: [] }], scheduler.now());
      }
    });
    expect(await verdict(tears)).not.toBe('nothing found');
  });

  it('a value that is forgotten because an older one of its key was written', async () => {
    const committed = Reflect.get(DirtyEntries.prototype, 'committed');
    vi.spyOn(DirtyEntries.prototype, 'committed').mockImplementation(function (
      this: DirtyEntries,
      batch: readonly TakenChange[],
      epoch: number,
    ) {
      const newest = batch.map(({ memoryKey, change }) => ({
        memoryKey,
        change: this.get(memoryKey) ?? change,
      }));
      committed.call(this, newest, epoch);
    });
    expect(await verdict()).not.toBe('nothing found');
  });

  it('a read that puts what it found over a newer write', async () => {
    vi.spyOn(MissReader.prototype, 'supersede').mockImplementation(() => undefined);
    expect(await verdict()).not.toBe('nothing found');
  });

  it('a load that puts a page over a newer write', async () => {
    const loaded = Reflect.get(PersistedEntries.prototype, 'applyRow');
    vi.spyOn(PersistedEntries.prototype, 'applyRow').mockImplementation(function (
      this: PersistedEntries<unknown>,
      key,
      text,
      expiresAt,
      watch,
    ) {
      const blind = new LoadWatch();
      blind.isOver = watch.isOver;
      return loaded.call(this, key, text, expiresAt, blind);
    });
    expect(await verdict()).not.toBe('nothing found');
  });

  it('an update that is built on a value of before a commit of unknown outcome', async () => {
    vi.spyOn(PersistedEntries.prototype, 'doubt').mockImplementation(() => undefined);
    expect(await verdict()).not.toBe('nothing found');
  });

  it('a journal that forgets deletes', async () => {
    const appendSync = Reflect.get(SimulatedJournal.prototype, 'appendSync');
    vi.spyOn(SimulatedJournal.prototype, 'appendSync').mockImplementation(function (
      this: SimulatedJournal,
      writes,
    ) {
      appendSync.call(
        this,
        writes.filter((write) => write.op !== 'delete'),
      );
    });
    expect(await verdict()).not.toBe('nothing found');
  });

  it('a queue of unwritten entries that grows without bound', async () => {
    vi.spyOn(DirtyBudget.prototype, 'hasRoom', 'get').mockReturnValue(true);
    expect(await verdict()).toContain('entries are unwritten');
  });
});
