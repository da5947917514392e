import { StoredValue } from '../../values/stored-value.js';

/** An encoded value that expires. */
class ExpiringText {
  constructor(
    readonly text: string,
    /** Wall-clock ms. */
    readonly expiresAt: number,
  ) {}
}

/** That a key is to be removed. */
export const REMOVAL = null;

/**
 * What is to become of a key's row. There is one for each dirty entry, so what is put without an expiry is its text and no
 * object round it.
 */
export type RowChange = string | ExpiringText | typeof REMOVAL;

/**
 * Bytes that a text takes in memory, at most: two for each character. To count what it takes encoded would read all of it
 * at each write.
 */
export function bytesOfText(text: string): number {
  return text.length * 2;
}

/** The same of the value that a change stores. */
export function bytesOf(change: RowChange): number {
  const text = textOf(change);
  return text === undefined ? 0 : bytesOfText(text);
}

export function changeOf(text: string, expiresAt: number | null): RowChange {
  return expiresAt === null ? text : new ExpiringText(text, expiresAt);
}

/** What a change stores; `undefined` where it removes. */
export function textOf(change: RowChange): string | undefined {
  if (change === REMOVAL) return undefined;
  return typeof change === 'string' ? change : change.text;
}

/** When what a change stores expires; `null` for never. */
export function expiryOf(change: RowChange): number | null {
  return change instanceof ExpiringText ? change.expiresAt : null;
}

/** What a change stores; `undefined` where it removes, or what it stores has expired at `now`. */
export function storedIn<V>(change: RowChange, now: number): StoredValue<V> | undefined {
  const text = textOf(change);
  const expiresAt = expiryOf(change);
  if (text === undefined || (expiresAt !== null && expiresAt <= now)) return undefined;
  return new StoredValue(text, expiresAt);
}
