type Atom =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | Date
  | RegExp
  | ArrayBufferView
  | ArrayBuffer
  | ((...args: never[]) => unknown);

/** `T` with every property, at every depth, readonly: what a namespace returns, and all that it asks for. */
export type Immutable<T> = T extends Atom
  ? T
  : T extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<Immutable<K>, Immutable<V>>
    : T extends ReadonlySet<infer E>
      ? ReadonlySet<Immutable<E>>
      : T extends object
        ? { readonly [P in keyof T]: Immutable<T[P]> }
        : T;
