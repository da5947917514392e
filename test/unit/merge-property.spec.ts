import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import { defineNamespace, json, stringKey, type Conflict, type NamespaceCache } from '../../src/index.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { ChaosError, ChaosStorage } from '../support/chaos-storage.js';
import { ON_SHUTDOWN } from '../support/definitions.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { RecordingLogger } from '../support/recording-logger.js';

type Counts = Record<string, number>;

const KEYS = ['a', 'b', 'c', 'd'];
const PROCESSES = 3;

interface Step {
  readonly who: number;
  readonly does:
    'count' | 'flush' | 'flush meanwhile' | 'refresh' | 'lie' | 'fail' | 'heal' | 'hold' | 'release';
  readonly key: string;
}

const step: fc.Arbitrary<Step> = fc.record({
  who: fc.nat({ max: PROCESSES - 1 }),
  does: fc.oneof(
    { weight: 8, arbitrary: fc.constant('count' as const) },
    { weight: 3, arbitrary: fc.constant('flush meanwhile' as const) },
    {
      weight: 5,
      arbitrary: fc.constantFrom('flush' as const, 'refresh', 'lie', 'fail', 'heal', 'hold', 'release'),
    },
  ),
  key: fc.constantFrom(...KEYS),
});

/** Of each field what this process has changed, else theirs. */
function byField({ base = {}, mine = {}, theirs = {} }: Conflict<Counts>): Counts {
  const changed = Object.entries(mine).filter(([name, value]) => value !== base[name]);
  return { ...theirs, ...Object.fromEntries(changed) };
}

const definition = defineNamespace({
  name: 'counts',
  key: stringKey(),
  value: json<Counts>(),
  persistence: ON_SHUTDOWN,
  maxEntries: 2,
  onConflict: byField,
});

interface Process {
  readonly name: string;
  readonly storage: ChaosStorage;
  readonly cache: NamespaceCache<string, Counts>;
  readonly counted: Map<string, number>;
}

async function start(rows: InMemoryStorage, clock: FakeClock, i: number): Promise<Process> {
  const storage = new ChaosStorage(rows);
  const context = { clock, logger: new RecordingLogger(), random: () => 0.5 };
  const options = resolveEngineOptions({ checkpointIntervalMs: false, instances: 'many' });
  const engine = new CacheEngine(() => storage, options, {}, context);
  return { name: `process ${i}`, storage, cache: await engine.register(definition), counted: new Map() };
}

/** Nobody else changes the field of a process: it must never see it go back. */
async function count({ cache, name, counted }: Process, key: string): Promise<void> {
  const before = counted.get(key) ?? 0;
  const counts = await cache.update(key, (current) => ({ ...current, [name]: (current?.[name] ?? 0) + 1 }));
  expect(counts[name]).toBe(before + 1);
  counted.set(key, before + 1);
}

async function take(process: Process, { does, key }: Step): Promise<void> {
  const { storage, cache } = process;
  if (does === 'count') await count(process, key).catch(isUnreadable);
  else if (does === 'flush') await (isHeld.has(storage) ? settle(2) : cache.flush());
  else if (does === 'flush meanwhile') {
    void cache.flush();
    await settle(1);
  } else if (does === 'refresh') await cache.refresh(key).catch(isUnreadable);
  else if (does === 'lie') storage.liesAboutCommits = true;
  else if (does === 'fail') storage.down = new ChaosError('transient');
  else if (does === 'hold') {
    isHeld.add(storage);
    storage.hold();
  } else heal(storage);
}

const isHeld = new WeakSet<ChaosStorage>();

function heal(storage: ChaosStorage): void {
  isHeld.delete(storage);
  storage.liesAboutCommits = false;
  storage.down = undefined;
  storage.release();
}

/** The database is away: the call has changed nothing. */
function isUnreadable(error: unknown): void {
  expect(error).toMatchObject({ code: 'READ_FAILED' });
}

describe('several processes that merge by field', () => {
  it('lose nothing, whatever comes between, and whatever the database says of their commits', async () => {
    let conflicts = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const clock = new FakeClock();
        const rows = new InMemoryStorage();
        const processes = await Promise.all([0, 1, 2].map((i) => start(rows, clock, i)));
        for (const next of steps) await take(processes[next.who] as Process, next);
        for (const { storage } of processes) heal(storage);
        for (const { cache } of processes) {
          for (let i = 0; i < 5 && cache.stats().dirty > 0; i += 1) await cache.flush();
          expect(cache.stats().dirty).toBe(0);
          conflicts += cache.stats().conflicts;
        }
        for (const key of KEYS) {
          const [row] = await rows.read('counts', [key]);
          const expected = processes.flatMap(({ name, counted }) =>
            counted.has(key) ? [[name, counted.get(key)]] : [],
          );
          expect(row === undefined ? {} : JSON.parse(row.value)).toEqual(Object.fromEntries(expected));
        }
      }),
      { numRuns: 300 },
    );
    expect(conflicts).toBeGreaterThan(100);
  }, 120_000);
});
