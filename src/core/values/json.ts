import { CacheError } from '../cache-error.js';
import { assertRecord, refuseUnknown } from '../option-checks.js';
import { findProblem, type Keeping } from './inspection.js';
import { JsonGlance } from './json-glance.js';
import type { AsJson } from './json-of.js';
import { refusedByJson } from './refused-value.js';
import { RICH } from './rich.js';
import type { Kind } from './kinds.js';
import type { ValueCodec } from './value-codec.js';

/** How {@link json} reads and writes. */
export interface JsonOptions {
  /** As in `JSON.stringify`; it is given what has passed the check. */
  readonly replacer?: JsonFunction | undefined;
  /** As in `JSON.parse`. With one, neither the type nor the values are checked: it says what comes back. */
  readonly reviver?: JsonFunction | undefined;
  /** Whether to take any type and any value, altered as JSON alters it. Default false. */
  readonly unchecked?: boolean | undefined;
}

/** A replacer or a reviver. */
export type JsonFunction = (this: unknown, key: string, value: unknown) => unknown;

/** Options of {@link json} that leave it to the app what comes back. */
export type UncheckedJsonOptions = JsonOptions &
  ({ readonly reviver: JsonFunction } | { readonly unchecked: true });

const OPTIONS = ['replacer', 'reviver', 'unchecked'] as const;

/** Deeper than anything that `JSON.stringify` takes with the stack that a process has unless told otherwise. */
const KEPT: Keeping = {
  kinds: new Set(['plain', 'minus zero', 'array', 'named array', 'object']),
  maxDepth: 20_000,
};

/**
 * Values as JSON text. It takes only what JSON brings back as it was: types that hold a Date, a Map, a Set, a bigint, a
 * function, a symbol or a typed array don't compile, and values that do are refused with `INVALID_VALUE`, which
 * names where it is. So are NaN and the infinities, `undefined` and holes in arrays, errors, regular expressions, boxed primitives,
 * cycles, matches of a regular expression, instances of classes with methods or accessors, and whatever has a method `toJSON`.
 *
 * An instance of a class of data alone is stored as its data. Properties that are `undefined` or keyed by a symbol are
 * left out, those by name of an array too, and `-0` becomes `0`. For what JSON can't keep use {@link rich}, or give a `reviver` (and a `replacer`):
 * then neither types nor values are checked. The same goes for `{ unchecked: true }`, the way for an open type parameter.
 */
export function json<V>(options: UncheckedJsonOptions): ValueCodec<V>;
export function json<V>(this: AsJson<V>, options?: JsonOptions): ValueCodec<V>;
export function json<V>(options: JsonOptions = {}): ValueCodec<V> {
  assertRecord(options, 'json', '{ replacer, reviver }');
  refuseUnknown(options, OPTIONS, 'json');
  const { replacer, reviver, unchecked } = options;
  const isChecked = reviver === undefined && unchecked !== true;
  const glance = isChecked ? new JsonGlance() : undefined;
  return Object.freeze({
    encode(value: V): string {
      let cause: unknown;
      try {
        const text = JSON.stringify(value, replacer) as string | undefined;
        if (text !== undefined) {
          if (glance === undefined || glance.passes(value, text)) return text;
          if (findProblem(value, KEPT) === undefined) return text;
        }
      } catch (error) {
        cause = error;
      }
      throw refusalOf(value, isChecked, cause);
    },
    decode: (text: string): V => JSON.parse(text, reviver) as V,
    measure: (value: V): number => Buffer.byteLength(JSON.stringify(value, replacer) ?? ''),
    // A reviver may throw, and may make anything of what it is given.
    plain: reviver === undefined,
  });
}

/** Why a value is not stored. */
function refusalOf(value: unknown, isChecked: boolean, cause: unknown): CacheError {
  try {
    const problem = isChecked ? findProblem(value, KEPT) : undefined;
    if (problem !== undefined) return refusedByJson(problem, RICH.kinds.has(problem.kind as Kind), cause);
  } catch {
    // A getter or a proxy of the app's that throws again.
  }
  const reason =
    cause === undefined
      ? `A value of type ${typeof value} has no JSON form. Use null for "nothing", or delete the key.`
      : 'The value has no JSON form (a cycle, a bigint, a toJSON or a getter that throws, or too deep). Store plain data.';
  return new CacheError('INVALID_VALUE', reason, { cause });
}
