import { CacheError } from '../core/cache-error.js';
import type { NamespaceDefinition } from '../core/definition/namespace-definition.js';
import { isPersisted } from '../core/levels/levels.js';
import type { NamespaceCache } from '../core/namespace/namespace-cache.js';
import type { Rejections } from '../core/namespace/rejections.js';
import type { Immutable } from '../core/values/immutable.js';
import { chatsNamespace, chatUsersNamespace, usersNamespace } from './chat-namespaces.js';
import type { ChatInfo, ChatRecord, ChatSettings, UserData, UserState } from './chat-types.js';

const EMPTY: Readonly<Record<string, never>> = Object.freeze({});

/** What a chat bot does with its three namespaces. */
export class ChatCaches {
  #chats: NamespaceCache<number, ChatRecord> | undefined;
  #chatUsers: NamespaceCache<readonly [chatId: number, userId: number], UserData> | undefined;
  #users: NamespaceCache<number, UserState> | undefined;

  constructor(
    /** Throws `UNKNOWN_NAMESPACE` for one that is not declared. */
    private readonly find: <K, V>(definition: NamespaceDefinition<K, V>) => NamespaceCache<K, V>,
    private readonly rejections: Rejections,
  ) {}

  get chats(): NamespaceCache<number, ChatRecord> {
    return (this.#chats ??= this.find(chatsNamespace));
  }

  get chatUsers(): NamespaceCache<readonly [chatId: number, userId: number], UserData> {
    return (this.#chatUsers ??= this.find(chatUsersNamespace));
  }

  get users(): NamespaceCache<number, UserState> {
    return (this.#users ??= this.find(usersNamespace));
  }

  async getChatSettings(chatId: number): Promise<Immutable<ChatSettings>> {
    return (await this.chats.get(chatId))?.settings ?? EMPTY;
  }

  setChatSettings(chatId: number, settings: Immutable<ChatSettings>): Promise<void> {
    return this.#write(chatsNamespace, async () => {
      assertRecord(settings, 'settings');
      await this.chats.update(chatId, (record) => ({ ...record, settings }));
    });
  }

  async getChatInfo(chatId: number): Promise<Immutable<ChatInfo> | undefined> {
    return (await this.chats.get(chatId))?.info;
  }

  setChatInfo(chatId: number, info: Immutable<ChatInfo>): Promise<void> {
    return this.#write(chatsNamespace, async () => {
      assertRecord(info, 'info');
      await this.chats.update(chatId, (record) => ({ ...record, info }));
    });
  }

  async getUserData(chatId: number, userId: number): Promise<Immutable<UserData>> {
    return (await this.chatUsers.get([chatId, userId])) ?? EMPTY;
  }

  setUserData(chatId: number, userId: number, key: string, value: unknown): Promise<void> {
    return this.#write(chatUsersNamespace, async () => {
      assertField(key);
      if (value === undefined) {
        throw new CacheError(
          'INVALID_VALUE',
          'undefined is no value. Use null, or remove the field with chatUsers.update().',
        );
      }
      // A computed property is always the object's own, whatever its name: `__proto__` is data here.
      await this.chatUsers.update([chatId, userId], (data) => ({ ...data, [key]: value }));
    });
  }

  getUserState<T>(userId: number, stateKey: string, fallback?: T): T | undefined {
    assertField(stateKey);
    const state = this.users.getIfPresent(userId);
    if (state === undefined || !Object.hasOwn(state, stateKey)) return fallback;
    return (state[stateKey] as T | undefined) ?? fallback;
  }

  setUserState(userId: number, stateKey: string, value: unknown): void {
    assertField(stateKey);
    this.#change(userId, (state) => ({ ...state, [stateKey]: value }));
  }

  clearUserState(userId: number, stateKey?: string): void {
    if (stateKey === undefined) {
      this.#assertUserId(userId);
      void this.users.delete(userId);
      return;
    }
    assertField(stateKey);
    this.#assertUserId(userId);
    const present = this.users.getIfPresent(userId);
    // What memory has is all there is, at the level the namespace is declared with: leave no empty state behind.
    if (!isPersisted(this.users.definition)) {
      if (present === undefined || !Object.hasOwn(present, stateKey)) return;
      if (Object.keys(present).length === 1) {
        void this.users.delete(userId);
        return;
      }
    }
    this.#change(userId, (state) => {
      const { [stateKey]: _removed, ...rest } = state ?? {};
      return rest;
    });
  }

  /**
   * At the level the namespace is declared with this takes effect at the call, and can't fail once the key is good. With
   * another one (`overrides`) it may fail when its caller is gone: the namespace logs that.
   */
  #change(userId: number, fn: (state: Immutable<UserState> | undefined) => Immutable<UserState>): void {
    this.#assertUserId(userId);
    void this.users.update(userId, fn);
  }

  #assertUserId(userId: number): void {
    this.users.definition.key.encode(userId);
  }

  /** A promise round that of a namespace, which tells of what comes to it. */
  #write({ name }: { readonly name: string }, write: () => Promise<void>): Promise<void> {
    return this.rejections.watch(write(), this.rejections.refusalsOf(name));
  }
}

function assertField(key: unknown): asserts key is string {
  if (typeof key !== 'string' || key === '') {
    throw new CacheError('INVALID_KEY', 'The name of a field must be a string of at least one character.');
  }
}

function assertRecord(value: unknown, what: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CacheError('INVALID_VALUE', `The ${what} must be an object of values by name.`);
  }
}
