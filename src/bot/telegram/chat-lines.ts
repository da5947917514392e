import { sequentialize } from '@grammyjs/runner';
import type { Context } from 'grammy';

/** Lets chats be handled side by side, and each of them in order. A migration keeps its two chats in one line. */
export const oneByOneInChat = sequentialize((context: Context) => {
  const { chat, migrate_to_chat_id: to, migrate_from_chat_id: from } = context.msg ?? {};
  return [chat?.id, to, from].filter((id) => id !== undefined).map(String);
});
