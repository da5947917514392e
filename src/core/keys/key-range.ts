/** Which keys of a namespace are meant, by their stored forms. */
export interface KeyRange {
  /** What they begin with: `''` means every key. */
  readonly prefix: string;
  /** Whether only the key that is `prefix` itself is meant. */
  readonly isWhole: boolean;
}

export const EVERY_KEY: KeyRange = Object.freeze({ prefix: '', isWhole: false });

/** The keys that begin with `prefix`. */
export function keysFrom(prefix: string): KeyRange {
  return prefix === '' ? EVERY_KEY : { prefix, isWhole: false };
}

/** The one key that is stored as `text`. */
export function wholeKey(text: string): KeyRange {
  return { prefix: text, isWhole: true };
}

/** Whether a range means every key. */
export function isEvery({ prefix, isWhole }: KeyRange): boolean {
  return prefix === '' && !isWhole;
}

/** Whether every key of `inner` is one of `outer`. Of two ranges that share a key, one contains the other. */
export function contains(outer: KeyRange, inner: KeyRange): boolean {
  return outer.isWhole
    ? inner.isWhole && inner.prefix === outer.prefix
    : inner.prefix.startsWith(outer.prefix);
}

/** Whether a stored key lies in a range. */
export function isWithin(text: string, { prefix, isWhole }: KeyRange): boolean {
  return isWhole ? text === prefix : text.startsWith(prefix);
}
