/** About how many characters of values a page holds: what is larger takes more pages. */
export const MOST_CHARACTERS = 2 ** 21;
