import type { Write } from './model.js';
import type { Unruly } from './unruly.js';

/** The namespaces of a simulation: two of each persisted level, so that they share commits and the pending budget. */
export const THROUGH = ['through', 'through too'] as const;
export const BACK = ['back', 'back too'] as const;
export type Name = (typeof THROUGH)[number] | (typeof BACK)[number];
export const NAMES: readonly Name[] = [...THROUGH, ...BACK];

export const KEYS = ['a', 'b', 'c', 'cd'] as const;
/** What some of them begin with, and what none does. */
export const PREFIXES = ['a', 'c', 'x'] as const;
/** The key that only `getOrLoad` writes to. */
export const LOADED_KEY = 'loaded';

export type Weather = 'fair' | 'down' | 'lies' | 'poison';

/** One thing that happens in a life of the process. */
export type Step =
  | { readonly do: 'write'; readonly name: Name; readonly write: Write }
  /** Updates of every key at once, so many of each. */
  | { readonly do: 'update all'; readonly name: Name; readonly add: number; readonly times: number }
  | {
      readonly do: 'set many';
      readonly name: Name;
      readonly values: readonly (readonly [string, number])[];
      /** Whether one more value is among them that can't be stored. */
      readonly isInvalid: boolean;
    }
  | { readonly do: 'get or load'; readonly name: Name }
  | {
      readonly do: 'read';
      readonly name: Name;
      readonly key: string;
      readonly how: 'get' | 'refresh' | 'ttl';
    }
  | {
      readonly do: 'scan';
      readonly name: Name;
      readonly reverse: boolean;
      /** Whether some time passes between two entries. */
      readonly isSlow: boolean;
    }
  | { readonly do: 'count'; readonly name: Name }
  | { readonly do: 'flush'; readonly name: Name }
  | { readonly do: 'reload' }
  /** `keys` are those that the database refuses in bad weather of that kind. */
  | { readonly do: 'weather'; readonly weather: Weather; readonly keys: readonly string[] }
  /** The wall clock steps forward, or back. */
  | { readonly do: 'step the wall clock'; readonly ms: number }
  /** Lets the scheduler make so many choices. */
  | { readonly do: 'pass'; readonly steps: number }
  /** Lets so much time pass. */
  | { readonly do: 'wait'; readonly ms: number };

/** How a life ends. */
export type End =
  | { readonly how: 'crash'; readonly afterSteps: number }
  /** With nothing left to do before it, where it is `rested`. */
  | { readonly how: 'stop'; readonly rested: boolean }
  /** The database is away, or never answers, until the deadline is over; the wall clock steps meanwhile. */
  | { readonly how: 'stop without database'; readonly hangs: boolean; readonly wallMs: number };

export interface LifePlan {
  readonly steps: readonly Step[];
  readonly end: End;
}

/** What a rescue journal meets besides what it is for. */
export type Ordeal =
  /** Two processes start at once after a stop, and both find the journal. */
  | 'two starts'
  /** The journal at the first start is that of another database. */
  | 'foreign journal';

/** A whole history: lives of one process after another on one database. */
export interface Plan {
  readonly seed: number;
  readonly maxDirty: number;
  readonly maxDirtyBytes: number;
  readonly maxEntries: number;
  readonly checkpointIntervalMs: number | false;
  /** Whether entries expire, though not within any history. */
  readonly expires: boolean;
  /** What of the application's throws now and then. */
  readonly unruly: readonly Unruly[];
  /** The keys that have a row in each namespace before the first life. */
  readonly rows: readonly string[];
  readonly lives: readonly LifePlan[];
  readonly ordeal?: Ordeal | undefined;
}
