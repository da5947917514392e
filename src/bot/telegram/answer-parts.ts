import type { Answer } from '../messages/message.js';

/** What Telegram takes in one message. */
const MAX_LENGTH = 4096;

/** An answer cut into as many as Telegram needs, at line ends where there are any. */
export function answerParts({ text, ...style }: Answer): Answer[] {
  const parts: Answer[] = [];
  let rest = text;
  while (rest.length > MAX_LENGTH) {
    const end = cutBefore(rest);
    parts.push({ ...style, text: rest.slice(0, end) });
    rest = rest.slice(end).replace(/^\n/, '');
  }
  return rest.trim() === '' ? parts : [...parts, { ...style, text: rest }];
}

function cutBefore(text: string): number {
  const lineEnd = text.lastIndexOf('\n', MAX_LENGTH);
  if (lineEnd > 0) return lineEnd;
  // Not between the halves of a character outside the basic plane.
  return /[\uD800-\uDBFF]/.test(text.charAt(MAX_LENGTH - 1)) ? MAX_LENGTH - 1 : MAX_LENGTH;
}
