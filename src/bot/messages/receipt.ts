import type { Delivery } from './message.js';

/**
 * What a message leaves in the record that it changed, in the same write: either both are stored or neither is. A message
 * that is delivered again, after a crash, finds its receipt there and changes nothing.
 */
export interface Receipt extends Delivery {
  /** The answer to the message. */
  readonly answer: string;
}

/**
 * Whether a message was handled before, by what the last handled one left behind: the messages of a chat are handled in
 * their order. Telegram may begin to count anew after a week without messages, so a lower number that was sent later is new.
 */
export function isHandled(delivery: Delivery, last: Delivery): boolean {
  return delivery.id <= last.id && delivery.sentAt <= last.sentAt;
}

/**
 * The answer to a repeated message. The last one gets the same answer again, since that may not have arrived. An earlier one
 * gets nothing: the bot begins the next message only after it has sent the answer.
 */
export function repeatedAnswer(delivery: Delivery, last: Receipt): string | undefined {
  return delivery.id === last.id ? last.answer : undefined;
}

/** A stored delivery; nothing where there is none. */
export function readDelivery(stored: unknown): Delivery | undefined {
  const { id, sentAt } = (stored ?? {}) as Partial<Record<keyof Delivery, unknown>>;
  return typeof id === 'number' && typeof sentAt === 'number' ? { id, sentAt } : undefined;
}

/** A stored receipt; nothing where there is none. */
export function readReceipt(stored: unknown): Receipt | undefined {
  const delivery = readDelivery(stored);
  const { answer } = (stored ?? {}) as Partial<Record<keyof Receipt, unknown>>;
  return delivery !== undefined && typeof answer === 'string' ? { ...delivery, answer } : undefined;
}
