import type { KeySpace } from '../../core/keys/key-space.js';

/**
 * A key as it is now. A method is given the same arguments, and what it makes of an array among them must not change what is stored or removed.
 * Throws `INVALID_KEY` for what can't be one.
 */
export function keyAsGiven<K>(keys: KeySpace<K>, key: K): K {
  const admitted = keys.admit(key);
  return typeof key === 'object' ? keys.keyOf(admitted) : key;
}

/** The same of a prefix; of a codec of the application, what is no array is taken as it is. */
export function prefixAsGiven<K>(keys: KeySpace<K>, prefix: unknown): unknown {
  keys.range(prefix);
  return copied(prefix);
}

function copied(part: unknown): unknown {
  return Array.isArray(part) ? part.map(copied) : part;
}
