import fc from 'fast-check';
import type { Write } from './model.js';

/** One thing that happens in a life of the process. */
export type Step =
  | { readonly do: 'write'; readonly level: Level; readonly write: Write }
  | { readonly do: 'read'; readonly level: Level; readonly key: string }
  | { readonly do: 'flush' }
  | { readonly do: 'reload' }
  | { readonly do: 'weather'; readonly weather: 'fair' | 'down' | 'lies' | 'poison' }
  /** Lets the scheduler make so many choices. */
  | { readonly do: 'pass'; readonly steps: number };

export type Level = 'through' | 'back';

/** How a life ends. */
type End =
  | { readonly how: 'crash'; readonly afterSteps: number }
  | { readonly how: 'stop' }
  /** The database is away, or never answers, until the deadline is over. */
  | { readonly how: 'stop without database'; readonly hangs: boolean };

export interface Life {
  readonly steps: readonly Step[];
  readonly end: End;
}

/** A whole history: lives of one process after another on one database. */
export interface Plan {
  readonly seed: number;
  readonly maxPending: number;
  readonly maxEntries: number;
  readonly lives: readonly Life[];
}

const key = fc.constantFrom('a', 'b', 'c', 'd');
const level = fc.constantFrom<Level>('through', 'back');

const write: fc.Arbitrary<Write> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('set' as const), key, value: fc.integer({ min: 1, max: 1e6 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('update' as const), key, add: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rename' as const), key, to: key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('throw' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('write' as const), level, write }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('read' as const), level, key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reload' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('weather' as const),
      weather: fc.constantFrom('fair' as const, 'fair' as const, 'down' as const, 'poison' as const),
    }),
  },
  {
    weight: 5,
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
  maxPending: fc.integer({ min: 1, max: 6 }),
  maxEntries: fc.integer({ min: 1, max: 3 }),
  lives: fc.array(fc.record({ steps: fc.array(step, { maxLength: 25, size: 'max' }), end }), {
    minLength: 1,
    maxLength: 3,
  }),
});
