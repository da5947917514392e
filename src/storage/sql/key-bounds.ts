import { EVERY_KEY, isEvery, type KeyRange } from '../../core/keys/key-range.js';
import type { LoadCursor, LoadPage } from '../../core/storage-adapter.js';

/** One end of the keys that a statement is about. */
export interface KeyBound {
  readonly operator: '>' | '>=' | '<' | '<=';
  readonly value: LoadCursor;
}

const LAST_CODE_POINT = 0x10ffff;
const BEFORE_SURROGATES = 0xd7ff;
const BEHIND_SURROGATES = 0xe000;

/** The bounds of a range, in the order of the keys' bytes: an index finds them, which a LIKE with its wildcards does not. */
export function boundsOf({ prefix, isWhole }: KeyRange): KeyBound[] {
  if (isWhole)
    return [
      { operator: '>=', value: prefix },
      { operator: '<=', value: prefix },
    ];
  if (prefix === '') return [];
  const end = endOf(prefix);
  const from: KeyBound = { operator: '>=', value: prefix };
  return end === undefined ? [from] : [from, { operator: '<', value: end }];
}

/** The same of a page: of its range, what is behind the last row of the page before. */
export function pageBounds({ after, range = EVERY_KEY, reverse = false }: LoadPage): KeyBound[] {
  const bounds = boundsOf(range);
  if (after === undefined) return bounds;
  const side = reverse ? '<' : '>';
  return [...bounds.filter(({ operator }) => !operator.startsWith(side)), { operator: side, value: after }];
}

/** Whether a page is the first one of a whole namespace: that one tells of the rows that no page has. */
export function beginsAll({ after, range = EVERY_KEY }: LoadPage): boolean {
  return after === undefined && isEvery(range);
}

/** The first text that comes after every text with this beginning; `undefined` where there is none. */
function endOf(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === LAST_CODE_POINT) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  return String.fromCodePoint(...points, last === BEFORE_SURROGATES ? BEHIND_SURROGATES : last + 1);
}
