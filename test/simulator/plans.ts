import fc from 'fast-check';
import type { Write } from './model.js';
import {
  BACK,
  KEYS,
  PREFIXES,
  type End,
  type Name,
  type Ordeal,
  type Plan,
  type Step,
  type Weather,
} from './plan.js';
import { UNDECODABLE, UNENCODABLE, type Unruly } from './unruly.js';

const HOUR_MS = 3_600_000;
/** Far more than any history writes. */
const NO_BOUND = 64 * 2 ** 20;

/** What the histories are about. */
export interface Climate {
  /** Bounds of the entries that are dirty. */
  readonly maxDirty?: readonly number[];
  /** Bounds of their bytes. */
  readonly maxDirtyBytes?: readonly number[];
  readonly checkpointIntervalMs?: readonly (number | false)[];
  readonly weathers?: readonly Weather[];
  /** Steps of the wall clock. */
  readonly wallMs?: readonly number[];
  /** What may throw of what the application hands in. */
  readonly unruly?: readonly Unruly[];
  readonly ordeals?: readonly Ordeal[];
}

const key = fc.constantFrom(...KEYS);
// Equal values as well as different ones: what compares them must not take one write for another.
const value = fc.oneof(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 1e6 }));
const add = fc.integer({ min: 1, max: 9 });
// One of each level most of the time: what interferes must meet.
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Name>('through', 'back') },
  { weight: 1, arbitrary: fc.constantFrom<Name>('through too', 'back too') },
);

const write: fc.Arbitrary<Write> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('set' as const), key, value }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('update' as const), key, add }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set if absent' as const), key, value }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('increment' as const), key, add }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('take' as const), key }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('touch' as const), key, isForever: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('rename' as const), key, to: key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('throw' as const), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('delete prefix' as const),
      prefix: fc.constantFrom(...PREFIXES),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('invalid' as const),
      key,
      value: fc.constantFrom(UNENCODABLE, UNDECODABLE),
      isUpdate: fc.boolean(),
    }),
  },
);

function stepsIn({ weathers, wallMs }: Required<Pick<Climate, 'weathers' | 'wallMs'>>): fc.Arbitrary<Step> {
  const always: fc.WeightedArbitrary<Step>[] = [
    { weight: 20, arbitrary: fc.record({ do: fc.constant('write' as const), name, write }) },
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant('read' as const),
        name,
        key,
        how: fc.constantFrom('get', 'get', 'refresh', 'ttl'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('update all' as const),
        name,
        add,
        times: fc.integer({ min: 1, max: 3 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('set many' as const),
        name,
        values: fc.array(fc.tuple(key, value), { minLength: 2, maxLength: 3 }),
        isInvalid: fc.nat({ max: 3 }).map((n) => n === 3),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('scan' as const),
        name,
        reverse: fc.boolean(),
        isSlow: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('count' as const), name }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('get or load' as const), name }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('flush' as const), name: fc.constantFrom(...BACK) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('reload' as const) }) },
    {
      weight: 10,
      arbitrary: fc.record({ do: fc.constant('pass' as const), steps: fc.integer({ min: 1, max: 12 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        ms: fc.constantFrom(30, 300, 2000, 12_000, 45_000),
      }),
    },
  ];
  if (weathers.length > 0) {
    const weather = fc.constantFrom(...weathers);
    const keys = fc.subarray([...KEYS], { minLength: 1, maxLength: 3 });
    always.push({
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('weather' as const), weather, keys }),
    });
  }
  if (wallMs.length > 0) {
    const ms = fc.constantFrom(...wallMs);
    always.push({ weight: 1, arbitrary: fc.record({ do: fc.constant('step the wall clock' as const), ms }) });
  }
  return fc.oneof(...always);
}

/** Every history that such a climate makes worth living through; in full without one. */
export function plansIn({
  maxDirty = [1, 2, 3, 4, 5, 6, 1000],
  maxDirtyBytes = [NO_BOUND, NO_BOUND, 1, 1000, 6000],
  checkpointIntervalMs = [200, 1000, 30_000, false],
  weathers = ['fair', 'fair', 'down', 'lies', 'poison'],
  wallMs = [-2 * HOUR_MS, -5000, -1, 5000, 2 * HOUR_MS],
  unruly = ['logger', 'codec', 'listener'],
  ordeals = ['two starts', 'foreign journal'],
}: Climate = {}): fc.Arbitrary<Plan> {
  const end: fc.Arbitrary<End> = fc.oneof(
    fc.record({ how: fc.constant('crash' as const), afterSteps: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ how: fc.constant('stop' as const), rested: fc.boolean() }),
    fc.record({
      how: fc.constant('stop without database' as const),
      hangs: fc.boolean(),
      wallMs: fc.constantFrom(0, ...wallMs),
    }),
  );
  const steps = fc.array(stepsIn({ weathers, wallMs }), { maxLength: 30, size: 'max' });
  return fc.record({
    seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    maxDirty: fc.constantFrom(...maxDirty),
    maxDirtyBytes: fc.constantFrom(...maxDirtyBytes),
    // With room for every key, nothing is evicted.
    maxEntries: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 1, max: 3 }) },
      { weight: 1, arbitrary: fc.constant(KEYS.length + 1) },
    ),
    checkpointIntervalMs: fc.constantFrom(...checkpointIntervalMs),
    expires: fc.boolean(),
    unruly: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Unruly[]>([]) },
      { weight: 1, arbitrary: fc.subarray([...unruly]) },
    ),
    rows: fc.subarray([...KEYS]),
    lives: fc.array(fc.record({ steps, end }), { minLength: 1, maxLength: 3 }),
    ordeal: fc.constantFrom(undefined, undefined, undefined, ...ordeals),
  });
}

/** Every history worth living through. */
export const plans = plansIn();
