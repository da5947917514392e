import { inspect } from 'node:util';
import type { ValueCodec } from '../../core/values/value-codec.js';
import { laidOut } from '../../core/values/json-layout.js';

/** The longest value that is laid out and may be edited, characters; of a longer one its beginning is shown. */
export const MOST_CHARACTERS = 2 ** 20;
const PREVIEW_CHARACTERS = 120;

type Codec = Pick<ValueCodec<unknown>, 'encode' | 'decode'>;

/** An encoded value for people to read, and to give back: laid out where the codec takes that for the same value. */
export function readableText(text: string, codec: Codec): string {
  const readable = laidOut(text);
  if (readable === undefined) return text;
  try {
    return codec.encode(codec.decode(readable)) === codec.encode(codec.decode(text)) ? readable : text;
  } catch {
    return text;
  }
}

/** What the codec makes of the value: the same however its text is written. A longer one than may be edited stays as it is. */
export function canonicalText(text: string, codec: Codec): string {
  if (text.length > MOST_CHARACTERS) return text;
  try {
    return codec.encode(codec.decode(text));
  } catch {
    return text;
  }
}

/** A value that has no text. */
export function shownObject(value: unknown, isPreview: boolean): string {
  return inspect(value, {
    depth: isPreview ? 1 : 8,
    breakLength: isPreview ? Infinity : 100,
    maxArrayLength: 200,
    maxStringLength: 10_000,
    customInspect: false,
    getters: false,
  });
}

/** The beginning of a text. */
export function previewOf(text: string): string {
  return beginningOf(text, PREVIEW_CHARACTERS);
}

/** At most so many characters, the last of which says that there are more. */
export function beginningOf(text: string, most: number): string {
  // It may have cut a surrogate pair.
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
