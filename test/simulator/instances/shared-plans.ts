import fc from 'fast-check';
import {
  KEYS_OF,
  PREFIXES,
  type Call,
  type SharedPlan,
  type SharedStep,
  type Weather,
  type Where,
} from './shared-plan.js';

const HOUR_MS = 3_600_000;

/** What the histories are about. */
export interface SharedClimate {
  readonly maxStaleMs?: readonly number[];
  readonly staleWhileDownMs?: readonly number[];
  readonly pollMs?: readonly number[];
  readonly maxEntries?: readonly number[];
  readonly weathers?: readonly Weather[];
  /** For how long processes are suspended. */
  readonly suspendedMs?: readonly number[];
  readonly hasMessages?: readonly boolean[];
  readonly waitMs?: readonly number[];
  /** Whether processes are killed, stopped and expelled, and wall clocks set. */
  readonly isCalm?: boolean;
  /** The calls that are made. */
  readonly calls?: readonly Call['call'][];
}

const who = fc.constantFrom(0, 0, 1, 1, 2, 3);
// Some keys more than others: what interferes must meet.
const listKey = fc.constantFrom('one', 'one', ...KEYS_OF.lists);
const key = fc.constantFrom('a', 'a', 'a', ...KEYS_OF.entries);
const ttlMs = fc.constantFrom(null, null, 3000, 60_000);
const where = fc.constantFrom<Where>('lists', 'entries');

const look: fc.Arbitrary<Call> = fc
  .tuple(
    where,
    fc.constantFrom(0, 0, 0, 1, 2, 3),
    fc.constantFrom(
      'get' as const,
      'get' as const,
      'get' as const,
      'fresh' as const,
      'if present' as const,
      'many' as const,
      'has' as const,
      'refresh' as const,
      'or load' as const,
      'keep' as const,
    ),
  )
  .map(([in_, i, how]) => {
    const keys = KEYS_OF[in_];
    return { call: 'look', where: in_, key: keys[i % keys.length] as string, how };
  });

const CALLS: { readonly [Kind in Call['call']]: fc.WeightedArbitrary<Call> } = {
  look: { weight: 12, arbitrary: look },
  append: {
    weight: 8,
    arbitrary: fc.record({
      call: fc.constant('append' as const),
      key: listKey,
      times: fc.constantFrom(1, 1, 2),
    }),
  },
  'append in a row': {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constant('append in a row' as const),
      key: listKey,
      times: fc.integer({ min: 2, max: 6 }),
    }),
  },
  set: { weight: 5, arbitrary: fc.record({ call: fc.constant('set' as const), key, ttlMs }) },
  'set if absent': { weight: 2, arbitrary: fc.record({ call: fc.constant('set if absent' as const), key }) },
  delete: { weight: 3, arbitrary: fc.record({ call: fc.constant('delete' as const), key }) },
  take: { weight: 1, arbitrary: fc.record({ call: fc.constant('take' as const), key }) },
  touch: { weight: 1, arbitrary: fc.record({ call: fc.constant('touch' as const), key, ttlMs }) },
  rename: { weight: 2, arbitrary: fc.record({ call: fc.constant('rename' as const), key, to: key }) },
  clear: { weight: 1, arbitrary: fc.record({ call: fc.constant('clear' as const) }) },
  'delete prefix': {
    weight: 1,
    arbitrary: fc.record({
      call: fc.constant('delete prefix' as const),
      prefix: fc.constantFrom(...PREFIXES),
    }),
  },
  load: { weight: 2, arbitrary: fc.record({ call: fc.constant('load' as const) }) },
  scan: { weight: 1, arbitrary: fc.record({ call: fc.constant('scan' as const), where }) },
  count: { weight: 1, arbitrary: fc.record({ call: fc.constant('count' as const), where }) },
};

function stepsIn(climate: Required<SharedClimate>): fc.Arbitrary<SharedStep> {
  const { weathers, suspendedMs, waitMs, isCalm, calls } = climate;
  const call = fc.oneof(...calls.map((kind) => CALLS[kind]));
  const steps: fc.WeightedArbitrary<SharedStep>[] = [
    { weight: 40, arbitrary: fc.record({ do: fc.constant('call' as const), who, what: call }) },
    {
      weight: 14,
      arbitrary: fc.record({ do: fc.constant('pass' as const), steps: fc.integer({ min: 1, max: 10 }) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(...waitMs) }) },
  ];
  if (weathers.length > 0) {
    const weather = fc.constantFrom(...weathers);
    steps.push({ weight: 5, arbitrary: fc.record({ do: fc.constant('weather' as const), who, weather }) });
  }
  if (suspendedMs.length > 0)
    steps.push({
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('suspend' as const),
        who,
        ms: fc.constantFrom(...suspendedMs),
        how: fc.constantFrom('stopped' as const, 'asleep' as const),
      }),
    });
  if (!isCalm) {
    const afterMs = fc.constantFrom(0, 50, 5000);
    steps.push(
      { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), who, afterMs }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const), who, afterMs }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('expel' as const), who }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('write as a newer version' as const), who }) },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('step the wall clock' as const),
          who,
          // Forward: one that is set back while its machine sleeps hides that it did.
          ms: fc.constantFrom(1000, 70_000, 2 * HOUR_MS),
        }),
      },
    );
  }
  return fc.oneof(...steps);
}

/** Every history of several processes that such a climate makes worth living through; in full without one. */
export function sharedPlansIn(climate: SharedClimate = {}): fc.Arbitrary<SharedPlan> {
  const full: Required<SharedClimate> = {
    maxStaleMs: [150, 2000],
    staleWhileDownMs: [0, 5000, 60_000],
    pollMs: [50, 100, 1000, 1000],
    maxEntries: [1, 2, 100],
    weathers: ['fair', 'fair', 'down', 'hangs', 'lies', 'flaky', 'slow', 'blind'],
    suspendedMs: [100, 3000, 70_000, 130_000, 200_000],
    hasMessages: [false, true],
    waitMs: [30, 300, 2500, 12_000, 40_000, 130_000],
    isCalm: false,
    calls: Object.keys(CALLS) as Call['call'][],
    ...climate,
  };
  return fc.record({
    seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    processes: fc.integer({ min: 2, max: 4 }),
    maxEntries: fc.constantFrom(...full.maxEntries),
    maxStaleMs: fc.constantFrom(...full.maxStaleMs),
    staleWhileDownMs: fc.constantFrom(...full.staleWhileDownMs),
    pollMs: fc.constantFrom(...full.pollMs),
    tellsOfChanges: fc.boolean(),
    hasMessages: fc.constantFrom(...full.hasMessages),
    steps: fc.array(stepsIn(full), { maxLength: 60, size: 'max' }),
  });
}

/** What interferes shows best where little else happens, and memory holds everything. */
export const CALM: SharedClimate = {
  isCalm: true,
  weathers: ['fair', 'slow'],
  suspendedMs: [],
  hasMessages: [false],
  waitMs: [30, 300],
  maxEntries: [2, 100],
};

/** Commits whose answers are lost, and others that go on meanwhile. */
const LYING: SharedClimate = {
  ...CALM,
  weathers: ['fair', 'lies', 'flaky', 'slow'],
  waitMs: [30, 300, 2500],
};

/** The same where the others take processes for dead. */
export const DEADLY: SharedClimate = { ...LYING, isCalm: false };

/** Everything that may happen, and each by turns: what takes two or three coincidences is lost among all the others. */
export const sharedPlans = fc.oneof(
  { weight: 4, arbitrary: sharedPlansIn() },
  ...[
    CALM,
    { ...CALM, hasMessages: [true] },
    { ...CALM, calls: ['set', 'look'] as const },
    { ...CALM, calls: ['append', 'append in a row', 'look'] as const },
    { ...CALM, calls: ['rename', 'set', 'set if absent', 'delete', 'take', 'touch', 'look'] as const },
    { ...CALM, maxEntries: [100], calls: ['load', 'scan', 'count', 'set', 'delete', 'look'] as const },
    LYING,
    { ...LYING, calls: ['clear', 'delete prefix', 'set', 'delete', 'append', 'look'] as const },
    DEADLY,
    { ...DEADLY, calls: ['clear', 'delete prefix', 'set', 'append', 'look'] as const },
  ].map((climate) => ({ weight: 1, arbitrary: sharedPlansIn(climate) })),
);
