import type { Suspension } from './process-clock.js';

/** The namespaces of a simulation of several processes, with the keys of each: lists that only grow, and whatever else there is. */
export const KEYS_OF = {
  lists: ['one', 'two', 'three'],
  entries: ['a', 'ab', 'b', 'bc'],
} as const;
export type Where = keyof typeof KEYS_OF;
/** What some keys of entries begin with, and what none does. */
export const PREFIXES = ['a', 'b', 'x'] as const;

/** What a process meets on its way to the database. */
export type Weather =
  | 'fair'
  /** Every call fails. */
  | 'down'
  /** Calls take effect at some time, if ever, and are answered when the weather turns. */
  | 'hangs'
  /** Commits happen, and are reported as failed. */
  | 'lies'
  /** Some calls fail, before their effect or after it. */
  | 'flaky'
  /** The answers of calls take their time. */
  | 'slow'
  /** The logs of others can't be read, and all the rest works. */
  | 'blind';

/** A way to see what a key is. */
export type Look = 'get' | 'fresh' | 'if present' | 'many' | 'has' | 'refresh' | 'or load' | 'keep';

export type Call =
  | { readonly call: 'append'; readonly key: string; readonly times: number }
  /** One after the other, each as soon as the one before it is acknowledged. */
  | { readonly call: 'append in a row'; readonly key: string; readonly times: number }
  | { readonly call: 'look'; readonly where: Where; readonly key: string; readonly how: Look }
  /** For so many ms, or for ever. */
  | { readonly call: 'set'; readonly key: string; readonly ttlMs: number | null }
  | { readonly call: 'set if absent'; readonly key: string }
  | { readonly call: 'delete'; readonly key: string }
  | { readonly call: 'take'; readonly key: string }
  | { readonly call: 'touch'; readonly key: string; readonly ttlMs: number | null }
  | { readonly call: 'rename'; readonly key: string; readonly to: string }
  | { readonly call: 'clear' }
  | { readonly call: 'delete prefix'; readonly prefix: string }
  | { readonly call: 'load' }
  | { readonly call: 'scan'; readonly where: Where }
  | { readonly call: 'count'; readonly where: Where };

/** One thing that happens. `who` is the index of the process that it happens to. */
export type SharedStep =
  | { readonly do: 'call'; readonly who: number; readonly what: Call }
  | { readonly do: 'weather'; readonly who: number; readonly weather: Weather }
  | { readonly do: 'suspend'; readonly who: number; readonly ms: number; readonly how: Suspension }
  /** SIGKILL, and a new process in its place after a while. */
  | { readonly do: 'kill'; readonly who: number; readonly afterMs: number }
  /** A stop, and a new process in its place. */
  | { readonly do: 'stop'; readonly who: number; readonly afterMs: number }
  /** Others take it for dead. */
  | { readonly do: 'expel'; readonly who: number }
  /** Its next note is in a format of a later version. */
  | { readonly do: 'write as a newer version'; readonly who: number }
  | { readonly do: 'step the wall clock'; readonly who: number; readonly ms: number }
  | { readonly do: 'pass'; readonly steps: number }
  | { readonly do: 'wait'; readonly ms: number };

/** A history of several processes on one database. */
export interface SharedPlan {
  readonly seed: number;
  readonly processes: number;
  readonly maxEntries: number;
  readonly maxStaleMs: number;
  readonly staleWhileDownMs: number;
  readonly pollMs: number;
  /** Whether the database tells cheaply that something has changed. */
  readonly tellsOfChanges: boolean;
  /** Whether messages tell of commits, late, twice or not at all. */
  readonly hasMessages: boolean;
  readonly steps: readonly SharedStep[];
}
