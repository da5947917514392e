import { CacheError, isCacheError } from '../cache-error.js';
import { bigintKey } from './bigint-key.js';
import { assertStorableText, invalidKey, type KeyCodec } from './key-codec.js';
import type { KeyPrefix } from './key-prefix.js';
import { isWithin, type KeyRange } from './key-range.js';
import { numberKey } from './number-key.js';
import { stringKey } from './string-key.js';

/**
 * The codecs whose keys are looked up as they are, without building their stored form: `Map` compares them alike, and what
 * they have encoded once they encode again, whenever it is written. Of a codec of the application nobody knows that.
 */
const PRIMITIVE = new Set<unknown>([stringKey(), numberKey(), bigintKey()]);

/** What a key is looked up by in memory: the key itself where it is one of a built-in codec that is a primitive, else its stored form. */
export type MemoryKey = string | number | bigint;

/** The three forms of a namespace's keys (as given, in memory, as stored) and the ways between them. */
export class KeySpace<K> {
  readonly #primitive: boolean;

  constructor(
    private readonly namespace: string,
    private readonly codec: KeyCodec<K>,
  ) {
    this.#primitive = PRIMITIVE.has(codec);
  }

  /** For a look-up that may as well find nothing: what can't be stored is not looked for, since it never was. */
  lookup(key: K): MemoryKey {
    return this.#primitive ? (key as MemoryKey) : this.#unchecked(key);
  }

  /** The key's form in memory. Throws `INVALID_KEY` for a key that can't be stored and brought back. */
  admit(key: K): MemoryKey {
    const text = this.#encode(key);
    if (!this.#primitive) return text;
    // -0 is stored as 0 and comes back as that.
    return (key as MemoryKey) === 0 ? 0 : (key as MemoryKey);
  }

  /** The stored form of an admitted key. */
  textOf(key: MemoryKey): string {
    return this.#primitive ? this.codec.encode(key as K) : (key as string);
  }

  /** The stored keys that begin with `prefix`. Throws `INVALID_KEY` for what no key of the namespace begins with. */
  range(prefix: unknown): KeyRange {
    return this.#explaining(() => {
      if (this.codec.prefix === undefined) {
        throw invalidKey(
          `Its keys have no prefix: each is ${this.codec.expects}.`,
          'Only strings and tuples have one; of a codec of your own it is what its prefix() says.',
        );
      }
      return this.codec.prefix(prefix as KeyPrefix<K>);
    });
  }

  /** Whether the stored form of an admitted key lies in a range. */
  isIn(key: MemoryKey, range: KeyRange): boolean {
    return isWithin(this.textOf(key), range);
  }

  /** The key as its owner gave it. */
  keyOf(key: MemoryKey): K {
    return this.#primitive ? (key as K) : this.codec.decode(key as string);
  }

  /** The form in memory of a stored key; `undefined` for a text that no key of this namespace has. */
  parse(text: string): MemoryKey | undefined {
    try {
      const key = this.codec.decode(text);
      if (this.#encode(key) !== text) return undefined;
      return this.#primitive ? (key as MemoryKey) : text;
    } catch {
      return undefined;
    }
  }

  #unchecked(key: K): string {
    try {
      return this.codec.encode(key);
    } catch {
      // Throws again, and says of which namespace.
      return this.#encode(key);
    }
  }

  #encode(key: K): string {
    return this.#explaining(() => {
      const text = this.codec.encode(key);
      assertStorableText(text);
      return text;
    });
  }

  /** Says of which namespace it is what a codec throws. */
  #explaining<T>(task: () => T): T {
    try {
      return task();
    } catch (error) {
      const reason = isCacheError(error) ? error.message : 'The key codec could not encode the key.';
      throw new CacheError('INVALID_KEY', `Namespace '${this.namespace}': ${reason}`, {
        namespace: this.namespace,
        cause: isCacheError(error) ? undefined : error,
      });
    }
  }
}
