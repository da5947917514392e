import type { KeyBound } from '../sql/key-bounds.js';

/** Conditions whose parameters begin with `$first`. The collation is named: a table that others made may have another one. */
export function conditionsOf(bounds: readonly KeyBound[], first: number): string {
  return bounds
    .map(({ operator, value }, i) => {
      const parameter = `$${first + i}`;
      const text =
        typeof value === 'string' ? parameter : `convert_from(${parameter}, getdatabaseencoding())`;
      return ` AND "key" COLLATE "C" ${operator} ${text}`;
    })
    .join('');
}
