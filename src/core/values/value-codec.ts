/**
 * Turns a value into the text it is stored as, and back. What `decode(encode(value))` gives is what readers get, from
 * the moment of the write: a cache must not look different before and after a restart.
 */
export interface ValueCodec<V> {
  /** The stored form. Throws for a value that it can't bring back. */
  encode(value: V): string;
  /** The value of a stored form. Throws for a text that is none. */
  decode(text: string): V;
  /**
   * Set when whatever `encode` gives decodes, and to plain data (nothing but objects, arrays and primitives). Otherwise
   * each write decodes what it encoded, to be sure.
   */
  readonly plain?: boolean;
  /**
   * Bytes that a value takes, for the `maxBytes` of a `MEMORY_ONLY` namespace, which may hold what `encode` refuses.
   * Default: those of what `encode` gives.
   */
  measure?(value: V): number;
}

/** Makes a new value of the current one; `undefined` where there is none. */
export type Updater<V> = (current: V | undefined) => V;
