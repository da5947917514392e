import { isCacheError, type NamespaceCache } from '../../../src/index.js';
import type { Chronicle } from '../chronicle.js';
import type { Patience } from '../patience.js';
import type { ListChecker } from './list-checker.js';
import type { Begun, Bound, SeenVersions } from './seen-versions.js';
import type { SharedDatabase } from './shared-database.js';
import { KEYS_OF, type Call, type Look, type Where } from './shared-plan.js';
import type { SharedTally } from './shared-tally.js';
import type { Version } from './timeline.js';

type Lists = NamespaceCache<string, readonly string[]>;
type Entries = NamespaceCache<string, string>;

const READ_CODES = ['READ_FAILED', 'CACHE_CLOSED'];
const WRITE_CODES = ['WRITE_FAILED', 'CONFLICT', 'READ_FAILED', 'CACHE_CLOSED'];

export interface SharedCallerParts {
  readonly name: string;
  readonly lists: Lists;
  readonly entries: Entries;
  readonly seen: SeenVersions;
  readonly checkers: ReadonlyMap<string, ListChecker>;
  readonly database: SharedDatabase;
  readonly patience: Patience;
  readonly chronicle: Chronicle;
  readonly tally: SharedTally;
  readonly time: () => number;
  readonly load: () => Promise<unknown>;
  readonly broken: (what: string) => void;
}

/** Calls the cache of one process as an application does, and looks at what comes back. */
export class SharedCaller {
  #ids = 0;
  /** What loaders of this process have given. */
  readonly #loads = new Set<string | null>();

  constructor(private readonly parts: SharedCallerParts) {}

  make(call: Call): void {
    switch (call.call) {
      case 'append':
        for (let i = 0; i < call.times; i += 1) this.#append(call.key);
        break;
      case 'append in a row':
        this.#appendInARow(call.key, call.times);
        break;
      case 'look':
        this.#look(call.where, call.key, call.how);
        break;
      case 'set':
        this.#set(call.key, call.ttlMs);
        break;
      case 'set if absent':
        this.#setIfAbsent(call.key);
        break;
      case 'delete':
        this.#remove(call.key, 'delete');
        break;
      case 'take':
        this.#remove(call.key, 'take');
        break;
      case 'touch':
        this.#touch(call.key, call.ttlMs);
        break;
      case 'rename':
        this.#rename(call.key, call.to);
        break;
      case 'clear':
        this.#clear(KEYS_OF.entries, 'clear', this.parts.entries.clear.bind(this.parts.entries));
        break;
      case 'delete prefix': {
        const keys = KEYS_OF.entries.filter((key) => key.startsWith(call.prefix));
        this.#clear(keys, `delete ${call.prefix}…`, () => this.parts.entries.deletePrefix(call.prefix));
        break;
      }
      case 'load':
        this.#follow('load', this.parts.load(), READ_CODES, () => undefined);
        break;
      case 'scan':
        this.#scan(call.where);
        break;
      case 'count':
        this.#count(call.where);
        break;
    }
  }

  /** Reads a key, whatever it is; resolves with its text, `null` for none. */
  async textOf(where: Where, key: string): Promise<string | null> {
    return textOf(await this.parts[where].get(key));
  }

  /** What memory answers without waiting. */
  presentText(where: Where, key: string): string | null {
    return textOf(this.parts[where].getIfPresent(key));
  }

  #appendInARow(key: string, times: number): void {
    if (times > 0) this.#append(key, () => this.#appendInARow(key, times - 1));
  }

  #append(key: string, acknowledged: () => void = () => undefined): void {
    const { lists, seen, checkers, tally } = this.parts;
    const id = this.#id();
    const over = checkers.get(key)?.begin(id);
    const done = seen.writing('lists', [key]);
    const promise = lists.update(key, (list = []) => [...list, id]);
    this.#follow(
      `append ${id} to ${key}`,
      promise,
      WRITE_CODES,
      (list, begun) => {
        tally.appended += 1;
        over?.('acknowledged');
        checkers.get(key)?.read(list);
        const own = seen.own(begun, 'lists', key, ({ text }) => startsWith(text, list));
        if (list.at(-1) !== id || own < 0)
          this.#broken(`append ${id} gave ${list.join()}, which was not committed`);
        else seen.reached('lists', key, own);
        acknowledged();
      },
      { done, rejected: (error) => over?.(isCacheError(error, 'CONFLICT') ? 'not written' : 'unknown') },
    );
  }

  #look(where: Where, key: string, how: Look): void {
    const { seen } = this.parts;
    const what = `${how} ${where} ${key}`;
    const show = (begun: Begun, value: unknown, bound: Bound): void => {
      const text = textOf(value);
      this.#show(begun, where, key, (version) => this.#fits(begun, version, text), bound, `${text} (${how})`);
      if (where === 'lists' && text !== null)
        this.parts.checkers.get(key)?.read(JSON.parse(text) as string[]);
    };
    const cache = this.parts[where] as NamespaceCache<string, unknown>;
    switch (how) {
      case 'if present': {
        const begun = seen.begin();
        const value = cache.getIfPresent(key);
        this.parts.chronicle.note(`${this.parts.name}: ${what}: ${textOf(value)}`);
        if (value !== undefined) show(begun, value, 'fresh enough');
        break;
      }
      case 'many': {
        const keys = KEYS_OF[where];
        const promise = cache.getMany(keys);
        this.#follow(what, promise, READ_CODES, (values, begun) => {
          values.forEach((value, i) => {
            const text = textOf(value);
            const fits = (version: Version): boolean => this.#fits(begun, version, text);
            this.#show(begun, where, keys[i] as string, fits, 'fresh enough', `${text} (${how})`);
          });
        });
        break;
      }
      case 'has':
        this.#follow(what, cache.has(key), READ_CODES, (has, begun) => {
          const fits = (version: Version): boolean =>
            has ? seen.isPresent(begun, version) : seen.isAbsent(version);
          this.#show(begun, where, key, fits, 'fresh enough', `${has} (has)`);
        });
        break;
      case 'or load':
        this.#getOrLoad(where, key, show);
        break;
      case 'keep':
        this.#keep(where, key, show);
        break;
      case 'get':
      case 'fresh':
      case 'refresh': {
        const reads = {
          get: () => cache.get(key),
          fresh: () => cache.get(key, { fresh: true }),
          refresh: () => cache.refresh(key),
        };
        const bound = how === 'get' ? 'fresh enough' : 'now';
        this.#follow(what, reads[how](), READ_CODES, (value, begun) => show(begun, value, bound));
        break;
      }
    }
  }

  #getOrLoad(where: Where, key: string, show: (begun: Begun, value: unknown, bound: Bound) => void): void {
    const { seen } = this.parts;
    const loaded = where === 'lists' ? [] : this.#id();
    this.#loads.add(textOf(loaded));
    const cache = this.parts[where] as NamespaceCache<string, unknown>;
    const done = seen.writing(where, [key]);
    const promise = cache.getOrLoad(key, () => loaded);
    this.#follow(
      `get ${where} ${key} or load ${textOf(loaded)}`,
      promise,
      READ_CODES,
      (value, begun) => {
        // What could not be stored, or came second, is an answer all the same; so is what another call has loaded.
        if (!this.#isLoaded(value) && seen.isAlone(begun, where, key)) show(begun, value, 'fresh enough');
      },
      { done },
    );
  }

  /** An update that changes nothing where there is something. */
  #keep(where: Where, key: string, show: (begun: Begun, value: unknown, bound: Bound) => void): void {
    const { seen } = this.parts;
    const other = where === 'lists' ? [] : this.#id();
    const cache = this.parts[where] as NamespaceCache<string, unknown>;
    const done = seen.writing(where, [key]);
    const promise = cache.update(key, (value) => value ?? other);
    this.#follow(
      `keep ${where} ${key}`,
      promise,
      WRITE_CODES,
      (value, begun) => {
        if (seen.isAlone(begun, where, key)) show(begun, value, 'now');
      },
      { done },
    );
  }

  #set(key: string, ttlMs: number | null): void {
    const { entries, seen } = this.parts;
    const value = this.#id();
    const done = seen.writing('entries', [key]);
    const promise = entries.set(key, value, { ttlMs });
    this.#follow(
      `set ${key}=${value} for ${ttlMs}`,
      promise,
      WRITE_CODES,
      (_, begun) =>
        this.#assertCommitted(begun, key, ({ text }) => text === textOf(value), `set ${key}=${value}`),
      { done },
    );
  }

  #setIfAbsent(key: string): void {
    const { entries, seen } = this.parts;
    const value = this.#id();
    const done = seen.writing('entries', [key]);
    const promise = entries.setIfAbsent(key, value);
    this.#follow(
      `set ${key}=${value} if absent`,
      promise,
      WRITE_CODES,
      (isSet, begun) => {
        const fits = ({ text }: Version): boolean => text === textOf(value);
        if (isSet) this.#assertCommitted(begun, key, fits, `set ${key}=${value} if absent`);
        else if (seen.isAlone(begun, 'entries', key))
          this.#show(
            begun,
            'entries',
            key,
            (version) => seen.isPresent(begun, version),
            'now',
            'its presence',
          );
      },
      { done },
    );
  }

  #remove(key: string, how: 'delete' | 'take'): void {
    const { entries, seen, name } = this.parts;
    const done = seen.writing('entries', [key]);
    const promise: Promise<unknown> = how === 'delete' ? entries.delete(key) : entries.take(key);
    this.#follow(
      `${how} ${key}`,
      promise,
      WRITE_CODES,
      (result, begun) => {
        if (result !== undefined && result !== false)
          this.#assertCommitted(begun, key, isGone, `${how} ${key}`);
        else if (seen.isAlone(begun, 'entries', key))
          this.#show(
            begun,
            'entries',
            key,
            // Not by this very call.
            (version) =>
              seen.isAbsent(version) &&
              (version.by !== name || version.seq <= begun.seq || this.#isLoadTakenBack(key, version)),
            'now',
            `its absence (${how})`,
          );
      },
      { done },
    );
  }

  /** Whether a removal may have been one of what was loaded here, which the cache takes back by itself, perhaps in one commit with a call. */
  #isLoadTakenBack(key: string, { seq }: Version): boolean {
    const { versions } = this.parts.database.timeline('entries', key);
    const before = versions.findLast((version) => version.seq < seq);
    return before?.by === this.parts.name && this.#loads.has(before.text);
  }

  #touch(key: string, ttlMs: number | null): void {
    const { entries, seen } = this.parts;
    const done = seen.writing('entries', [key]);
    this.#follow(
      `touch ${key} for ${ttlMs}`,
      entries.touch(key, { ttlMs }),
      WRITE_CODES,
      (isThere, begun) => {
        if (!seen.isAlone(begun, 'entries', key)) return;
        const fits = (version: Version): boolean =>
          isThere ? seen.isPresent(begun, version) : seen.isAbsent(version);
        this.#show(begun, 'entries', key, fits, 'now', `${isThere} (touch)`);
      },
      { done },
    );
  }

  #rename(key: string, to: string): void {
    const { entries, seen, database } = this.parts;
    const done = seen.writing('entries', [key, to]);
    this.#follow(
      `rename ${key} to ${to}`,
      entries.rename(key, to),
      WRITE_CODES,
      (isDone, begun) => {
        if (!seen.isAlone(begun, 'entries', key)) return;
        if (!isDone || key === to) {
          const fits = (version: Version): boolean =>
            isDone ? seen.isPresent(begun, version) : seen.isAbsent(version);
          this.#show(begun, 'entries', key, fits, 'now', `${isDone} (rename)`);
          return;
        }
        this.#assertCommitted(begun, key, isGone, `rename ${key}`);
        if (!seen.isAlone(begun, 'entries', to)) return;
        const from = database.timeline('entries', key);
        this.#assertCommitted(
          begun,
          to,
          ({ text, seq }) => text !== null && from.versions[from.indexAt(seq) - 1]?.text === text,
          `rename ${key} to ${to}`,
        );
      },
      { done },
    );
  }

  #clear(keys: readonly string[], what: string, clear: () => Promise<unknown>): void {
    const { seen, database, name } = this.parts;
    const done = seen.writing('entries', keys);
    database.removing(name);
    this.#follow(
      what,
      clear(),
      WRITE_CODES,
      (_, begun) => {
        for (const key of keys) this.#assertCommitted(begun, key, isGone, what);
      },
      { done },
    );
  }

  #scan(where: Where): void {
    this.#follow(`scan ${where}`, this.#scanned(where), READ_CODES, (found, begun) => {
      for (const key of KEYS_OF[where]) {
        const text = textOf(found.get(key));
        this.#showsNow(begun, where, key, (version) => this.#fits(begun, version, text), `${text} (scan)`);
      }
    });
  }

  async #scanned(where: Where): Promise<ReadonlyMap<string, unknown>> {
    const found = new Map<string, unknown>();
    for await (const [key, value] of this.parts[where].scan()) found.set(key, value);
    return found;
  }

  #count(where: Where): void {
    const { seen, database } = this.parts;
    this.#follow(`count ${where}`, this.parts[where].count(), READ_CODES, (count, begun) => {
      const meanwhile = KEYS_OF[where].map((key) => {
        const timeline = database.timeline(where, key);
        return timeline.versions.slice(timeline.indexAt(begun.seq));
      });
      const least = meanwhile.filter(
        (versions) => !versions.some((version) => seen.isAbsent(version)),
      ).length;
      const most = meanwhile.filter((versions) =>
        versions.some((version) => seen.isPresent(begun, version)),
      ).length;
      if (count < least || count > most) this.#broken(`${where} counts ${count}, of ${least} to ${most}`);
    });
  }

  /** Some write of this process has committed what an acknowledged one says, or what others have made of it in the same commit. */
  #assertCommitted(begun: Begun, key: string, fits: (version: Version) => boolean, what: string): void {
    const { seen } = this.parts;
    const exact = seen.own(begun, 'entries', key, fits);
    if (exact >= 0) {
      seen.reached('entries', key, exact);
      return;
    }
    // Folded with others it may come to nothing.
    if (seen.isAlone(begun, 'entries', key)) this.#broken(`${what} was acknowledged, and is not committed`);
  }

  #show(
    begun: Begun,
    where: Where,
    key: string,
    fits: (version: Version) => boolean,
    bound: Bound,
    what: string,
  ): void {
    this.parts.seen.show(begun, [where, key], fits, bound, what);
  }

  /** What a listing shows is of its time; what memory has may be older. */
  #showsNow(
    begun: Begun,
    where: Where,
    key: string,
    fits: (version: Version) => boolean,
    what: string,
  ): void {
    const timeline = this.parts.database.timeline(where, key);
    if (timeline.find(timeline.indexAt(begun.seq), fits) < 0)
      this.#broken(`${where} ${key} shows ${what}, which it was not meanwhile`);
  }

  #fits(begun: Begun, version: Version, text: string | null): boolean {
    const { seen } = this.parts;
    return text === null ? seen.isAbsent(version) : version.text === text && seen.isPresent(begun, version);
  }

  /** Whether a value was made here, and needs not be stored. */
  #isLoaded(value: unknown): boolean {
    return (
      (Array.isArray(value) && value.length === 0) ||
      (typeof value === 'string' && value.startsWith(`${this.parts.name}.`))
    );
  }

  #follow<T>(
    what: string,
    promise: Promise<T>,
    codes: readonly string[],
    answered: (result: T, begun: Begun) => void,
    { done, rejected }: { done?: () => void; rejected?: (error: unknown) => void } = {},
  ): void {
    const { name, seen, chronicle, patience, tally, time } = this.parts;
    const begun = seen.begin();
    tally.operations += 1;
    chronicle.follow(`${name}: ${what}`, promise);
    patience.follow(`${name}: ${what}`, promise, time());
    promise.then(
      (result) => {
        answered(result, begun);
        done?.();
      },
      (error: unknown) => {
        tally.rejected += 1;
        rejected?.(error);
        done?.();
        seen.assertMayReject(begun, error, codes, what);
      },
    );
  }

  /** Different from everything that is ever written. */
  #id(): string {
    this.#ids += 1;
    return `${this.parts.name}.${this.#ids}`;
  }

  #broken(what: string): void {
    this.parts.broken(`${this.parts.name}: ${what}`);
  }
}

function textOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function isGone({ text }: Version): boolean {
  return text === null;
}

function startsWith(text: string | null, list: readonly string[]): boolean {
  if (text === null) return false;
  const committed = JSON.parse(text) as string[];
  return list.every((id, i) => committed[i] === id);
}
