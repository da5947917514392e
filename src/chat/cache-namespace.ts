import { CachePersistenceLevel } from '../core/definition/persistence-level.js';

/** The namespaces of a chat bot, declared by the module itself. */
export enum CacheNamespace {
  /** Settings and info of a chat, by chat id. `ON_SHUTDOWN`. */
  CHATS = 'chats',
  /** What is remembered of a user in a chat, by chat id and user id. `ON_CHANGE`. */
  CHAT_USERS = 'chatUsers',
  /** Temporary state of a user, by user id. `MEMORY_ONLY`. */
  USERS = 'users',
}

const LEVELS: Readonly<Record<CacheNamespace, CachePersistenceLevel>> = {
  [CacheNamespace.CHATS]: CachePersistenceLevel.ON_SHUTDOWN,
  [CacheNamespace.CHAT_USERS]: CachePersistenceLevel.ON_CHANGE,
  [CacheNamespace.USERS]: CachePersistenceLevel.MEMORY_ONLY,
};

/** The persistence level a built-in namespace is declared with; `overrides` may set another one for an app. */
export function getPersistenceLevel(namespace: CacheNamespace): CachePersistenceLevel {
  return LEVELS[namespace];
}
