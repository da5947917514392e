import { invalidKey, typeOf, type KeyCodec } from './key-codec.js';

/**
 * Number keys, stored in JavaScript's own decimal notation (`-1001234567890`). NaN, infinities and integers beyond
 * ±(2^53 − 1), where neighbours can't be told apart, are refused: use {@link bigintKey} for those.
 */
export function numberKey(): KeyCodec<number> {
  return numberKeyCodec;
}

const numberKeyCodec: KeyCodec<number> = Object.freeze({
  expects: 'a number',
  encode(key: number): string {
    if (typeof key !== 'number')
      throw invalidKey(`Expected a number key, got ${typeOf(key)}.`, 'Pass a number.');
    if (!Number.isFinite(key)) throw invalidKey(`${key} is not a key.`, 'Pass a finite number.');
    if (Number.isInteger(key) && !Number.isSafeInteger(key)) {
      throw invalidKey(
        'The key is an integer too large for a number to hold exactly.',
        'Declare the namespace with bigintKey() or stringKey().',
      );
    }
    return String(key);
  },
  decode(text: string): number {
    const key = Number(text);
    // Only the canonical form: '007' or '9007199254740993' would come back as another key than was stored.
    if (numberKeyCodec.encode(key) !== text) throw invalidKey('The stored key is not a number.', '');
    return key;
  },
});
