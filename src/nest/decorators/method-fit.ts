import type { ValueMode } from '../../core/values/value-mode.js';
import type { Immutable } from '../../core/values/immutable.js';

/** Any method; which ones fit, the decorator's own type says. */
type Method = (...args: never[]) => unknown;

/** What a key or a prefix is made to be. The second part makes the compiler take `[a, b]` for a tuple: nothing else is one of it. */
export type Given<T> = NoInfer<T> | (T extends readonly unknown[] ? readonly [never] : never);

/** What a method is declared in: an instance. A class, of which a static method is one, has a prototype. */
type MethodOwner = object & { readonly prototype?: never };

/**
 * A decorator of methods that `Fit` says of what is wrong with the method's type: `unknown` where nothing is. A text of the
 * reason is no descriptor, so it is what the compiler shows.
 */
type Fitting<F extends Method, Fit> = TypedPropertyDescriptor<F> & Fit;

/** A decorator of the methods whose parameters `A` takes, and whose result is read from a namespace. */
export type CachedDecorator<A extends unknown[], V, M extends ValueMode> = <F extends Method>(
  target: MethodOwner,
  name: string | symbol,
  method: Fitting<F, FirstOf<[KeyFit<A, ParametersOf<F>>, StoredFit<V, F>, ReadFit<V, M, F>, WholeFit<F>]>>,
) => void;

/** A decorator of the methods whose parameters `A` takes, or with their result `B`, and whose result is stored in a namespace. */
export type CachePutDecorator<A extends unknown[], B extends unknown[], V> = <F extends Method>(
  target: MethodOwner,
  name: string | symbol,
  method: Fitting<
    F,
    FirstOf<
      [
        KeyFit<A, ParametersOf<F>>,
        StoredFit<V, F>,
        KeyFit<B, [result: Exclude<ResultOf<F>, undefined>, ...ParametersOf<F>]>,
        PlainPromiseFit<F>,
      ]
    >
  >,
) => void;

/** A decorator of the methods whose parameters `A` takes, whatever they promise. */
export type CacheEvictDecorator<A extends unknown[]> = <F extends Method>(
  target: MethodOwner,
  name: string | symbol,
  method: Fitting<F, FirstOf<[KeyFit<A, ParametersOf<F>>, PromiseFit<F>, PlainPromiseFit<F>]>>,
) => void;

type ParametersOf<F extends Method> = F extends (...args: infer P extends unknown[]) => unknown ? P : never;

/** What a method promises; `NoPromise` where it promises nothing. */
type ResultOf<F extends Method> = F extends (...args: never[]) => Promise<infer R> ? R : NoPromise;

declare const NO_PROMISE: unique symbol;
type NoPromise = typeof NO_PROMISE;

/** The first reason there is. */
type FirstOf<Fits extends unknown[]> = Fits extends [infer First, ...infer Rest]
  ? unknown extends First
    ? FirstOf<Rest>
    : First
  : unknown;

type KeyFit<A extends unknown[], P extends unknown[]> = ((...args: A) => void) extends (...args: P) => void
  ? unknown
  : 'the function that gives the key or the prefix takes other parameters than the method';

type PromiseFit<F extends Method> = [ResultOf<F>] extends [NoPromise]
  ? IsAny<ResultOf<F>> extends true
    ? unknown
    : 'the method must return a Promise'
  : unknown;

/** Whether a plain promise, which is what the decorated method gives, has all that the method's own has. */
type PlainPromiseFit<F extends Method> = [Promise<ResultOf<F>>] extends [ReturnType<F>]
  ? unknown
  : 'the decorated method returns a plain Promise: let its type say no more';

/** The same, and whether the result is the same whatever the arguments are: neither generic nor overloaded. */
type WholeFit<F extends Method> = ((...args: ParametersOf<F>) => Promise<ResultOf<F>>) extends F
  ? unknown
  : 'the method must return a plain Promise of one type, neither generic nor overloaded: the cache gives what is stored, whoever asks';

type StoredFit<V, F extends Method> = [Exclude<ResultOf<F>, undefined>] extends [Immutable<V>]
  ? unknown
  : 'the method must return a Promise of a value of the namespace, or of undefined';

/** Whether what the namespace gives is what the method says it returns. */
type ReadFit<V, M extends ValueMode, F extends Method> = [M] extends ['copied']
  ? ReadAs<V, Exclude<ResultOf<F>, undefined>>
  : IsReadonly<Exclude<ResultOf<F>, undefined>, V> extends true
    ? ReadAs<Immutable<V>, Exclude<ResultOf<F>, undefined>>
    : "the values of the namespace are frozen: let the method return Promise<Immutable<…>>, or define the namespace with values: 'copied'";

type ReadAs<R, Result> = [R] extends [Result]
  ? unknown
  : 'the namespace holds values that the method does not say it returns';

/** Whether a type is readonly at every depth. Assignability does not tell: TypeScript lets readonly properties pass for others. */
type IsReadonly<T, V> = IsAny<T> extends true ? IsAny<V> : Same<Flat<T>, Flat<Immutable<T>>>;

/** An intersection of objects as one object. */
type Flat<T> = T extends (...args: never[]) => unknown ? T : { [P in keyof T]: T[P] };

/** Whether types are identical, modifiers included. Written out twice: by a name for it, the compiler would compare the types alone. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- only an open type makes it compare them so
type Same<T, U> = (<X>() => X extends T ? 1 : 2) extends <X>() => X extends U ? 1 : 2 ? true : false;

type IsAny<T> = 0 extends 1 & T ? true : false;
