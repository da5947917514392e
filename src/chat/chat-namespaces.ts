import { numberKey } from '../core/keys/number-key.js';
import { tupleKey } from '../core/keys/tuple-key.js';
import { defineNamespace, type NamespaceDefinition } from '../core/definition/namespace-definition.js';
import { json } from '../core/values/json.js';
import { CacheNamespace, getPersistenceLevel } from './cache-namespace.js';
import { mergeChats } from './merge-chats.js';
import type { ChatRecord, UserData, UserState } from './chat-types.js';

/** Chat id → settings and info. */
export const chatsNamespace: NamespaceDefinition<number, ChatRecord> = defineNamespace({
  name: CacheNamespace.CHATS,
  key: numberKey(),
  value: json<ChatRecord>(),
  persistence: getPersistenceLevel(CacheNamespace.CHATS),
  onConflict: mergeChats,
});

/** Chat id and user id → data; stored under `123:456`. */
export const chatUsersNamespace: NamespaceDefinition<readonly [chatId: number, userId: number], UserData> =
  defineNamespace({
    name: CacheNamespace.CHAT_USERS,
    key: tupleKey(numberKey(), numberKey()),
    value: json<UserData>(),
    persistence: getPersistenceLevel(CacheNamespace.CHAT_USERS),
  });

/** User id → temporary state. */
export const usersNamespace: NamespaceDefinition<number, UserState> = defineNamespace({
  name: CacheNamespace.USERS,
  key: numberKey(),
  value: json<UserState>(),
  persistence: getPersistenceLevel(CacheNamespace.USERS),
});

export const chatNamespaces = [chatsNamespace, chatUsersNamespace, usersNamespace] as const;
