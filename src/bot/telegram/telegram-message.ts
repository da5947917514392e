import type { Context } from 'grammy';
import type { Message } from 'grammy/types';
import type { IncomingMessage } from '../messages/message.js';

/** A message of Telegram as the bot's handlers take it; nothing for one that no user sent. */
export function readMessage(message: Message, me: Context['me']): IncomingMessage | undefined {
  const { chat, from, date } = message;
  if (from === undefined) return undefined;
  return {
    chat: { id: chat.id, type: chat.type, title: chat.title ?? chat.first_name ?? String(chat.id) },
    userId: from.id,
    text: message.text ?? message.caption ?? '',
    sentAt: new Date(date * 1000),
    botName: me.username,
  };
}
