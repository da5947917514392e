import fc from 'fast-check';
import type { Write } from './model.js';

/** The namespaces of a simulation: two of each persisted level, so that they share commits and the pending budget. */
export const THROUGH = ['through', 'through too'] as const;
export const BACK = ['back', 'back too'] as const;
export type Name = (typeof THROUGH)[number] | (typeof BACK)[number];
export const NAMES: readonly Name[] = [...THROUGH, ...BACK];

export const KEYS = ['a', 'b', 'c', 'd'] as const;
/** The key that only `getOrLoad` writes to. */
export const LOADED_KEY = 'loaded';

export type Weather = 'fair' | 'down' | 'lies' | 'poison';

/** One thing that happens in a life of the process. */
export type Step =
  | { readonly do: 'write'; readonly name: Name; readonly write: Write }
  | { readonly do: 'set many'; readonly name: Name; readonly values: readonly (readonly [string, number])[] }
  | { readonly do: 'get or load'; readonly name: Name }
  | { readonly do: 'read'; readonly name: Name; readonly key: string }
  | { readonly do: 'flush'; readonly name: Name }
  | { readonly do: 'reload' }
  | { readonly do: 'weather'; readonly weather: Weather }
  /** Lets the scheduler make so many choices. */
  | { readonly do: 'pass'; readonly steps: number };

/** How a life ends. */
type End =
  | { readonly how: 'crash'; readonly afterSteps: number }
  | { readonly how: 'stop' }
  /** The database is away, or never answers, until the deadline is over. */
  | { readonly how: 'stop without database'; readonly hangs: boolean };

export interface LifePlan {
  readonly steps: readonly Step[];
  readonly end: End;
}

/** A whole history: lives of one process after another on one database. */
export interface Plan {
  readonly seed: number;
  readonly maxDirty: number;
  readonly maxEntries: number;
  /** The keys that have a row in each namespace before the first life. */
  readonly rows: readonly string[];
  readonly lives: readonly LifePlan[];
}

const key = fc.constantFrom(...KEYS);
// Equal values as well as different ones: what compares them must not take one write for another.
const value = fc.oneof(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 1e6 }));
// One of each level most of the time: what interferes must meet.
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Name>('through', 'back') },
  { weight: 1, arbitrary: fc.constantFrom<Name>('through too', 'back too') },
);

const write: fc.Arbitrary<Write> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set' as const), key, value }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('update' as const), key, add: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rename' as const), key, to: key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('throw' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
);

const weather = fc.constantFrom<Weather>('fair', 'fair', 'down', 'lies', 'poison');

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ do: fc.constant('write' as const), name, write }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('read' as const), name, key }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('set many' as const),
      name,
      values: fc.array(fc.tuple(key, value), { minLength: 2, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('get or load' as const), name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const), name: fc.constantFrom(...BACK) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('reload' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('weather' as const), weather }) },
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant('pass' as const), steps: fc.integer({ min: 1, max: 12 }) }),
  },
);

const end: fc.Arbitrary<End> = fc.oneof(
  fc.record({ how: fc.constant('crash' as const), afterSteps: fc.integer({ min: 0, max: 20 }) }),
  fc.constant({ how: 'stop' as const }),
  fc.record({ how: fc.constant('stop without database' as const), hangs: fc.boolean() }),
);

/** Every history worth living through. */
export const plans: fc.Arbitrary<Plan> = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  maxDirty: fc.integer({ min: 1, max: 6 }),
  maxEntries: fc.integer({ min: 1, max: 3 }),
  rows: fc.subarray([...KEYS]),
  lives: fc.array(fc.record({ steps: fc.array(step, { maxLength: 30, size: 'max' }), end }), {
    minLength: 1,
    maxLength: 3,
  }),
});
