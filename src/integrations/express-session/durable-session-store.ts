import { CacheError, type NamespaceCache } from '../../index.js';
import { answer, type Callback } from './answer.js';
import { ExpressStore } from './express-store.js';
import { RecentIds } from './recent-ids.js';
import { cookieTtlMs, renewCookie, type ParsedSession } from './session-cookie.js';
import {
  invalid,
  resolveStoreOptions,
  type ResolvedStoreOptions,
  type SessionStoreOptions,
} from './session-store-options.js';

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
  /** What is saved under one of these is a session that was there, and may have been destroyed meanwhile. */
  readonly #read = new RecentIds();

  /** `sessions` is what `CacheService.namespace()` gives for a definition of `sessionNamespace()`. Throws `INVALID_OPTION`. */
  constructor(sessions: NamespaceCache<string, string>, options: SessionStoreOptions = {}) {
    super();
    if (typeof sessions?.touch !== 'function')
      throw invalid(
        'sessions',
        'takes a namespace in use: new DurableSessionStore(cache.namespace(sessions)).',
      );
    this.#sessions = sessions;
    this.#options = resolveStoreOptions(options);
  }

  /** The session of an id, an object of the caller's own; `null` where there is none. */
  get(sid: string, callback: Callback<S | null>): void {
    answer(this.#find(sid), callback);
  }

  /**
   * Stores what `JSON.stringify` makes of `session` now. One whose cookie is over is destroyed. One that was read here and has
   * been destroyed elsewhere since, or has expired, stays so: nothing is stored, and that is no error.
   */
  set(sid: string, session: S, callback?: Callback): void {
    answer(this.#write(sid, session), callback);
  }

  /** Removes a session. */
  destroy(sid: string, callback?: Callback): void {
    answer(this.#remove(sid), callback);
  }

  /** Gives a session the expiry of its cookie, and leaves all else as it is stored. One that was destroyed stays destroyed. */
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

  async #find(sid: string): Promise<S | null> {
    const text = await this.#text(sid);
    const ttlMs = text === undefined ? undefined : await this.#sessions.ttl(sid);
    // Absent, or destroyed between the two.
    if (text === undefined || ttlMs === undefined) {
      this.#read.delete(sid);
      return null;
    }
    this.#read.add(sid);
    const session = JSON.parse(text) as ParsedSession;
    renewCookie(session, ttlMs);
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
    else if (this.#read.has(sid)) await this.#replace(sid, text, ttlMs);
    else await this.#sessions.set(sid, text, { ttlMs });
  }

  async #replace(sid: string, text: string, ttlMs: number | undefined): Promise<void> {
    const isThere = (current: string | undefined): string => {
      if (current === undefined) throw GONE;
      return text;
    };
    try {
      // Without a cookie's expiry an update would keep the one there is.
      await this.#sessions.update(sid, isThere, { ttlMs: ttlMs ?? this.#sessions.definition.ttlMs ?? null });
    } catch (error) {
      if (error !== GONE) throw error;
    }
  }

  async #remove(sid: string): Promise<void> {
    // An application may begin another one with the same id.
    this.#read.delete(sid);
    await this.#sessions.delete(sid);
  }

  async #prolong(sid: string, session: S): Promise<void> {
    const ttlMs = cookieTtlMs(session) ?? this.#sessions.definition.ttlMs ?? null;
    if (ttlMs !== null && ttlMs <= 0) await this.#remove(sid);
    else if (await this.#isDue(sid, ttlMs)) await this.#sessions.touch(sid, { ttlMs });
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

function textOf(session: unknown): string {
  try {
    return JSON.stringify(session);
  } catch (cause) {
    throw new CacheError(
      'INVALID_VALUE',
      'The session has no JSON form (a cycle or a bigint, say). Keep plain data in it.',
      { cause },
    );
  }
}
