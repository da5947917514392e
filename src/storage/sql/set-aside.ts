/** What becomes of the cache when something else in its table's place gets the name `before`. */
export function setAsideNote(before: string, what = 'rows'): string {
  return `The cache then begins empty: the ${what} ${what === 'rows' ? 'stay' : 'stays'} as ${before}.`;
}
