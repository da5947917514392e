import { BadRequestException } from '@nestjs/common';

/** What the page sends. */
export interface MessageBody {
  readonly chatId: number;
  readonly userId: number;
  readonly text: string;
}

/** As long as a message of Telegram. */
const MAX_TEXT_LENGTH = 4096;

/** Checks what came as a message. */
export function readMessageBody(body: unknown): MessageBody {
  if (typeof body !== 'object' || body === null) throw new BadRequestException('The body must be an object.');
  const { chatId, userId, text } = body as Partial<Record<keyof MessageBody, unknown>>;
  if (!isId(chatId)) throw new BadRequestException('chatId must be a whole number other than 0.');
  if (!isId(userId)) throw new BadRequestException('userId must be a whole number other than 0.');
  if (typeof text !== 'string' || text.trim() === '' || text.length > MAX_TEXT_LENGTH) {
    throw new BadRequestException(`text must be a string of 1 to ${MAX_TEXT_LENGTH} characters.`);
  }
  return { chatId, userId, text };
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && value !== 0;
}
