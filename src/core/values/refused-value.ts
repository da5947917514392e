import { CacheError } from '../cache-error.js';
import type { Problem } from './inspection.js';
import { classOf } from './kinds.js';

/** What is said of what a codec refuses: what it is, and what to store instead of it; `at` is its path. */
type Refusal = readonly [is: string, instead: (at: string) => string];

type Refused = Exclude<Problem['kind'], 'plain' | 'object' | 'array'>;

const REFUSALS: Readonly<Record<Refused, Refusal>> = {
  'minus zero': ['is -0', () => 'store 0'],
  NaN: ['is NaN', () => 'store null'],
  infinity: ['is infinite', () => 'store null'],
  undefined: ['is undefined', () => 'store null'],
  bigint: ['is a bigint', (at) => `store String(${at})`],
  symbol: ['is a symbol', () => 'leave it out'],
  function: ['is a function', () => 'leave it out'],
  Date: ['is a Date', (at) => `store ${at}.toISOString()`],
  Map: ['is a Map', (at) => `store [...${at}]`],
  Set: ['is a Set', (at) => `store [...${at}]`],
  RegExp: ['is a RegExp', (at) => `store ${at}.source`],
  Error: ['is an Error', (at) => `store ${at}.message`],
  bytes: ['is binary data', () => 'store it as base64'],
  boxed: ['is a boxed primitive', (at) => `store ${at}.valueOf()`],
  match: ['has properties that would be lost', (at) => `store [...${at}]`],
  'named array': ['has properties that would be lost', () => 'store them beside it'],
  extended: ['has properties that would be lost', () => 'store them beside it'],
  toJSON: ['has a toJSON, which may give something else', (at) => `store ${at}.toJSON()`],
  instance: ['would come back without its class', (at) => `store its data as a plain object, { ...${at} }`],
  hole: ['is a hole in an array', () => 'store null'],
  cycle: ['refers back to what it is in', () => 'store an id instead'],
  depth: ['is nested too deep', () => 'store it in parts'],
};

/** Refusals that nothing but another value helps against: `JSON.stringify` throws. */
const HAS_NO_JSON: ReadonlySet<Problem['kind']> = new Set<Refused>(['bigint', 'cycle', 'depth']);

/** `INVALID_VALUE` for what `json()` refuses. */
export function refusedByJson(problem: Problem, isRich: boolean, cause: unknown): CacheError {
  const first = isRich ? 'use rich<T>(), which keeps it, or ' : '';
  const last = HAS_NO_JSON.has(problem.kind)
    ? ''
    : ' With json<T>({ unchecked: true }), or a reviver, nothing is checked.';
  return new CacheError('INVALID_VALUE', `${describe(problem, first)}${last}`, { cause });
}

/** `INVALID_VALUE` for what `rich()` refuses. */
export function refusedByRich(problem: Problem, cause: unknown): CacheError {
  return new CacheError('INVALID_VALUE', describe(problem, ''), { cause });
}

function describe({ kind, path, value }: Problem, first: string): string {
  if (value === undefined && path === 'value') return 'undefined is no value: use null, or delete the key.';
  const [is, instead] = REFUSALS[kind as Refused];
  const what =
    kind === 'instance' ? `${path}, an instance of ${classOf(value as object) ?? 'a class'},` : path;
  // Inside a Map or a Set there is no path that could be copied.
  const at = path.includes('<') || path.endsWith('…') ? 'it' : path;
  return `${what} ${is}: ${first}${instead(at)}.`;
}
