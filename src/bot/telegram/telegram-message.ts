import type { Context } from 'grammy';
import type { Message, Update } from 'grammy/types';
import type { IncomingMessage } from '../messages/message.js';

/** A message of Telegram as the bot's handlers take it; nothing for one that nobody wrote to the bot. */
export function readMessage(
  { update_id: id }: Update,
  message: Message,
  me: Context['me'],
): IncomingMessage | undefined {
  const { chat, date } = message;
  const userId = speakerOf(message);
  if (userId === undefined) return undefined;
  const sentAt = new Date(date * 1000);
  return {
    chat: { id: chat.id, type: chat.type, title: chat.title ?? chat.first_name ?? String(chat.id) },
    userId,
    text: message.text ?? message.caption ?? '',
    sentAt,
    botName: me.username,
    delivery: { id, sentAt: sentAt.getTime() },
  };
}

/**
 * Who speaks. Whoever writes in the name of a chat is that chat, since Telegram shows all of them as one and the same user: a
 * channel is itself, and the anonymous administrators of a group are the group. A post that Telegram copies from the group's
 * channel was not written here, and bots are not answered: two that answer each other would never end.
 */
function speakerOf({ is_automatic_forward: isCopy, sender_chat: chat, from }: Message): number | undefined {
  if (isCopy === true) return undefined;
  if (chat !== undefined) return chat.id;
  return from === undefined || from.is_bot ? undefined : from.id;
}
