import type { Conversation, Line } from './conversation.js';

/** What may make an answer come again. */
export interface Repeats {
  /** In how many lives of the bot an update was delivered. */
  readonly lives: ReadonlyMap<number, number>;
  /** How often a text arrived, and the bot could not know it. */
  readonly arrivedUnnoticed: ReadonlyMap<string, number>;
}

/**
 * Follows the answers in one group; gives how many lines were answered. Throws where an answer is missing or out of order,
 * where it is to nothing that was said, and where it comes again without a reason.
 */
export function checkAnswers({ lines, sent, number }: Conversation, repeats: Repeats): number {
  const given = new Map<Line, string[]>();
  let answered = 0;
  for (const text of sent) {
    const next = lines[answered];
    const isNext = next?.answers.includes(text) === true;
    const line = isNext ? next : lines.slice(0, answered).find((before) => isAnswer(text, before));
    if (isNext) answered += 1;
    const later = lines.slice(0, answered);
    const texts = line === undefined ? [] : [...(given.get(line) ?? []), text];
    if (line === undefined || isTooMuch(line, texts, repeats) || (!isNext && isSettled(line, later))) {
      const expected = next?.answers.join('” or “') ?? 'nothing';
      throw new Error(`Group ${number}, line ${answered}: “${text}” instead of “${expected}”.`);
    }
    given.set(line, texts);
  }
  return answered;
}

/** Whether a line was answered more often than it was delivered to a life of the bot, and answers arrived unnoticed. */
function isTooMuch(
  { update }: Line,
  texts: readonly string[],
  { lives, arrivedUnnoticed }: Repeats,
): boolean {
  const unnoticed = [...new Set(texts)].map((text) => arrivedUnnoticed.get(text) ?? 0);
  return texts.length > unnoticed.reduce((sum, times) => sum + times, lives.get(update) ?? 0);
}

/** Said again after a crash, `/recall` is answered as things are then. */
function isAnswer(text: string, { kind, key, answers }: Line): boolean {
  if (answers.includes(text)) return true;
  return kind === 'reads' && (text.startsWith(`${key} = `) || text === `I remember nothing under ${key}.`);
}

/** Whether the user has changed something after it, which is stored: then it can't be in hand any more. */
function isSettled(line: Line, answered: readonly Line[]): boolean {
  if (line.kind !== 'changes memory') return false;
  const last = answered.findLast(({ kind, userId }) => kind === line.kind && userId === line.userId);
  return last !== line;
}
