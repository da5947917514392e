import { Inject, Injectable } from '@nestjs/common';
import { ChatCaches } from '../chat/chat-caches.js';
import type { CacheNamespace } from '../chat/cache-namespace.js';
import { ChatDeclaration } from '../chat/chat-declaration.js';
import type { ChatInfo, ChatRecord, ChatSettings, UserData, UserState } from '../chat/chat-types.js';
import { CacheEngine, type CacheStats } from '../core/engine/cache-engine.js';
import type { NamespaceSummary } from '../core/definition/namespace-stats.js';
import type { CacheHealth } from '../core/engine/health-check.js';
import type { NamespaceCache } from '../core/namespace/namespace-cache.js';
import type { NamespaceWith } from '../core/namespace/namespace-types.js';
import type { ValueMode } from '../core/values/value-mode.js';
import type { NamespaceDefinition } from '../core/definition/namespace-definition.js';
import type { FlushReport, LoadReport } from '../core/reports.js';
import type { Immutable } from '../core/values/immutable.js';
import { CACHE_ENGINE, CHAT_DECLARATION } from './cache.tokens.js';

/**
 * The cache of the application: its namespaces, and what a chat bot does with the three that the module declares
 * itself. What needs one of them throws `UNKNOWN_NAMESPACE` (or rejects with it) where `chatNamespaces` is false, or the
 * application has a namespace of that name itself.
 */
@Injectable()
export class CacheService {
  readonly #chats: ChatCaches;

  constructor(
    @Inject(CACHE_ENGINE) private readonly engine: CacheEngine,
    @Inject(CHAT_DECLARATION) chat: ChatDeclaration,
  ) {
    this.#chats = new ChatCaches((definition) => {
      chat.assertDeclared(definition);
      return engine.namespace(definition);
    }, engine.rejections);
  }

  /** Settings and info of chats. `ON_SHUTDOWN` unless overridden. */
  get chats(): NamespaceCache<number, ChatRecord> {
    return this.#chats.chats;
  }

  /** Data of users in chats, stored under `chatId:userId`. `ON_CHANGE` unless overridden. */
  get chatUsers(): NamespaceCache<readonly [chatId: number, userId: number], UserData> {
    return this.#chats.chatUsers;
  }

  /** Temporary state of users. `MEMORY_ONLY` unless overridden. */
  get users(): NamespaceCache<number, UserState> {
    return this.#chats.users;
  }

  /** The namespace of a definition. Throws `UNKNOWN_NAMESPACE` for one that is not declared. */
  namespace<K, V, M extends ValueMode>(definition: NamespaceDefinition<K, V, M>): NamespaceWith<K, V, M> {
    return this.engine.namespace(definition);
  }

  /** The declared namespaces with their levels and figures, in the order of their declaration. */
  namespaces(): readonly NamespaceSummary[] {
    return this.engine.summaries();
  }

  /** How the cache is: asks the database, for 800 ms at most, and looks at what is unwritten. Never rejects. */
  health(): Promise<CacheHealth> {
    return this.engine.health();
  }

  /** The settings of a chat; `{}` when there are none. */
  getChatSettings(chatId: number): Promise<Immutable<ChatSettings>> {
    return this.#chats.getChatSettings(chatId);
  }

  /** Replaces the settings of a chat, and keeps its info. */
  setChatSettings(chatId: number, settings: Immutable<ChatSettings>): Promise<void> {
    return this.#chats.setChatSettings(chatId, settings);
  }

  /** What is known of a chat. */
  getChatInfo(chatId: number): Promise<Immutable<ChatInfo> | undefined> {
    return this.#chats.getChatInfo(chatId);
  }

  /** Replaces the info of a chat, and keeps its settings. */
  setChatInfo(chatId: number, info: Immutable<ChatInfo>): Promise<void> {
    return this.#chats.setChatInfo(chatId, info);
  }

  /** What is remembered of a user in a chat; `{}` when there is nothing. */
  getUserData(chatId: number, userId: number): Promise<Immutable<UserData>> {
    return this.#chats.getUserData(chatId, userId);
  }

  /** Sets one field of what is remembered of a user in a chat, with no other change in between. */
  setUserData(chatId: number, userId: number, key: string, value: unknown): Promise<void> {
    return this.#chats.setUserData(chatId, userId, key, value);
  }

  /** One item of a user's state, from memory only; `fallback` when it is not there. */
  getUserState<T>(userId: number, stateKey: string, fallback: T): T;
  getUserState<T>(userId: number, stateKey: string, fallback?: T): T | undefined;
  getUserState<T>(userId: number, stateKey: string, fallback?: T): T | undefined {
    return this.#chats.getUserState(userId, stateKey, fallback);
  }

  /** Sets one item of a user's state, at once. */
  setUserState(userId: number, stateKey: string, value: unknown): void {
    this.#chats.setUserState(userId, stateKey, value);
  }

  /** Removes one item of a user's state, or all of it. */
  clearUserState(userId: number, stateKey?: string): void {
    this.#chats.clearUserState(userId, stateKey);
  }

  /** Removes every entry of a namespace. Rejects with `UNKNOWN_NAMESPACE` for one that is not declared. */
  clearNamespace(namespace: CacheNamespace | NamespaceDefinition | string): Promise<void> {
    const { rejections } = this.engine;
    const name = typeof namespace === 'string' ? namespace : namespace?.name;
    return rejections.watch(this.#clear(namespace), rejections.refusalsOf(name));
  }

  /** Tries to write every dirty entry of every persisted namespace. What failed is in the report, and is kept. */
  persistAll(): Promise<FlushReport> {
    return this.engine.persistAll();
  }

  /** Reads every persisted namespace anew, never over unsaved changes. */
  loadFromDatabase(): Promise<LoadReport> {
    return this.engine.loadFromDatabase();
  }

  /** The figures of every namespace, by its name. */
  getStats(): CacheStats {
    return this.engine.stats();
  }

  async #clear(namespace: NamespaceDefinition | string): Promise<void> {
    await this.engine.namespace(namespace).clear();
  }
}
