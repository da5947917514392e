import type { NamespaceCache } from '../../index.js';
import { answer, type Callback } from './answer.js';
import { ExpressStore } from './express-store.js';
import { hideMark, isRead, markRead } from './read-mark.js';
import {
  cookieTtlMs,
  isSameCookie,
  isSameSession,
  renewCookie,
  storedCookieOf,
  type ParsedSession,
  type SessionCookie,
} from './session-cookie.js';
import {
  STORE,
  resolveStoreOptions,
  type ResolvedStoreOptions,
  type SessionStoreOptions,
} from './session-store-options.js';
import { SESSION_TEXT, textOf, withCookie } from './session-text.js';

/**
 * A store of `express-session` on a namespace of the cache, for `@fastify/session` too. Sessions survive restarts, and
 * several instances share them. `S` is what the application keeps in a session, for those who call the store themselves.
 *
 * A session lives as long as its cookie, or for the namespace's `ttlMs` where that has no expiry. What fails is given to the
 * callback as a `CacheError`: `READ_FAILED`, `WRITE_FAILED`, `CACHE_CLOSED` after the stop. Of requests of one session at the
 * same time, the one that ends last decides what is stored, as in every store.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- so that a store of no stated type suits Express and Fastify
export class DurableSessionStore<S = any> extends ExpressStore {
  readonly #sessions: NamespaceCache<string, string>;
  readonly #options: ResolvedStoreOptions;
  /** How many saves of each session are under way: memory does not show them yet. */
  readonly #saves = new Map<string, number>();

  /** `sessions` is what `CacheService.namespace()` gives for a definition of `sessionNamespace()`. Throws `INVALID_OPTION`. */
  constructor(sessions: NamespaceCache<string, string>, options: SessionStoreOptions = {}) {
    super();
    if (!SESSION_TEXT.isOn(sessions?.definition?.value))
      throw STORE.refusal(
        'sessions',
        'takes a namespace that sessionNamespace() declares, in use: new DurableSessionStore(cache.namespace(sessions)).',
      );
    this.#sessions = sessions;
    this.#options = resolveStoreOptions(options);
  }

  /**
   * The session of an id, an object of the caller's own; `null` where there is none. It has a property that marks it as read,
   * whose value is `undefined`, so that JSON leaves it out.
   */
  get(sid: string, callback: Callback<S | null>): void {
    answer(this.#find(sid), callback);
  }

  /**
   * Stores what `JSON.stringify` makes of `session` now. One whose cookie is over is destroyed. One that `get` gave under this id,
   * and that has been destroyed since, or has expired, stays so: nothing is stored, and that is no error. Where memory has the
   * very same session, but for the time, it is touched instead.
   */
  set(sid: string, session: S, callback?: Callback): void {
    answer(this.#write(sid, session), callback);
  }

  /** Removes a session. */
  destroy(sid: string, callback?: Callback): void {
    answer(this.#remove(sid), callback);
  }

  /**
   * Gives a session the expiry of its cookie, and the cookie itself where more of it was changed. Leaves all else as it is
   * stored. One that was destroyed stays destroyed. The expiry of a session in memory is not waited for: `callback` is called at once,
   * and the cache logs what the database does not take.
   */
  touch(sid: string, session: S, callback?: Callback): void {
    answer(this.#prolong(sid, session), callback);
  }

  /** Every session there is, in memory or not, by its id. Cookies have the expiry that they were last stored with. */
  all(callback: Callback<Record<string, S>>): void {
    answer(this.#list(), callback);
  }

  /** How many sessions there are, in memory or not. */
  length(callback: Callback<number>): void {
    answer(this.#sessions.count(), callback);
  }

  /** Removes every session, in memory and in the database. */
  clear(callback?: Callback): void {
    answer(this.#sessions.clear(), callback);
  }

  /** Makes the session of a request, with methods, of what `get` gave. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as `ExpressStore` has it
  override createSession(request: any, session: any): any {
    const created: unknown = super.createSession(request, session);
    hideMark((request as { sessionID: string }).sessionID, created as object);
    return created;
  }

  async #find(sid: string): Promise<S | null> {
    const text = await this.#text(sid);
    const ttlMs = text === undefined ? undefined : await this.#sessions.ttl(sid);
    // Absent, or destroyed between the two.
    if (text === undefined || ttlMs === undefined) return null;
    const session = JSON.parse(text) as ParsedSession;
    renewCookie(session, ttlMs);
    markRead(sid, session);
    return session as S;
  }

  async #text(sid: string): Promise<string | undefined> {
    if (!this.#options.fresh) {
      const text = await this.#sessions.get(sid);
      if (text !== undefined) return text;
    }
    // Memory may not have heard yet of a session that another instance has begun, and to deny it would log somebody out.
    return this.#sessions.get(sid, { fresh: true });
  }

  async #write(sid: string, session: S): Promise<void> {
    const text = textOf(session);
    const ttlMs = cookieTtlMs(session);
    if (ttlMs !== undefined && ttlMs <= 0) await this.#remove(sid);
    else if (!isRead(sid, session)) await this.#saving(sid, this.#sessions.set(sid, text, { ttlMs }));
    else if (this.#isStored(sid, text)) this.#renew(sid, this.#lifeMs(session));
    else
      await this.#saving(
        sid,
        this.#replace(sid, () => text, this.#lifeMs(session)),
      );
  }

  /** Whether this very session is stored for sure, but for the time. */
  #isStored(sid: string, text: string): boolean {
    const stored = this.#saves.has(sid) ? undefined : this.#sessions.getIfPresent(sid);
    return (
      stored !== undefined &&
      isSameSession(JSON.parse(stored) as ParsedSession, JSON.parse(text) as ParsedSession)
    );
  }

  async #saving(sid: string, save: Promise<void>): Promise<void> {
    this.#saves.set(sid, (this.#saves.get(sid) ?? 0) + 1);
    try {
      await save;
    } finally {
      const left = (this.#saves.get(sid) ?? 0) - 1;
      if (left > 0) this.#saves.set(sid, left);
      else this.#saves.delete(sid);
    }
  }

  /** Changes the text of a session that is there. */
  async #replace(sid: string, change: (text: string) => string, ttlMs: number | null): Promise<void> {
    const changed = (current: string | undefined): string => {
      if (current === undefined) throw GONE;
      return change(current);
    };
    try {
      await this.#sessions.update(sid, changed, { ttlMs });
    } catch (error) {
      if (error !== GONE) throw error;
    }
  }

  async #prolong(sid: string, session: S): Promise<void> {
    const ttlMs = this.#lifeMs(session);
    const cookie = storedCookieOf(session);
    if (ttlMs !== null && ttlMs <= 0) await this.#remove(sid);
    else if (cookie === undefined || (await this.#isStoredWith(sid, cookie))) this.#renew(sid, ttlMs);
    else await this.#replace(sid, (text) => withCookie(text, cookie), ttlMs);
  }

  /** What a crash or an outage takes of it is a part of the session's life, which no request should wait for. */
  #renew(sid: string, ttlMs: number | null): void {
    const renewed = this.#isDue(sid, ttlMs).then((isDue) => isDue && this.#sessions.touch(sid, { ttlMs }));
    renewed.catch(() => undefined);
  }

  /** Milliseconds from now that a session lives which is saved or touched; `null` for ever. */
  #lifeMs(session: S): number | null {
    return cookieTtlMs(session) ?? this.#sessions.definition.ttlMs ?? null;
  }

  /** Whether the session that is stored, if there is one, has this cookie. Asks the database only for what memory does not have. */
  async #isStoredWith(sid: string, cookie: SessionCookie): Promise<boolean> {
    const text = this.#sessions.getIfPresent(sid) ?? (await this.#sessions.get(sid));
    return text === undefined || isSameCookie((JSON.parse(text) as ParsedSession).cookie, cookie);
  }

  async #remove(sid: string): Promise<void> {
    await this.#sessions.delete(sid);
  }

  async #isDue(sid: string, ttlMs: number | null): Promise<boolean> {
    const { touchAfterMs } = this.#options;
    if (touchAfterMs === 0) return true;
    const leftMs = await this.#sessions.ttl(sid);
    if (leftMs === undefined) return false;
    const gainMs = leftMs === ttlMs ? 0 : (ttlMs ?? Infinity) - (leftMs ?? Infinity);
    return gainMs < 0 || gainMs >= touchAfterMs;
  }

  async #list(): Promise<Record<string, S>> {
    // An id may be any text.
    const sessions = Object.create(null) as Record<string, S>;
    for await (const [sid, text] of this.#sessions.scan()) sessions[sid] = JSON.parse(text) as S;
    return sessions;
  }
}

/** What an updater throws to leave things as they are. */
const GONE = new Error('The session is gone.');
