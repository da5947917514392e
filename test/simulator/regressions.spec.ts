import { describe, expect, it } from 'vitest';
import { History } from './history.js';
import type { Plan, Step } from './plan.js';
import { newTally } from './tally.js';

const UNBOUNDED = 2 ** 26;
const HOUR_MS = 3_600_000;
const STOP = { how: 'stop', rested: true } as const;
const RESCUE = { how: 'stop without database', hangs: false, wallMs: 0 } as const;
/** The orders of events in which a plan is lived through. */
const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

function turn(weather: 'fair' | 'down' | 'poison', ...keys: string[]): Step {
  return { do: 'weather', weather, keys };
}

function set(name: 'through' | 'back' | 'back too', key: string, value: number): Step {
  return { do: 'write', name, write: { kind: 'set', key, value } };
}

/** One life, unless told otherwise: no checkpoint helps, no bound of bytes bites, and nothing of the application's throws. */
function plan(steps: readonly Step[], details: Partial<Plan> = {}): Plan {
  return {
    seed: 0,
    maxDirty: 1000,
    maxDirtyBytes: UNBOUNDED,
    maxEntries: 1,
    checkpointIntervalMs: false,
    expires: false,
    unruly: [],
    rows: [],
    lives: [{ steps, end: STOP }],
    ...details,
  };
}

/** Lives through a plan; throws when it breaks a promise. */
async function live(lived: Plan, seeds: readonly number[] = SEEDS): Promise<void> {
  for (const seed of seeds) await new History({ ...lived, seed }, newTally()).run();
}

const wait = (ms: number): Step => ({ do: 'wait', ms });

describe('while the database is healthy', () => {
  it('updates of more evicted keys than may be dirty all come to an end', async () => {
    // In memory are c and d then: the updates of a and b wait for the database, and take all the room there is.
    const others = ['c', 'd'].flatMap((key): Step[] => [
      { do: 'read', name: 'back', key, how: 'get' },
      wait(30),
    ]);
    const updates: Step = { do: 'update all', name: 'back', add: 1, times: 1 };
    const details = { maxDirty: 2, maxEntries: 2, rows: ['a', 'b', 'c', 'd'] };
    await live(plan([wait(300), ...others, updates, wait(20_000)], details));
  });

  it('entries that it refuses hold up nobody while there is room beside them', async () => {
    const updates: Step = { do: 'update all', name: 'back too', add: 1, times: 1 };
    await live(plan([turn('poison', 'a', 'b'), updates, set('back', 'c', 1), wait(20_000)], { maxDirty: 3 }));
  });

  it('entries that it refused are written when it takes them', async () => {
    const steps = [turn('poison', 'a', 'b', 'c'), set('back', 'a', 3), set('back too', 'b', 4), wait(300)];
    await live(plan([...steps, turn('fair'), set('back', 'd', 5), wait(45_000)], { maxDirty: 2 }));
  });
});

describe('what is dirty', () => {
  it('is bounded by its bytes, however few the entries', async () => {
    const values = [6, 14, 22, 30].map((value, i) => set('back', 'abcd'[i] as string, value));
    await live(plan([...values, wait(300)], { maxDirtyBytes: 4000 }));
  });

  it('is bounded by its bytes when entries that are dirty grow', async () => {
    const small = ['a', 'b', 'c', 'd'].map((key) => set('back', key, 1));
    const large = ['a', 'b', 'c', 'd'].map((key) => set('back', key, 6));
    await live(plan([...small, ...large, wait(300)], { maxDirtyBytes: 4000 }));
  });
});

describe('time', () => {
  it('of a write-through write counts from its call, whoever else writes in its commit', async () => {
    const steps = [
      turn('down'),
      set('through', 'a', 1),
      wait(30),
      set('through', 'b', 1),
      wait(1700),
      set('through', 'c', 1),
      wait(12_000),
    ];
    await live(plan(steps));
  });

  it('of a write-through write does not move with the wall clock', async () => {
    const back: Step = { do: 'step the wall clock', ms: -2 * HOUR_MS };
    await live(plan([turn('down'), set('through', 'a', 1), { do: 'pass', steps: 5 }, back, wait(12_000)]));
  });

  it('of a stop does not move with the wall clock', async () => {
    const end = { ...RESCUE, wallMs: 2 * HOUR_MS };
    await live(plan([], { lives: [{ steps: [set('back', 'a', 1)], end }] }));
  });
});

describe('what the application hands in', () => {
  it('may be a logger that throws at the stop', async () => {
    await live(plan([], { unruly: ['logger'] }));
  });

  it('may be a logger that throws at an outage, and writes go on after it', async () => {
    const steps = [
      turn('down'),
      set('through', 'a', 1),
      set('back', 'a', 1),
      { do: 'flush', name: 'back' } as const,
      wait(3000),
      turn('fair'),
      set('through', 'b', 1),
      wait(45_000),
    ];
    await live(plan(steps, { unruly: ['logger'] }));
  });

  it('may be a logger that throws at a stop without the database, and at the start after it', async () => {
    const lives = [{ steps: [set('back', 'a', 1)], end: RESCUE }];
    await live(plan([], { lives, unruly: ['logger'] }));
  });

  it('may be a listener that throws', async () => {
    await live(plan([turn('down'), set('through', 'a', 1), wait(3000)], { unruly: ['listener'] }));
  });

  it('may be a codec that throws in a rename, which then changes nothing', async () => {
    const rename: Step = { do: 'write', name: 'back', write: { kind: 'rename', key: 'a', to: 'b' } };
    await live(plan([wait(30), rename, wait(30)], { rows: ['a'], maxEntries: 3, unruly: ['codec'] }));
  });

  it('may be a value that does not decode, and setMany then stores nothing', async () => {
    for (const name of ['through', 'back'] as const) {
      const many: Step = { do: 'set many', name, values: [['a', 1]], isInvalid: true };
      await live(plan([many, wait(30)], { maxEntries: 3, unruly: ['codec'] }));
    }
  });
});

describe('a rescue journal', () => {
  it('holds though the wall clock was stepped back before the stop', async () => {
    const written = [set('back', 'a', 1), { do: 'flush', name: 'back' } as const, wait(300)];
    const back: Step = { do: 'step the wall clock', ms: -2 * HOUR_MS };
    const lives = [{ steps: [...written, back, set('back', 'a', 2)], end: RESCUE }];
    await live(plan([], { lives }));
  });

  it('replaces what one of many attempts has left, all of which were reported as failed', async () => {
    const lies: Step = { do: 'weather', weather: 'lies', keys: ['a'] };
    const long = [set('back', 'c', 1), lies, wait(45_000), set('back', 'c', 2)];
    const options = { maxDirty: 1, checkpointIntervalMs: 200, maxEntries: 5 };
    await live(plan([], { lives: [{ steps: long, end: RESCUE }], ...options }));
  });

  it('is replayed once by two processes that start on it together', async () => {
    const lives = [{ steps: [set('back', 'a', 1)], end: RESCUE }];
    await live(plan([], { lives, ordeal: 'two starts' }));
  });

  it('of another database is left alone', async () => {
    await live(plan([], { ordeal: 'foreign journal' }));
  });

  it('of the same database is replayed', async () => {
    const lives = [{ steps: [set('back', 'a', 1)], end: RESCUE }];
    await expect(live(plan([], { lives }))).resolves.toBeUndefined();
  });
});
