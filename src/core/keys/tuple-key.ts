import { bigintKey } from './bigint-key.js';
import { assertStorablePrefix, invalidKey, typeOf, type KeyCodec } from './key-codec.js';
import type { KeyPrefix } from './key-prefix.js';
import { keysFrom, wholeKey, type KeyRange } from './key-range.js';
import { numberKey } from './number-key.js';

const SEPARATOR = ':';
const ESCAPE = '\\';

/** Those whose stored forms have nothing to escape. */
const DIGITS = new Set<unknown>([numberKey(), bigintKey()]);

/** The tuple type that a list of element codecs encodes. */
export type TupleOf<C extends readonly KeyCodec<unknown>[]> = {
  [I in keyof C]: C[I] extends KeyCodec<infer K> ? K : never;
};

/**
 * Tuple keys: the elements' stored forms joined with `:`, so `[123, 456]` is stored as `123:456`. A `:` or `\` inside
 * an element is escaped with `\`, so no two tuples share a stored form.
 */
export function tupleKey<const C extends readonly [KeyCodec<unknown>, ...KeyCodec<unknown>[]]>(
  ...elements: C
): KeyCodec<Readonly<TupleOf<C>>> {
  const codecs: readonly KeyCodec<unknown>[] = elements;
  const escapes = codecs.map((codec) => !DIGITS.has(codec));
  const expects = `a tuple of ${codecs.map((codec) => codec.expects).join(' and ')}`;
  /** The first elements of a key, as it is stored. */
  const joined = (values: readonly unknown[]): string => {
    let text = '';
    for (let i = 0; i < values.length; i += 1) {
      if (i > 0) text += SEPARATOR;
      const element = elementText(codecs[i] as KeyCodec<unknown>, values[i]);
      text += escapes[i] === true ? escape(element) : element;
    }
    return text;
  };
  return Object.freeze({
    expects,
    encode(key: Readonly<TupleOf<C>>): string {
      const values: unknown = key;
      if (!Array.isArray(values) || values.length !== codecs.length) {
        throw invalidKey(
          `Expected ${expects} as the key, got ${typeOf(values)}.`,
          'Pass an array of that shape.',
        );
      }
      return joined(values);
    },
    prefix(prefix: KeyPrefix<Readonly<TupleOf<C>>>): KeyRange {
      const values: unknown = prefix;
      if (!Array.isArray(values) || values.length > codecs.length) {
        throw invalidKey(
          `Expected the first elements of ${expects} as the prefix, got ${typeOf(values)}.`,
          `Pass an array of at most ${codecs.length}.`,
        );
      }
      const text = joined(values);
      assertStorablePrefix(text);
      if (values.length === codecs.length) return wholeKey(text);
      return keysFrom(text === '' ? '' : text + SEPARATOR);
    },
    decode(text: string): Readonly<TupleOf<C>> {
      const parts = split(text);
      if (parts.length !== codecs.length) throw invalidKey(`The stored key is not ${expects}.`, '');
      return Object.freeze(
        parts.map((part, i) => (codecs[i] as KeyCodec<unknown>).decode(part)),
      ) as unknown as Readonly<TupleOf<C>>;
    },
  });
}

function elementText(codec: KeyCodec<unknown>, element: unknown): string {
  const text = codec.encode(element);
  if (text === '')
    throw invalidKey('An element of the key is empty.', 'Give every element at least one character.');
  return text;
}

function escape(element: string): string {
  return element.includes(SEPARATOR) || element.includes(ESCAPE)
    ? element.replace(/[:\\]/g, '\\$&')
    : element;
}

/** Undoes the joining; refuses text that joining never makes, so that one tuple has one stored form. */
function split(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i] as string;
    if (char === SEPARATOR) {
      parts.push(part);
      part = '';
    } else if (char === ESCAPE) {
      i += 1;
      const escaped = text[i];
      if (escaped !== SEPARATOR && escaped !== ESCAPE)
        throw invalidKey('The stored key has a stray escape.', '');
      part += escaped;
    } else {
      part += char;
    }
  }
  parts.push(part);
  if (parts.includes('')) throw invalidKey('The stored key has an empty element.', '');
  return parts;
}
