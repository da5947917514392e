import type { KeyBound } from '../sql/key-bounds.js';

/** Conditions whose parameters are the values of the bounds. */
export function conditionsOf(bounds: readonly KeyBound[]): string {
  return bounds.map(({ operator }) => ` AND \`key\` ${operator} ?`).join('');
}
