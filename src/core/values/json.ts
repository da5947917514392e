import { CacheError } from '../cache-error.js';
import { assertRecord, refuseUnknown } from '../option-checks.js';
import type { ValueCodec } from './value-codec.js';

/** How {@link json} reads and writes; both as in `JSON.parse` and `JSON.stringify`. */
export interface JsonOptions {
  readonly replacer?: ((this: unknown, key: string, value: unknown) => unknown) | undefined;
  readonly reviver?: ((this: unknown, key: string, value: unknown) => unknown) | undefined;
}

const OPTIONS = ['replacer', 'reviver'] as const;

/**
 * Values as JSON text, with JSON's own rules: a `Date` comes back as a string, `undefined` properties are left out.
 * A cycle, a BigInt, a function or `undefined` as a whole value is refused with `INVALID_VALUE`. For other types give a
 * `replacer` and a `reviver`, or a {@link ValueCodec} of your own.
 */
export function json<V>(options: JsonOptions = {}): ValueCodec<V> {
  assertRecord(options, 'json', '{ replacer, reviver }');
  refuseUnknown(options, OPTIONS, 'json');
  const { replacer, reviver } = options;
  return Object.freeze({
    encode(value: V): string {
      const text = stringify(value, replacer);
      if (text === undefined) {
        throw new CacheError(
          'INVALID_VALUE',
          `A value of type ${typeof value} has no JSON form. Use null for "nothing", or delete the key.`,
        );
      }
      return text;
    },
    decode: (text: string): V => JSON.parse(text, reviver) as V,
    // A reviver may throw, and may make anything of what it is given.
    plain: reviver === undefined,
  });
}

function stringify(value: unknown, replacer: JsonOptions['replacer']): string | undefined {
  try {
    return JSON.stringify(value, replacer);
  } catch (cause) {
    throw new CacheError(
      'INVALID_VALUE',
      'The value has no JSON form (a cycle, a BigInt, a toJSON that throws, or too deep). ' +
        'Store plain data, or give json() a replacer and a reviver for it.',
      { cause },
    );
  }
}
