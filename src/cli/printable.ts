/** Control characters, what changes the direction of writing, and what ends a line. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const ASCII_END = 0x7f;

/** `text` for a terminal: characters that would do something there instead of being shown are escaped. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
  });
}

/** JSON that holds no such character either, and means the same. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, i) => {
      const hex = character.charCodeAt(i).toString(16);
      return `\\u${hex.padStart(4, '0')}`;
    }).join(''),
  );
}

/** Columns of a terminal that `text` takes at most: what is not ASCII may take two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += widthOfOne(character);
  return width;
}

/** `text`, cut so that it takes no more than `columns`. */
export function cutTo(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let cut = '';
  let left = columns - 2;
  for (const character of text) {
    left -= widthOfOne(character);
    if (left < 0) break;
    cut += character;
  }
  return columns < 2 ? '' : `${cut}…`;
}

function widthOfOne(character: string): number {
  return (character.codePointAt(0) ?? 0) > ASCII_END ? 2 : 1;
}
