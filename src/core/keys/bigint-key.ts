import { invalidKey, typeOf, type KeyCodec } from './key-codec.js';

/** Bigint keys, stored in decimal notation. */
export function bigintKey(): KeyCodec<bigint> {
  return bigintKeyCodec;
}

const bigintKeyCodec: KeyCodec<bigint> = Object.freeze({
  expects: 'a bigint',
  encode(key: bigint): string {
    if (typeof key !== 'bigint')
      throw invalidKey(`Expected a bigint key, got ${typeOf(key)}.`, 'Pass a bigint.');
    return key.toString();
  },
  decode(text: string): bigint {
    const key = /^(0|-?[1-9]\d*)$/.test(text) ? BigInt(text) : undefined;
    if (key === undefined) throw invalidKey('The stored key is not an integer.', '');
    return key;
  },
});
