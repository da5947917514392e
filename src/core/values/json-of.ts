type Primitive = string | number | boolean | null;

/** What JSON brings back as it was. */
export type JsonValue = Primitive | readonly JsonValue[] | { readonly [name: string]: JsonValue };

type Callable = ((...args: never) => unknown) | (abstract new (...args: never) => unknown);

/** A property may be left out, and so may be `undefined`. Of one that is keyed by a symbol nothing is stored: it is a brand. */
type JsonProperty<T> = undefined extends T ? JsonOf<Exclude<T, undefined>> | undefined : JsonOf<T>;

/**
 * `V` with `never` in the place of everything that JSON would lose or turn into something else: `V` is assignable to it
 * only where there is nothing of that kind. `any` and `unknown` are left for the check at run time.
 */
export type JsonOf<V> = unknown extends V
  ? V
  : V extends Primitive
    ? V
    : V extends Callable | bigint | symbol | undefined
      ? never
      : V extends readonly unknown[]
        ? JsonElements<V>
        : { [P in keyof V]: P extends symbol ? V[P] : JsonProperty<V[P]> };

/** The elements as properties: of an array or a tuple the compiler would look into all at once, without end in a recursive type. */
type JsonElements<V extends readonly unknown[]> = number extends V['length']
  ? { readonly [index: number]: JsonOf<V[number]> }
  : { readonly [I in keyof V as I & `${number}`]: JsonOf<Required<V>[I]> };

/** What has many methods and is no type of the app's: to name them would say nothing. */
type BuiltIn =
  Date | RegExp | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | ArrayBufferView | ArrayBuffer;

/** The properties of `V` that hold what JSON would alter; `never` where there are none to name. */
type AlteredIn<V> = V extends
  Primitive | Callable | BuiltIn | bigint | symbol | undefined | readonly unknown[]
  ? never
  : Extract<{ [P in keyof V]-?: V[P] extends JsonProperty<V[P]> ? never : P }[keyof V], string>;

type Remedy = 'use rich<T>(), store another type, or give json<T>() a reviver or { unchecked: true }';

/**
 * What `json<V>()` may be called on: anything where JSON brings `V` back as it was, else a text that says why not, for
 * the compiler to show.
 */
export type AsJson<V> = [V] extends [JsonOf<V>]
  ? unknown
  : [AlteredIn<V>] extends [never]
    ? `json<T>() would not bring this type back as it was: ${Remedy}`
    : `json<T>() would not bring '${AlteredIn<V>}' back as it was: ${Remedy}`;
