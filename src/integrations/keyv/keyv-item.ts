import { rich, type ValueCodec } from '../../index.js';
import { CodecMark } from '../codec-mark.js';

/**
 * What is stored of an entry of Keyv: what Keyv handed over, a string unless its serialisation is turned off, and its whole key
 * where the stored key is not that.
 */
export type KeyvItem = readonly [data: unknown, key?: string];

const ITEMS = rich<unknown>();

/** On {@link keyvItems}. */
export const KEYV_ITEMS: CodecMark = new CodecMark('keyv-items');

/** Items as the text of JSON: it holds any string, whatever a database makes of control characters. */
export const keyvItems: ValueCodec<KeyvItem> = KEYV_ITEMS.on({
  encode: (item: KeyvItem): string => ITEMS.encode(item),
  decode(text: string): KeyvItem {
    const item = ITEMS.decode(text);
    if (!isItem(item)) throw new TypeError('The row is none that a Keyv store has written.');
    return item;
  },
});

function isItem(value: unknown): value is KeyvItem {
  if (!Array.isArray(value)) return false;
  const [, key] = value as unknown[];
  return value.length === 1 || (value.length === 2 && typeof key === 'string');
}
