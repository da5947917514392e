import { CacheError } from '../cache-error.js';
import { findProblem, type Keeping } from './inspection.js';
import { refusedByRich } from './refused-value.js';
import { untagged } from './rich-reader.js';
import { NotKept, RichWriter } from './rich-writer.js';
import type { ValueCodec } from './value-codec.js';

/** What {@link rich} keeps. The depth is one that the stack has room for, whoever calls. */
export const RICH: Keeping = {
  kinds: new Set([
    'plain',
    'minus zero',
    'NaN',
    'infinity',
    'undefined',
    'bigint',
    'array',
    'object',
    'Date',
    'Map',
    'Set',
    'RegExp',
    'Error',
    'bytes',
  ]),
  maxDepth: 500,
};

/**
 * Values as JSON text in which what JSON has no form for is tagged: `{"$date":"2026-01-01T00:00:00.000Z"}`. It keeps Date,
 * Map, Set, bigint, NaN, the infinities, `-0`, `undefined` in properties and arrays, RegExp, the errors of the language,
 * typed arrays, ArrayBuffer and Buffer, and reads what {@link json} has written.
 *
 * Functions, symbols, boxed primitives, holes in arrays, arrays with properties by name, plain data with a method `toJSON`, cycles,
 * instances of classes with methods or accessors, and nesting deeper than 500 levels are refused with `INVALID_VALUE`, which
 * names where it is. An instance of a class of data alone
 * is stored as its data; properties that are keyed by a symbol are left out; an object that is held twice comes back as two.
 *
 * A value that holds a Date, a Map or another object that can't be frozen is made anew for each reader.
 */
export function rich<V>(): ValueCodec<V> {
  return RICH_CODEC as ValueCodec<V>;
}

const RICH_CODEC: ValueCodec<unknown> = Object.freeze({
  encode(value: unknown): string {
    try {
      if (value === undefined) throw new NotKept();
      return JSON.stringify(new RichWriter(RICH.kinds, RICH.maxDepth).tagged(value));
    } catch (cause) {
      throw refusalOf(value, cause);
    }
  },
  decode(text: string): unknown {
    const parsed: unknown = JSON.parse(text);
    return text.includes('"$') ? untagged(parsed) : parsed;
  },
});

/** Why a value could not be written. */
function refusalOf(value: unknown, cause: unknown): CacheError {
  try {
    const problem = findProblem(value, RICH);
    if (problem !== undefined) return refusedByRich(problem, cause instanceof NotKept ? undefined : cause);
  } catch {
    // A getter or a proxy of the app's that throws again.
  }
  return new CacheError(
    'INVALID_VALUE',
    'The value could not be written (a getter of it throws, perhaps). Store plain data.',
    { cause },
  );
}
