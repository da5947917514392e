/**
 * The widths that numbers are padded to when they are stored: the model deals with plain numbers, and the database with
 * texts of 1 character to several thousand.
 */
const WIDTHS = [1, 1, 1, 16, 100, 700, 4000, 1] as const;

/** The most characters that a number is stored with. */
export const MAX_WIDTH = 4000;

/** The text that a number is stored as. */
export function padded(value: number): string {
  return String(value).padEnd(WIDTHS[value % WIDTHS.length] ?? 1);
}

/** The number of a stored text. Throws for a text that is none. */
export function unpadded(text: string): number {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'number') throw new TypeError('The text is no number.');
  return value;
}
