import { assertStorablePrefix, invalidKey, typeOf, type KeyCodec } from './key-codec.js';
import { keysFrom, type KeyRange } from './key-range.js';

/** String keys, stored as they are and compared by exact characters: no case folding, no trimming. */
export function stringKey(): KeyCodec<string> {
  return stringKeyCodec;
}

const stringKeyCodec: KeyCodec<string> = Object.freeze({
  expects: 'a string',
  encode(key: string): string {
    if (typeof key !== 'string')
      throw invalidKey(`Expected a string key, got ${typeOf(key)}.`, 'Pass a string.');
    return key;
  },
  decode: (text: string): string => text,
  prefix(prefix: string): KeyRange {
    if (typeof prefix !== 'string')
      throw invalidKey(`Expected a string as the prefix, got ${typeOf(prefix)}.`, 'Pass a string.');
    assertStorablePrefix(prefix);
    return keysFrom(prefix);
  },
});
