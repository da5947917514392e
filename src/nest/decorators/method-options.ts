import { CacheError, isCacheError } from '../../core/cache-error.js';
import { assertRecord } from '../../core/option-checks.js';

/** Gives a key or a prefix, of the arguments of a call. */
export type KeyFunction = (...args: readonly unknown[]) => unknown;

/** Throws `INVALID_OPTION` for options that are no object. */
export function assertGiven(where: string, given: unknown, example: string): asserts given is object {
  assertRecord(given, where, example);
}

/** An option that must be a function. Throws `INVALID_OPTION` for what is none. */
export function functionIn(where: string, given: object, option: string): KeyFunction {
  const value = (given as Record<string, unknown>)[option];
  if (typeof value === 'function') return value as KeyFunction;
  throw new CacheError(
    'INVALID_OPTION',
    `${where}: '${option}' must be a function of the method's parameters, such as (id: string) => id.`,
    { option },
  );
}

/** The one of some options that is given. Throws `INVALID_OPTION` where it is not exactly one. */
export function onlyOneOf<O extends string>(where: string, given: object, options: readonly O[]): O {
  const present = options.filter((option) => (given as Record<string, unknown>)[option] !== undefined);
  const [only] = present;
  if (only !== undefined && present.length === 1) return only;
  const [last, ...others] = options.toReversed();
  throw new CacheError(
    'INVALID_OPTION',
    `${where}: give exactly one of ${others.toReversed().join(', ')} and ${last}.`,
  );
}

/** Has an error of the checks of a namespace say where the options are written, too. */
export function saying(where: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!isCacheError(error)) throw error;
    const { code, message, namespace, option } = error;
    throw new CacheError(code, `${where}: ${message}`, {
      ...(namespace === undefined ? {} : { namespace }),
      ...(option === undefined ? {} : { option }),
    });
  }
}
