import { CachePersistenceLevel, type Immutable, type NamespaceCache, type ValueCodec } from '../../index.js';
import { assertSessionsOptions, SESSIONS, type BotSessionsOptions } from './bot-sessions-options.js';
import { ReadSessions } from './read-sessions.js';
import { RepeatedRead } from './repeated-read.js';

/**
 * The sessions of a chat bot in a namespace of the cache: `session({ storage })` of grammY, lazy and multi sessions and
 * `enhanceStorage()` included, and `session({ store })` of Telegraf.
 *
 * Each read gives an object of the caller's own. One that is written back as it was read undoes nothing that others have written
 * meanwhile, and where sessions live for ever it costs no commit. What fails rejects with a `CacheError`: `READ_FAILED`, `WRITE_FAILED`,
 * `INVALID_VALUE` for a session that its codec can't keep, `INVALID_KEY` for a key that can't be one, `CACHE_CLOSED` after the stop.
 */
export class DurableBotSessions<S> {
  readonly #sessions: NamespaceCache<string, S, S>;
  readonly #codec: ValueCodec<S>;
  readonly #fresh: boolean;
  /** On `MEMORY_ONLY` a namespace keeps the very object, and gives it to all. */
  readonly #isShared: boolean;
  readonly #read = new ReadSessions();

  /** `sessions` is what `CacheService.namespace()` gives for a definition of `botSessionNamespace()`. Throws `INVALID_OPTION`. */
  constructor(sessions: NamespaceCache<string, S, S>, options: BotSessionsOptions = {}) {
    if (typeof sessions?.update !== 'function')
      throw SESSIONS.refusal(
        'sessions',
        'takes a namespace in use: new DurableBotSessions(cache.namespace(sessions)).',
      );
    const { persistence, value, values } = sessions.definition;
    if (values !== 'copied')
      throw SESSIONS.refusal(
        'sessions',
        'takes a namespace whose values are copied, as botSessionNamespace() makes it.',
      );
    assertSessionsOptions(options);
    this.#sessions = sessions;
    this.#codec = value;
    this.#fresh = options.fresh ?? persistence === CachePersistenceLevel.ON_CHANGE;
    this.#isShared = persistence === CachePersistenceLevel.MEMORY_ONLY;
  }

  /** The session of a key; `undefined` where there is none. */
  async read(key: string): Promise<S | undefined> {
    const stored = await this.#sessions.get(key, { fresh: this.#fresh });
    if (stored === undefined) return undefined;
    const session = this.#own(stored);
    const text = this.#textOf(session);
    if (text !== undefined) this.#read.note(key, session, text);
    return session;
  }

  /**
   * Stores a session as it is at the call. An object that {@link read} has given for this key, and that is as it was then, is not
   * stored: whatever others have made of the session since stays, a removal too. Only its time to live is renewed. To bring back an
   * earlier state, write a copy of the object.
   */
  async write(key: string, session: S): Promise<void> {
    const text = this.#textOf(session);
    // Refused, and why is said where it is set.
    if (text === undefined) return this.#set(key, session);
    if (this.#read.isUnchanged(key, session, text)) return this.#renew(key);
    const written = this.#read.writing(key, session, text);
    if (written === undefined && this.#isKnown(key, text)) return this.#writeIfChanged(key, text);
    await this.#set(key, session);
    written?.();
  }

  /** Removes a session. */
  async delete(key: string): Promise<void> {
    await this.#sessions.delete(key);
  }

  /** Whether there is a session. */
  async has(key: string): Promise<boolean> {
    return (await this.#sessions.get(key, { fresh: this.#fresh })) !== undefined;
  }

  /** The keys of all sessions, in memory or not, page by page. */
  async *readAllKeys(): AsyncIterableIterator<string> {
    for await (const [key] of this.#sessions.scan()) yield key;
  }

  /** All sessions, in memory or not, page by page. */
  async *readAllValues(): AsyncIterableIterator<S> {
    for await (const [, stored] of this.#sessions.scan()) yield this.#own(stored);
  }

  /** All sessions with their keys, in memory or not, page by page. */
  async *readAllEntries(): AsyncIterableIterator<[key: string, session: S]> {
    for await (const [key, stored] of this.#sessions.scan()) yield [key, this.#own(stored)];
  }

  /** As {@link read}; Telegraf's name for it. A read that has failed is made again where its promise is awaited again, as Telegraf does. */
  get(key: string): Promise<S | undefined> {
    return new RepeatedRead(() => this.read(key));
  }

  /** As {@link write}; Telegraf's name for it. */
  set(key: string, session: S): Promise<void> {
    return this.write(key, session);
  }

  async #set(key: string, session: S): Promise<void> {
    await this.#sessions.set(key, this.#own(session) as Immutable<S>);
  }

  /** What a session is stored as; `undefined` for one that its codec refuses. */
  #textOf(session: S): string | undefined {
    try {
      return this.#codec.encode(session);
    } catch {
      return undefined;
    }
  }

  /** Gives what there is of a session the time to live that a write would give it. */
  async #renew(key: string): Promise<void> {
    const { ttlMs } = this.#sessions.definition;
    if (ttlMs !== undefined) await this.#sessions.touch(key, { ttlMs });
  }

  /** Whether memory holds a session in just this state: bots write back whatever they have looked at. Not where a write renews the expiry. */
  #isKnown(key: string, text: string): boolean {
    const { ttlMs } = this.#sessions.definition;
    const known = ttlMs === undefined ? this.#sessions.getIfPresent(key) : undefined;
    return known !== undefined && this.#textOf(known) === text;
  }

  /** An earlier write may still be under way, and this one comes after it. */
  async #writeIfChanged(key: string, text: string): Promise<void> {
    const changed = (current: S | undefined): Immutable<S> => {
      if (current !== undefined && this.#codec.encode(current) === text) throw UNCHANGED;
      return this.#codec.decode(text) as Immutable<S>;
    };
    try {
      await this.#sessions.update(key, changed);
    } catch (error) {
      if (error !== UNCHANGED) throw error;
    }
  }

  #own(session: S): S {
    return this.#isShared ? this.#codec.decode(this.#codec.encode(session)) : session;
  }
}

/** What an updater throws to leave things as they are. */
const UNCHANGED = new Error('The session is stored already.');
